"""What the tests of this folder read: the data of a reader, by metric and attributes."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from heliograph.recording.metrics.provider import MeterProvider

KINDS = (
    sdk.Counter,
    sdk.UpDownCounter,
    sdk.Histogram,
    sdk._Gauge,
    sdk.ObservableCounter,
    sdk.ObservableUpDownCounter,
    sdk.ObservableGauge,
)


def cumulative(limit: int = 2000) -> InMemoryMetricReader:
    return InMemoryMetricReader(cardinality_limits=dict.fromkeys(KINDS, limit))


def delta(limit: int = 2000) -> InMemoryMetricReader:
    temporality = dict.fromkeys(KINDS, AggregationTemporality.DELTA)
    return InMemoryMetricReader(temporality, cardinality_limits=dict.fromkeys(KINDS, limit))


def provider(*readers: InMemoryMetricReader, **options: Any) -> MeterProvider:
    return MeterProvider(readers, shutdown_on_exit=False, **options)


def metrics(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The metrics that ``reader`` collects now, by name."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    return {metric.name: metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics}


def points(reader: InMemoryMetricReader, name: str) -> list[Any]:
    found = metrics(reader).get(name)
    return list(found.data.data_points) if found is not None else []


def values(reader: InMemoryMetricReader, name: str) -> list[tuple[dict[str, Any], Any]]:
    """Attributes and value of each series, in the order in which they were first measured."""
    return [(dict(point.attributes), point.value) for point in points(reader, name)]
