"""Finished spans, as a test looks at them: by name, by parent and child, and as a tree.

Built from the native recorder's spans by `telemetry.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from heliograph.recording.traces import readable
from heliograph.recording.traces.span import Span
from heliograph.testing.named import Named

_STACK: Final = "exception.stacktrace"  # what a test has on its screen anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSpanEvent:
    """An event on a span; ``time_ns`` is in ns since the Unix epoch."""

    name: str
    attributes: Mapping[str, Any]
    time_ns: int

    def __str__(self) -> str:
        return " ".join([self.name, *attributes_shown(self.attributes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSpan:
    """A finished span. Times are in ns since the Unix epoch, ``duration_s`` in seconds.

    ``parent`` is the span that it was started in: None at the root of a trace, the OpenTelemetry ``SpanContext`` where the
    parent is none of the finished ones (another service's, for example). ``status`` is OpenTelemetry's.
    """

    name: str
    trace_id: int
    span_id: int
    parent: RecordedSpan | SpanContext | None = field(repr=False, compare=False)
    kind: SpanKind
    attributes: Mapping[str, Any]
    events: tuple[RecordedSpanEvent, ...]
    links: tuple[SpanContext, ...]
    status: Status = field(compare=False)
    started_at_ns: int
    ended_at_ns: int
    scope: str
    context: SpanContext = field(repr=False)
    children: list[RecordedSpan] = field(default_factory=list, repr=False, compare=False)

    @property
    def duration_s(self) -> float:
        """From its start to its end."""
        return (self.ended_at_ns - self.started_at_ns) / 1e9

    @property
    def is_error(self) -> bool:
        """Whether its status is an error."""
        return self.status.status_code is StatusCode.ERROR

    def tree(self, *, is_detailed: bool = True) -> str:
        """The span and what is below it, as :meth:`RecordedSpans.tree` shows it."""
        return "\n".join(_lines([self], is_detailed=is_detailed))

    def __str__(self) -> str:
        parts = [self.name]
        if self.ended_at_ns != self.started_at_ns:
            parts.append(f"({self.duration_s:g} s)")
        parts += attributes_shown(self.attributes)
        if self.is_error:
            parts.append(f"ERROR {self.status.description}" if self.status.description else "ERROR")
        return " ".join(parts)


class RecordedSpans(Named[RecordedSpan]):
    """The finished spans, in the order in which they ended."""

    noun: ClassVar = "span"

    @property
    def roots(self) -> list[RecordedSpan]:
        """Those whose parent is none of these, in the order in which they began."""
        known = {(span.trace_id, span.span_id) for span in self}
        return sorted(
            (span for span in self if span.parent is None or (span.trace_id, span.parent.span_id) not in known),
            key=_began,
        )

    def tree(self, *, is_detailed: bool = True) -> str:
        """The spans as text, a line each, two spaces further in below their parents, in the order in which they began; also
        attributes, errors and events. ``is_detailed=False`` shows the names alone."""
        return "\n".join(_lines(self.roots, is_detailed=is_detailed))

    def lines(self) -> list[str]:
        return list(_lines(self.roots, is_detailed=True))


def recorded_spans(spans: Sequence[Span]) -> RecordedSpans:
    """``spans`` of the native recorder, in the same order, tied to each other."""
    known: dict[tuple[int, int], RecordedSpan] = {}
    for span in sorted(spans, key=lambda span: span._span_id):  # the ids count, and a parent begins before its children
        above = span.parent
        parent = known.get((above.trace_id, above.span_id), above) if above is not None else None
        recorded = _recorded(span, parent)
        known[recorded.trace_id, recorded.span_id] = recorded
        if isinstance(parent, RecordedSpan):
            parent.children.append(recorded)
    return RecordedSpans([known[span._trace_id, span._span_id] for span in spans])


def _recorded(span: Span, parent: RecordedSpan | SpanContext | None) -> RecordedSpan:
    return RecordedSpan(
        name=span.name,
        trace_id=span._trace_id,
        span_id=span._span_id,
        parent=parent,
        kind=span.kind,
        attributes=dict(span.attributes),
        events=tuple(
            RecordedSpanEvent(name=event.name, attributes=dict(event.attributes or {}), time_ns=event.timestamp)
            for event in readable.events(span)
        ),
        links=tuple(link.context for link in readable.links(span)),
        status=span.status,
        started_at_ns=span.start_time,
        ended_at_ns=span.end_time or span.start_time,
        scope=span.instrumentation_scope.name,
        context=span.get_span_context(),
    )


def attributes_shown(attributes: Mapping[str, Any]) -> list[str]:
    """Each as ``key=value``."""
    return [f"{key}={value!r}" for key, value in attributes.items() if key != _STACK]


def _began(span: RecordedSpan) -> int:
    return span.span_id


def _lines(roots: Sequence[RecordedSpan], *, is_detailed: bool) -> list[str]:
    """Without recursion: traces may be deeper than Python's stack."""
    lines: list[str] = []
    waiting = [(span, 0) for span in reversed(roots)]
    while waiting:
        span, depth = waiting.pop()
        lines.append("  " * depth + (str(span) if is_detailed else span.name))
        if is_detailed:
            lines += ["  " * (depth + 1) + f"* {event}" for event in span.events]
        waiting += [(child, depth + 1) for child in reversed(span.children)]
    return lines
