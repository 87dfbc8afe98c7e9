"""Views: which instruments become which metrics, from the SDK's `View` objects and from rules of our settings.

Each SDK view that matches an instrument makes a metric of it, as the specification says. Rules are different: all that match
are laid over each other and over whatever metrics the views make, so that a rule for every histogram and one for a single
name do not make two metrics of it. Called by `series.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from opentelemetry.metrics import Asynchronous
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)

from heliograph.recording.mishaps import Mishaps

InstrumentType = Literal[
    "counter",
    "up_down_counter",
    "histogram",
    "gauge",
    "observable_counter",
    "observable_up_down_counter",
    "observable_gauge",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRule:
    """What to do with the instruments that match. What is None matches everything, and changes nothing.

    ``instrument_name`` and ``unit`` may hold ``*`` and ``?``; names are compared without case. ``keep`` are the attribute keys
    that stay, ``exclude`` those that go; ``buckets`` are the ascending upper bounds of a histogram,
    ``exponential`` lets it find its own.
    """

    instrument_name: str | None = None
    instrument_type: InstrumentType | None = None
    unit: str | None = None
    meter_name: str | None = None
    meter_version: str | None = None
    meter_schema_url: str | None = None

    name: str | None = None
    description: str | None = None
    keep: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    drop: bool = False
    buckets: tuple[float, ...] | None = None
    exponential: bool = False

    def matches(self, instrument: Any) -> bool:
        """Whether this rule is for ``instrument``."""
        scope = instrument.instrumentation_scope
        exact = (
            (self.instrument_type, instrument.kind),
            (self.meter_name, scope.name),
            (self.meter_version, scope.version),
            (self.meter_schema_url, scope.schema_url),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in exact)
            and (self.instrument_name is None or fnmatchcase(instrument.name, self.instrument_name.lower()))
            and (self.unit is None or fnmatchcase(instrument.unit, self.unit))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One metric that an instrument becomes."""

    instrument: Any
    view: View | None
    name: str
    description: str
    keep: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    buckets: tuple[float, ...] | None = None
    exponential: bool = False
    limit: int | None = None  # of attribute sets; None for the reader's

    @property
    def is_filtering(self) -> bool:
        """Whether some attributes do not become labels."""
        return self.keep is not None or bool(self.exclude)

    def filtered(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Those of ``attributes`` that tell its series apart."""
        if not self.is_filtering:
            return attributes
        keep, exclude = self.keep, self.exclude
        return {name: value for name, value in attributes.items() if (keep is None or name in keep) and name not in exclude}


def streams(views: Sequence[View | ViewRule], instrument: Any, mishaps: Mishaps) -> tuple[Stream, ...]:
    """The metrics that ``instrument`` becomes; none when a rule drops it."""
    rules = [view for view in views if isinstance(view, ViewRule) and view.matches(instrument)]
    if any(rule.drop for rule in rules):
        return ()
    matching: list[View | None] = [view for view in views if _fits(view, instrument, mishaps)]  # type: ignore[misc]
    return tuple(_stream(view, rules, instrument) for view in matching or [None])


def _stream(view: View | None, rules: Sequence[ViewRule], instrument: Any) -> Stream:
    name = description = buckets = None
    keep: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    if view is not None:
        name, description = view._name, view._description
        keep = frozenset(view._attribute_keys) if view._attribute_keys is not None else None
    for rule in rules:
        name = rule.name or name
        description = rule.description or description
        buckets = rule.buckets or buckets
        exclude |= rule.exclude
        if rule.keep is not None:
            keep = rule.keep if keep is None else keep & rule.keep
    return Stream(
        instrument=instrument,
        view=view,
        name=name or instrument.name,
        description=description or instrument.description,
        keep=keep,
        exclude=exclude,
        buckets=buckets,
        exponential=any(rule.exponential for rule in rules),
        limit=getattr(view, "_aggregation_cardinality_limit", None),  # since SDK 1.45.2
    )


def _fits(view: View | ViewRule, instrument: Any, mishaps: Mishaps) -> bool:
    is_observed = isinstance(instrument, Asynchronous)
    if isinstance(view, ViewRule):
        return False
    try:
        if not view._match(instrument):
            return False
    except Exception as error:  # a view of the application's own class
        mishaps.note("view", error)
        return False
    if is_observed and isinstance(view._aggregation, _OF_MEASUREMENTS):
        mishaps.note("view", f"makes a histogram of {instrument.name}, which reports totals; it is not applied")
        return False
    return True


_OF_MEASUREMENTS: Final = (ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation)
