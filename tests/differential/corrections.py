"""Where the native recorder differs from the official SDK on purpose, each with how the differential tests allow for it.

``test_spans.py`` and ``test_metrics.py`` compare everything else. Each row is either a normalisation, named here and written
below, or a restriction on what ``span_programs.py`` and ``metric_programs.py`` draw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from opentelemetry.sdk.trace import SpanLimits

from tests.differential.span_programs import COUNTS
from tests.differential.span_recording import SpanRecording


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """``number`` is that of the list in ``test_corrections.py``, where it is one of those."""

    what: str
    why: str
    allowed_by: Literal["normalised", "not drawn"]
    number: int | None = None


CORRECTIONS: Final = (
    Correction(
        number=9,
        what="At its limit a span keeps its first attributes, events and links; the SDK keeps the last ones.",
        why="The specification drops what exceeds the limit; what a span is found by is set at its start.",
        allowed_by="normalised",
    ),
    Correction(
        number=9,
        what="An attribute of None is no attribute: not kept, not counted, and what the key held before stays.",
        why="OTLP would carry an attribute without a value, which backends refuse or show as empty.",
        allowed_by="not drawn",
    ),
    Correction(
        what="A key that is set again keeps its place among the attributes.",
        why="A dict does so, and the order means nothing in OTLP.",
        allowed_by="normalised",
    ),
    Correction(
        what="exception.stacktrace begins with the application's frames; the SDK adds frames of its own.",
        why="They say nothing about the error.",
        allowed_by="normalised",
    ),
    Correction(
        what="A generator's span, finished in another context than it was begun in, does not stay the current one there.",
        why="Later spans would get an ended span as their parent; the SDK also logs an error with a traceback.",
        allowed_by="not drawn",
    ),
    Correction(
        what="A Link that is given to two spans says the same in both; the SDK changes it when it is first given.",
        why="What the application hands over stays its own.",
        allowed_by="not drawn",
    ),
    Correction(
        what="A histogram that is to record no minimum and maximum has none; the SDK sends plus and minus infinity.",
        why="The fields are optional in OTLP, and infinity is a lie.",
        allowed_by="normalised",
    ),
    Correction(
        what="An exponential histogram has no empty buckets at its ends, and no list for a sign that nothing has.",
        why="They say nothing; the SDK sends as many as it has room for.",
        allowed_by="normalised",
    ),
    Correction(
        what="Zeros do not change the scale of an exponential histogram; the SDK's falls to 0 in a collection of zeros.",
        why="Zeros are counted apart from the buckets; the resolution that was lost does not come back.",
        allowed_by="normalised",
    ),
    Correction(
        number=10,
        what="An exponential histogram of few buckets is collected also after a collection of zeros; the SDK raises.",
        why="One instrument must not cost the whole scrape.",
        allowed_by="normalised",
    ),
    Correction(
        what="The exemplar of a bucket is its first measurement since the last collection, the SDK's is the last; a point "
        "without bounds has one at most.",
        why="The specification leaves the choice open, and each costs time in the call that records.",
        allowed_by="normalised",
    ),
    Correction(
        number=10,
        what="The limit of an observable instrument counts the series of one collection; the SDK counts all that it ever saw.",
        why="What is not observed any more takes no room (specification, cardinality limits of asynchronous instruments).",
        allowed_by="not drawn",
    ),
    Correction(
        what="The span of a decorated generator function lasts until it is through; the SDK's ends before it begins.",
        why="What it does is done while it is iterated.",
        allowed_by="not drawn",
    ),
    Correction(
        what="A key that is no text is kept as its text, an empty one in a nested mapping as it is; the SDK drops some.",
        why="One way for all calls, and the value is worth more than its name.",
        allowed_by="not drawn",
    ),
    Correction(
        what="Sets, byte arrays and memory views are carried as what they are; the SDK makes texts or lists of integers.",
        why="OTLP has values for them.",
        allowed_by="not drawn",
    ),
)

# What the SDK raises in such a collection.
BROKEN_SCRAPE: Final = "Incorrect merge scale"


def without_counts(limits: SpanLimits) -> SpanLimits:
    """``limits`` with the lengths only."""
    unset = SpanLimits.UNSET
    lengths = {
        name: unset if getattr(limits, name) is None else getattr(limits, name)
        for name in ("max_attribute_length", "max_span_attribute_length")
    }
    return SpanLimits(**dict.fromkeys(COUNTS, unset), **lengths)


def cut(recording: SpanRecording, limits: SpanLimits) -> SpanRecording:
    """What was recorded without limits as the native recorder keeps it under ``limits``: the first ones.

    Exact only where no key of an attribute is used twice in one place.
    """
    for span in recording.spans():
        _keep_first(span, "attributes", limits.max_span_attributes)
        _keep_first(span, "events", limits.max_events)
        _keep_first(span, "links", limits.max_links)
        for event in span.get("events", []):
            _keep_first(event, "attributes", limits.max_event_attributes)
        for link in span.get("links", []):
            _keep_first(link, "attributes", limits.max_link_attributes)
    return replace(recording, observed=[_cut_observed(seen, limits) for seen in recording.observed])


def _keep_first(holder: dict[str, Any], name: str, most: int | None) -> None:
    held = holder.get(name, [])
    if most is None or len(held) <= most:
        return
    count = f"dropped_{name}_count"
    holder[count] = holder.get(count, 0) + len(held) - most
    holder[name] = held[:most]
    if not most:
        del holder[name]


def _cut_observed(seen: tuple[Any, ...], limits: SpanLimits) -> tuple[Any, ...]:
    *rest, last = seen
    if not isinstance(last, list):
        return seen
    return (*rest, [pair for pair in last if pair[1] is not None][: limits.max_span_attributes])
