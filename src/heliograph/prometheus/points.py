"""Tables from the official SDK's metric data, for the recorder ``opentelemetry-sdk``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, MetricsData, Sum

from heliograph.prometheus.exemplars import exemplars_of
from heliograph.prometheus.family import Aggregated, family_of
from heliograph.prometheus.labels import labels, rendered
from heliograph.prometheus.merge import Note, merged
from heliograph.prometheus.table import Exemplars, Exponential, Exponentials, Family, Histograms, Numbers, Table
from heliograph.prometheus.tables import Wanted, as_float, scope_labels

Point = tuple[str, Any]  # labels, the SDK's data point


def tables_of(data: MetricsData, wanted: Wanted, note: Note) -> list[Table]:
    """The metrics of ``data``; several tables may be of one family. ``note(name, reason)`` is called for what is left out."""
    found: list[Table] = []
    for resource_metrics in data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            scope = scope_labels(scope_metrics.scope) if wanted.scope_labels else {}
            for metric in scope_metrics.metrics:
                try:
                    found += _tables(metric, scope, wanted, note)
                except Exception as error:  # whatever a user recorded may be odd in any way; the other metrics are shown
                    note(metric.name, f"cannot be exposed: {error!r}")
    return found


def _tables(metric: Any, scope: Mapping[str, str], wanted: Wanted, note: Note) -> list[Table]:
    aggregated, read = _READERS[type(metric.data)]
    if aggregated == "sum" and metric.data.is_monotonic:
        aggregated = "monotonic"
    family = family_of(metric.name, metric.unit, metric.description, aggregated, wanted.catalogue, is_observed=False)
    is_histogram = family.kind == "histogram"
    layers: list[list[Point]] = []
    times: dict[str, int] = {}
    for point in metric.data.data_points:
        said = rendered({**labels(point.attributes, is_histogram=is_histogram), **scope})
        depth = times[said] = times.get(said, -1) + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append((said, point))
    made = [table for layer in layers for table in read(family, layer, wanted)]
    return made if len(layers) < 2 else merged(made, note)  # different attributes became the same labels


def _numbers(family: Family, points: Sequence[Point], wanted: Wanted) -> Iterable[Table]:
    is_counter = family.kind == "counter"
    yield Numbers(
        family=family,
        labels=[said for said, _point in points],
        values=[as_float(point.value) for _said, point in points],
        created_s=_created_s(points) if wanted.created and is_counter else [],
        exemplars=_exemplars(points, wanted, ()) if is_counter else {},
    )


def _histograms(family: Family, points: Sequence[Point], wanted: Wanted) -> Iterable[Table]:
    by_bounds: dict[tuple[float, ...], list[Point]] = {}
    for said, point in points:
        by_bounds.setdefault(tuple(point.explicit_bounds), []).append((said, point))
    for bounds, found in by_bounds.items():
        yield Histograms(
            family=family,
            bounds=bounds,
            labels=[said for said, _point in found],
            counts=[list(point.bucket_counts) for _said, point in found],
            sums=[as_float(point.sum) for _said, point in found],
            created_s=_created_s(found) if wanted.created else [],
            exemplars=_exemplars(found, wanted, bounds),
        )


def _exponentials(family: Family, points: Sequence[Point], wanted: Wanted) -> Iterable[Table]:
    yield Exponentials(
        family=family,
        labels=[said for said, _point in points],
        series=[
            Exponential(
                scale=point.scale,
                zero_count=point.zero_count,
                positive=_by_index(point.positive),
                negative=_by_index(point.negative),
                sum=as_float(point.sum),
            )
            for _said, point in points
        ],
        created_s=_created_s(points) if wanted.created else [],
        exemplars=_exemplars(points, wanted, None),
    )


_READERS: Final[Mapping[type, tuple[Aggregated, Callable[[Family, Sequence[Point], Wanted], Iterable[Table]]]]] = {
    Sum: ("sum", _numbers),
    Gauge: ("last_value", _numbers),
    Histogram: ("histogram", _histograms),
    ExponentialHistogram: ("histogram", _exponentials),
}


def _by_index(buckets: Any) -> dict[int, int]:
    return {buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count}


def _created_s(points: Sequence[Point]) -> list[float]:
    return [(point.start_time_unix_nano or point.time_unix_nano) / 1e9 for _said, point in points]


def _exemplars(points: Sequence[Point], wanted: Wanted, bounds: Sequence[float] | None) -> dict[str, Exemplars]:
    if not wanted.exemplars:
        return {}
    return {said: exemplars_of(point.exemplars, bounds) for said, point in points if point.exemplars}
