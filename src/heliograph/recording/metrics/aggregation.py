"""Which aggregation a series gets: what the official SDK's aggregation objects say, as a plain value.

The SDK's objects are asked for the aggregation that they would make for an instrument, so that what a view, a reader or a
subclass of the application's decides there (bounds by unit, for one) holds here. Called by `storage.py` and `series.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from opentelemetry.metrics import Asynchronous, Counter, ObservableCounter
from opentelemetry.sdk.metrics import ExemplarReservoir
from opentelemetry.sdk.metrics._internal.aggregation import (
    _DropAggregation,
    _ExplicitBucketHistogramAggregation,
    _ExponentialBucketHistogramAggregation,
    _LastValueAggregation,
    _SumAggregation,
)
from opentelemetry.sdk.metrics.view import Aggregation as SdkAggregation
from opentelemetry.sdk.metrics.view import DefaultAggregation, View

from heliograph.recording.metrics.exponential import COARSEST_SCALE, FINEST_SCALE
from heliograph.recording.mishaps import Mishaps

Kind = Literal["sum", "last_value", "explicit", "exponential", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """How measurements become one value. ``bounds`` are those of explicit buckets, ``max_size`` and ``max_scale`` those of
    exponential ones."""

    kind: Kind
    is_monotonic: bool = False
    bounds: tuple[float, ...] = ()
    max_size: int = 160
    max_scale: int = FINEST_SCALE
    has_extremes: bool = True


DROP: Final = Aggregation(kind="drop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An aggregation, and where its exemplars are kept if not as `exemplars.py` does by default."""

    aggregation: Aggregation
    build_reservoir: Callable[[], ExemplarReservoir] | None = None


def choose(view: View | None, preferred: SdkAggregation, instrument: Any, mishaps: Mishaps) -> Chosen:
    """The aggregation of ``instrument`` under ``view``, else the reader's ``preferred`` one."""
    asked = preferred if view is None or isinstance(view._aggregation, DefaultAggregation) else view._aggregation
    is_default = view is None or view._exemplar_reservoir_factory is _DEFAULT_RESERVOIRS
    reservoirs = _DEFAULT_RESERVOIRS if view is None else view._exemplar_reservoir_factory
    for candidate in (asked, DefaultAggregation()):
        try:
            made: Any = candidate._create_aggregation(instrument, None, reservoirs, 0)
            aggregation = _described(made, instrument)
        except Exception as error:  # bounds or a factory of the application's may be unusable; the default is not
            mishaps.note("aggregation", f"of {instrument.name} is not as asked for: {error!r}")
            continue
        own = None if is_default else _reservoir_builder(reservoirs, type(made), aggregation)
        return Chosen(aggregation=aggregation, build_reservoir=own)
    return Chosen(aggregation=DROP)


def with_bounds(chosen: Chosen, bounds: tuple[float, ...]) -> Chosen:
    """The same with explicit buckets, if it is a histogram at all."""
    if chosen.aggregation.kind not in ("explicit", "exponential"):
        return chosen
    return Chosen(
        aggregation=Aggregation(kind="explicit", bounds=bounds, has_extremes=chosen.aggregation.has_extremes)
        if chosen.aggregation.kind == "exponential"
        else replace(chosen.aggregation, bounds=bounds)
    )


def as_exponential(chosen: Chosen) -> Chosen:
    """The same with exponential buckets, if it is a histogram at all."""
    if chosen.aggregation.kind != "explicit":
        return chosen
    return Chosen(aggregation=Aggregation(kind="exponential", has_extremes=chosen.aggregation.has_extremes))


def _described(made: Any, instrument: Any) -> Aggregation:
    for kind, describe in _KINDS:
        if isinstance(made, kind):
            return describe(made, instrument)
    raise TypeError(f"{type(made).__name__} is no aggregation that is known here")


def _sum(made: Any, instrument: Any) -> Aggregation:
    return Aggregation(kind="sum", is_monotonic=isinstance(instrument, (Counter, ObservableCounter)))


def _explicit(made: Any, instrument: Any) -> Aggregation:
    if isinstance(instrument, Asynchronous):
        return DROP  # as the SDK: totals are no measurements that could be counted in buckets
    return Aggregation(kind="explicit", bounds=tuple(made._boundaries), has_extremes=bool(made._record_min_max))


def _exponential(made: Any, instrument: Any) -> Aggregation:
    if isinstance(instrument, Asynchronous):
        return DROP
    return Aggregation(
        kind="exponential",
        max_size=made._max_size,
        max_scale=max(COARSEST_SCALE, min(FINEST_SCALE, made._max_scale)),
        has_extremes=bool(made._record_min_max),
    )


_KINDS: Final[tuple[tuple[type, Callable[[Any, Any], Aggregation]], ...]] = (
    (_DropAggregation, lambda _made, _instrument: DROP),
    (_SumAggregation, _sum),
    (_LastValueAggregation, lambda _made, _instrument: Aggregation(kind="last_value")),
    (_ExplicitBucketHistogramAggregation, _explicit),
    (_ExponentialBucketHistogramAggregation, _exponential),
)


def _reservoir_builder(factory: Any, kind: type, aggregation: Aggregation) -> Callable[[], ExemplarReservoir]:
    build: Any = factory(kind)
    if aggregation.kind == "explicit":
        return lambda: build(boundaries=aggregation.bounds)
    if aggregation.kind == "exponential":
        return lambda: build(size=min(20, aggregation.max_size))
    return build  # type: ignore[no-any-return]


_DEFAULT_RESERVOIRS: Final = View(instrument_name="*")._exemplar_reservoir_factory
