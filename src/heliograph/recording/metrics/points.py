"""What a collection hands to a reader of the SDK: the SDK's own data, built from the cells on demand.

Called by `provider.py`, one collection at a time. Sums, histograms and exponential histograms of a delta reader are taken out
of their cells, everything else is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from heliograph.recording.metrics.exponential import dense
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.mishaps import Mishaps


def metric_of(storage: Storage, now_ns: int, since_ns: int, mishaps: Mishaps) -> Metric | None:
    """The metric of ``storage`` as of now; None when nothing was recorded. ``since_ns`` is the reader's last collection."""
    kind = storage.aggregation.kind
    build, data_of = _KINDS[kind]
    points = []
    for cell in storage.touched():
        try:
            point = build(storage, cell, now_ns, storage.sampling.collect(cell, since_ns))
        except Exception as error:  # a sum of the application's numbers may outgrow what can be computed with
            mishaps.note("metric point", f"of {storage.stream.name} is left out: {error!r}")
            continue
        if point is not None:
            points.append(point)
    if not points:
        return None
    temporality = AggregationTemporality.DELTA if storage.is_delta else AggregationTemporality.CUMULATIVE
    stream = storage.stream
    return Metric(
        name=stream.name,
        description=stream.description,
        unit=stream.instrument.unit,
        data=data_of(storage, points, temporality),
    )


def _start(storage: Storage, cell: Any) -> int:
    """When what is reported began: an interval follows upon the one before."""
    started_at_ns: int = cell.started_at_ns
    return (storage.collected_at_ns or started_at_ns) if storage.is_delta else started_at_ns


def _sum_point(storage: Storage, cell: Any, now_ns: int, exemplars: Any) -> NumberDataPoint | None:
    started_at_ns = _start(storage, cell)
    if storage.is_observed:
        value = cell.value
        if storage.is_delta:
            started_at_ns = cell.started_at_ns
            value, cell.previous, cell.started_at_ns = value - cell.previous, value, now_ns
    else:
        value = cell.take() if storage.is_delta else cell.value
        if value is False:  # removed meanwhile
            return None
    return NumberDataPoint(cell.attributes, started_at_ns, now_ns, value, exemplars)


def _gauge_point(storage: Storage, cell: Any, now_ns: int, exemplars: Any) -> NumberDataPoint | None:
    value = cell.take() if storage.is_delta and not storage.is_observed else cell.value
    if value is False:
        return None
    return NumberDataPoint(cell.attributes, None, now_ns, value, exemplars)  # type: ignore[arg-type]  # as the SDK


def _histogram_point(storage: Storage, cell: Any, now_ns: int, exemplars: Any) -> HistogramDataPoint | None:
    counts, total, low, high = cell.take() if storage.is_delta else cell.read()
    if total is False:
        return None
    has_extremes = storage.aggregation.has_extremes
    return HistogramDataPoint(
        attributes=cell.attributes,
        start_time_unix_nano=_start(storage, cell),
        time_unix_nano=now_ns,
        count=sum(counts),
        sum=total,
        bucket_counts=tuple(counts),
        explicit_bounds=storage.aggregation.bounds,
        min=low if has_extremes else None,  # type: ignore[arg-type]  # OTLP has it optional
        max=high if has_extremes else None,  # type: ignore[arg-type]
        exemplars=exemplars,
    )


def _exponential_point(storage: Storage, cell: Any, now_ns: int, exemplars: Any) -> ExponentialHistogramDataPoint | None:
    taken = cell.take() if storage.is_delta else cell.read()
    if taken.sum is False:
        return None
    has_extremes = storage.aggregation.has_extremes
    return ExponentialHistogramDataPoint(
        attributes=cell.attributes,
        start_time_unix_nano=_start(storage, cell),
        time_unix_nano=now_ns,
        count=taken.count,
        sum=taken.sum,
        scale=taken.scale,
        zero_count=taken.zero_count,
        positive=Buckets(*dense(taken.positive)),
        negative=Buckets(*dense(taken.negative)),
        flags=0,
        min=taken.low if has_extremes else None,  # type: ignore[arg-type]  # OTLP has it optional
        max=taken.high if has_extremes else None,  # type: ignore[arg-type]
        exemplars=exemplars,
    )


_Build = Callable[[Storage, Any, int, Any], Any]
_Data = Callable[[Storage, list[Any], AggregationTemporality], Any]

_KINDS: Final[dict[str, tuple[_Build, _Data]]] = {
    "sum": (_sum_point, lambda storage, points, temporality: Sum(points, temporality, storage.aggregation.is_monotonic)),
    "last_value": (_gauge_point, lambda _storage, points, _temporality: Gauge(points)),
    "explicit": (_histogram_point, lambda _storage, points, temporality: Histogram(points, temporality)),
    "exponential": (_exponential_point, lambda _storage, points, temporality: ExponentialHistogram(points, temporality)),
}
