"""Views of the settings as the SDK's. Each that fits an instrument makes a metric of it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)

from heliograph.settings.metrics import MetricView

_TYPES: Final[Mapping[str | None, Any]] = {
    None: None,
    "counter": sdk.Counter,
    "up_down_counter": sdk.UpDownCounter,
    "gauge": sdk._Gauge,
    "histogram": sdk.Histogram,
    "observable_counter": sdk.ObservableCounter,
    "observable_up_down_counter": sdk.ObservableUpDownCounter,
    "observable_gauge": sdk.ObservableGauge,
}


class _AllBut(frozenset[str]):
    """The attribute keys that are not in it: the SDK asks only whether a key is among those to keep."""

    def __contains__(self, key: object) -> bool:
        return not super().__contains__(key)


def sdk_view(view: MetricView) -> View:
    """``view`` for the official recorder."""
    return View(
        instrument_type=_TYPES[view.type],
        instrument_name=view.instrument.lower(),
        instrument_unit=view.unit,
        meter_name=view.meter,
        name=view.name,
        description=view.description,
        attribute_keys=_attribute_keys(view),
        aggregation=_aggregation(view),
    )


def _attribute_keys(view: MetricView) -> set[str] | None:
    if view.exclude:
        return _AllBut(view.exclude)  # type: ignore[return-value]
    return set(view.keep) if view.keep is not None else None


def _aggregation(view: MetricView) -> Aggregation:
    if view.drop:
        return DropAggregation()
    if view.exponential:
        return ExponentialBucketHistogramAggregation()
    return ExplicitBucketHistogramAggregation(view.buckets) if view.buckets else DefaultAggregation()
