"""OpenTelemetry's metric data as Prometheus metric families, one family a name.

Names and units are translated as the official exporter does it. Unlike there, each sample has its own labels (two scopes may
record one metric with different attributes), samples that fall together are added up instead of shown twice, and a metric
that cannot be shown costs no other. Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from opentelemetry.exporter.prometheus._mapping import map_unit, sanitize_attribute, sanitize_full_name
from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, MetricsData, Sum
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

Note = Callable[[str, str], None]
Labels = dict[str, str]

_ADDED_UP: Final = frozenset({"counter", "histogram"})


def families(data: MetricsData, note: Note) -> list[Metric]:
    """Translate ``data``. ``note(name, reason)`` is called for what is left out or folded together."""
    found: dict[str, Metric] = {}
    for resource_metrics in data.resource_metrics:
        found.setdefault("target", _target_info(resource_metrics.resource.attributes))
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                try:
                    _merge(found, _family(metric), note)
                except Exception as error:  # whatever a user recorded may be odd in any way; the other metrics are shown
                    note(metric.name, f"cannot be exposed: {error!r}")
    return list(found.values())


def _merge(found: dict[str, Metric], family: Metric, note: Note) -> None:
    known = found.setdefault(family.name, family)
    if known is family:
        return
    if known.type != family.type:
        note(family.name, f"is a {known.type} and a {family.type}; only the {known.type} is exposed")
        return
    by_labels = {(sample.name, *sorted(sample.labels.items())): position for position, sample in enumerate(known.samples)}
    for sample in family.samples:
        position = by_labels.get((sample.name, *sorted(sample.labels.items())))
        if position is None:
            known.samples.append(sample)
        elif family.type in _ADDED_UP:
            both = known.samples[position]
            known.samples[position] = both._replace(value=both.value + sample.value)
        else:
            known.samples[position] = sample
            note(family.name, "is recorded twice with the same labels; the later value is exposed")


def _target_info(attributes: Mapping[str, Any]) -> Metric:
    family = Metric("target", "Target metadata", "info")
    family.add_sample("target_info", labels(attributes), 1.0)
    return family


def _family(metric: Any) -> Metric:
    kind, samples = _KINDS[_kind_of(metric.data)]
    name = sanitize_full_name(text(metric.name))
    family = Metric(name.removesuffix("_total") if kind == "counter" else name, text(metric.description), kind)
    unit = map_unit(metric.unit or "")
    if unit:
        # Metric() would do this itself, but not for a name that has the unit in front of _total.
        family.unit = unit
        family.name = family.name if family.name.endswith(f"_{unit}") else f"{family.name}_{unit}"
    for point in metric.data.data_points:
        family.samples.extend(samples(family.name, labels(point.attributes), point))
    return family


def _kind_of(data: Any) -> str:
    if isinstance(data, Sum):
        return "counter" if data.is_monotonic else "gauge"
    return {Gauge: "gauge", Histogram: "histogram", ExponentialHistogram: "exponential"}[type(data)]


def _counter_samples(name: str, point_labels: Labels, point: Any) -> Iterator[Sample]:
    yield Sample(f"{name}_total", point_labels, _number(point.value))


def _gauge_samples(name: str, point_labels: Labels, point: Any) -> Iterator[Sample]:
    yield Sample(name, point_labels, _number(point.value))


def _histogram_samples(name: str, point_labels: Labels, point: Any) -> Iterator[Sample]:
    count = 0
    for bound, in_bucket in zip((*point.explicit_bounds, math.inf), point.bucket_counts, strict=True):
        count += in_bucket
        yield Sample(f"{name}_bucket", {**point_labels, "le": _bound(bound)}, count)
    yield from _sum_and_count(name, point_labels, point)


def _exponential_samples(name: str, point_labels: Labels, point: Any) -> Iterator[Sample]:
    # The text formats have classic buckets only: one bucket says the count, and the sum is exact.
    yield Sample(f"{name}_bucket", {**point_labels, "le": "+Inf"}, point.count)
    yield from _sum_and_count(name, point_labels, point)


def _bound(bound: float) -> str:
    written: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return written


def _sum_and_count(name: str, point_labels: Labels, point: Any) -> Iterator[Sample]:
    yield Sample(f"{name}_count", point_labels, point.count)
    yield Sample(f"{name}_sum", point_labels, _number(point.sum))


_KINDS: Final[Mapping[str, tuple[str, Callable[[str, Labels, Any], Iterable[Sample]]]]] = {
    "counter": ("counter", _counter_samples),
    "gauge": ("gauge", _gauge_samples),
    "histogram": ("histogram", _histogram_samples),
    "exponential": ("histogram", _exponential_samples),
}


def labels(attributes: Mapping[str, Any] | None) -> Labels:
    """Attributes as labels. Where two keys become one label, both values are kept, as the specification says."""
    found: Labels = {}
    for key, value in sorted((attributes or {}).items(), key=lambda pair: str(pair[0])):
        name = sanitize_attribute(text(key))
        shown = _label_value(value)
        found[name] = f"{found[name]};{shown}" if name in found else shown
    return found


def _label_value(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    try:
        return text(json.dumps(value, default=str))
    except Exception:  # a number too long to write, a cycle, a __str__ that raises
        return f"<{type(value).__name__} that cannot be shown>"


def text(value: Any) -> str:
    """``value`` as text that UTF-8 can carry: a lone surrogate becomes ``?``."""
    return str(value or "").encode("utf-8", "replace").decode()


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond every float
        return math.inf if value > 0 else -math.inf
