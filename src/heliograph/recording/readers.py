"""How metrics leave a recorder, either one: readers of the SDK's kind, their options, and what a collection counts for.

Called by the assembly; a reader hands a collection to an ``accept`` function and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)

from heliograph.recording.collecting import COLLECTING
from heliograph.settings.exporters import HistogramAggregation, Temporality

# Histogram bounds when the unit is seconds and nobody gave any. Source: OpenTelemetry semantic conventions,
# `http.server.request.duration`, ExplicitBucketBoundaries. OpenTelemetry's own default suits milliseconds.
SECONDS_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# The SDK's own recorder has a limit of attribute sets since 1.45.2, which its readers say.
_HAS_LIMITS: Final = "cardinality_limits" in signature(MetricReader).parameters


# OpenTelemetry specification, "OTLP metric exporter", additional configuration: what is not here counts from the start.
_FROM_LAST_COLLECTION: Final[Mapping[Temporality, tuple[type, ...]]] = {
    "cumulative": (),
    "delta": (Counter, Histogram, ObservableCounter),
    "low_memory": (Counter, Histogram),
}


class HistogramBounds(ExplicitBucketHistogramAggregation):
    """Bounds of a histogram: its own, else those of the settings, else OpenTelemetry's for its unit."""

    def __init__(self, configured: Sequence[float] | None) -> None:
        super().__init__()
        self._configured = configured

    def _create_aggregation(self, instrument: Any, *rest: Any, **options: Any) -> Any:
        advisory = getattr(instrument, "_advisory", None)
        own = advisory.explicit_bucket_boundaries if advisory is not None else None
        bounds = own or self._configured or (SECONDS_BOUNDS if instrument.unit == "s" else None)
        explicit = ExplicitBucketHistogramAggregation(boundaries=bounds)
        return explicit._create_aggregation(instrument, *rest, **options)


class Preference(NamedTuple):
    """How a destination wants metrics; a view that names the buckets of a histogram wins."""

    temporality: Temporality = "cumulative"
    histograms: HistogramAggregation = "explicit"


USUAL: Final = Preference()


def reader_options(
    cardinality_limit: int, histogram_buckets: Sequence[float] | None = None, preference: Preference = USUAL
) -> dict[str, Any]:
    """The arguments of a metric reader: the limit of attribute sets for each instrument, the bounds of histograms, and what
    values count from."""
    kinds = (Counter, UpDownCounter, Gauge, Histogram, ObservableCounter, ObservableGauge, ObservableUpDownCounter)
    explicit = preference.histograms == "explicit"
    aggregation: Aggregation = HistogramBounds(histogram_buckets) if explicit else ExponentialBucketHistogramAggregation()
    return {
        "cardinality_limits": dict.fromkeys(kinds, cardinality_limit),
        "preferred_aggregation": {Histogram: aggregation},
        "preferred_temporality": dict.fromkeys(_FROM_LAST_COLLECTION[preference.temporality], AggregationTemporality.DELTA),
    }


class LimitedReader(MetricReader):
    """A reader with limits of attribute sets, by kind of instrument. With an SDK older than 1.45.2 the native recorder alone
    keeps to them."""

    def __init__(self, cardinality_limits: Mapping[type, int] | None = None, **options: Any) -> None:
        limits = dict(cardinality_limits or {})
        if _HAS_LIMITS:
            options["cardinality_limits"] = limits
        super().__init__(**options)
        if not _HAS_LIMITS:  # where newer ones have them, under the classes that instruments are of
            kinds = self._instrument_class_temporality
            self._instrument_class_cardinality_limit = {
                kind: limit for kind in kinds for wanted, limit in limits.items() if issubclass(kind, wanted)
            }


class MetricHandoff(LimitedReader):
    """Hands over a collection each time that ``hand_over()`` is called; somebody else decides when."""

    def __init__(self, accept: Callable[[MetricsData], None], options: Mapping[str, Any]) -> None:
        super().__init__(**options)
        self._accept = accept

    def hand_over(self) -> None:
        """Collect now."""
        with COLLECTING.collecting():
            self.collect()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if data_points(metrics_data):
            self._accept(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


def data_points(data: MetricsData) -> int:
    """How many data points a collection holds: what the ledger counts for metrics."""
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def one(_item: Any) -> int:
    """A span or a log record is one item."""
    return 1


# How many items of the ledger one accepted object stands for, by signal.
WEIGHTS: Final = {"traces": one, "metrics": data_points, "logs": one}
