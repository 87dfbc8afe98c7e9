"""Our metrics as Prometheus text straight from their cells, without an object for each sample.

Called by `exposition.py` for what the native recorder holds. The labels of a series are written once and kept in its cell; a
scrape then writes the numbers. Names, units and labels are those of `families.py`. What needs more than writing down, metrics
that fall together under one name or series under the same labels, is left to `families.py`.

Source: Prometheus, "Text-based format"; OpenMetrics 1.0; OpenTelemetry specification, "Prometheus and OpenMetrics
Compatibility".
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.exporter.prometheus._mapping import map_unit, sanitize_full_name
from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import metrics_core
from prometheus_client.utils import floatToGoString

from heliograph.prometheus.families import Note, families, labels, text
from heliograph.recording.metrics.collection import CollectedStream

_LARGEST: Final = sys.float_info.max
_TARGET: Final = frozenset({"target", "target_info"})  # what says who sends
_SUFFIXES: Final = {"counter": ("_total", "_created"), "gauge": (), "histogram": ("_bucket", "_count", "_sum", "_created")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What could be written at once, the names that it takes, and the families that are left for a general encoder."""

    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    others: list[metrics_core.Metric] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    name: str
    kind: str  # "counter", "gauge" or "histogram"
    unit: str
    description: str


def write(streams: Iterable[CollectedStream], resource: Resource, note: Note, *, is_openmetrics: bool) -> Written:
    """Write ``streams``, and the ``target_info`` of ``resource``; OpenMetrics without its ``# EOF``, else text 0.0.4.

    ``note(name, reason)`` is called for what is left out or folded together. One caller at a time. Names and labels are valid
    without escaping, which is what every escaping scheme but ``dots`` leaves as it is.
    """
    written = Written()
    by_name: dict[str, list[tuple[_Family, CollectedStream]]] = {}
    for stream in streams:
        if stream.cells:
            family = _family(stream)
            by_name.setdefault(family.name, []).append((family, stream))
    left: list[CollectedStream] = []
    for found in by_name.values():
        family, stream = found[0]
        names = {family.name, *(family.name + suffix for suffix in _SUFFIXES[family.kind])}
        if names & written.names:
            note(family.name, "exposes a name that another metric exposes too; the first one is exposed")
            continue
        samples = _samples(family, stream, note) if len(found) == 1 and not names & _TARGET else None
        if samples is None:
            left += [stream for _family, stream in found]
        elif samples:
            written.lines.extend((_head(family, is_openmetrics=is_openmetrics), *samples))
            written.names.update(names)
    if by_name:
        written.others.extend(families(_as_data(left, resource), note))
    return written


def _family(stream: CollectedStream) -> _Family:
    kind = _KINDS[stream.kind] if stream.kind != "sum" else "counter" if stream.is_monotonic else "gauge"
    name = sanitize_full_name(text(stream.name))
    name = name.removesuffix("_total") if kind == "counter" else name
    unit = map_unit(stream.unit or "")
    if unit and not name.endswith(f"_{unit}"):
        name = f"{name}_{unit}"
    return _Family(name=name, kind=kind, unit=unit, description=text(stream.description))


_KINDS: Final = {"last_value": "gauge", "explicit": "histogram", "exponential": "histogram"}


def _head(family: _Family, *, is_openmetrics: bool) -> str:
    said = family.description.replace("\\", r"\\").replace("\n", r"\n")
    if not is_openmetrics:
        name = f"{family.name}_total" if family.kind == "counter" else family.name
        return f"# HELP {name} {said}\n# TYPE {name} {family.kind}\n"
    said = said.replace('"', r"\"")
    unit = f"# UNIT {family.name} {family.unit}\n" if family.unit else ""
    return f"# HELP {family.name} {said}\n# TYPE {family.name} {family.kind}\n{unit}"


def _samples(family: _Family, stream: CollectedStream, note: Note) -> list[str] | None:
    """The lines of each series; None when two of them have the same labels."""
    suffix, write_samples = _WRITERS[stream.kind]
    try:
        if not _label(stream.cells, family, suffix if family.kind == "counter" else ""):
            return None
        return write_samples(family.name, stream)
    except Exception as error:  # whatever a user recorded may be odd in any way; the other metrics are shown
        note(family.name, f"cannot be exposed: {error!r}")
        return []


def _label(cells: Sequence[Any], family: _Family, suffix: str) -> bool:
    """Write the labels of the cells that are new; False, and none are kept, when two have the same or one cannot have its."""
    new = [cell for cell in cells if cell.label_text is None]
    if not new:
        return True
    is_written = _write_labels(new, family, suffix) and len({cell.label_text for cell in cells}) == len(cells)
    if not is_written:
        for cell in cells:
            cell.label_text = None
    return is_written


def _write_labels(new: Iterable[Any], family: _Family, suffix: str) -> bool:
    for cell in new:
        found = labels(cell.attributes)
        if family.kind == "histogram" and "le" in found:  # which the buckets need for themselves
            return False
        written = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(found.items()))
        if family.kind == "histogram":
            cell.label_text = written.replace("%", "%%")
        else:
            cell.label_text = f"{family.name}{suffix}{{{written}}} " if written else f"{family.name}{suffix} "
    return True


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _numbers(_name: str, stream: CollectedStream) -> list[str]:
    cells = stream.cells
    values = [cell.value for cell in cells]
    if bool in set(map(type, values)):  # removed meanwhile
        pairs = [(cell, value) for cell, value in zip(cells, values, strict=True) if value is not False]
        return [f"{cell.label_text}{_number(value)}\n" for cell, value in pairs]
    if min(values) >= -_LARGEST and max(values) <= _LARGEST:
        # As floats, which is what Prometheus reads in any case: an integer is shown as everybody else shows it.
        return [f"{cell.label_text}{value}\n" for cell, value in zip(cells, map(float, values), strict=True)]
    return [f"{cell.label_text}{_number(value)}\n" for cell, value in zip(cells, values, strict=True)]


def _histograms(name: str, stream: CollectedStream) -> list[str]:
    bounds = [*(str(floatToGoString(bound)) for bound in stream.bounds), "+Inf"]  # type: ignore[no-untyped-call]
    plain, labelled = _templates(name, bounds)
    lines = []
    for cell in stream.cells:
        counts, total, _low, _high = cell.read()
        if total is False:  # removed meanwhile
            continue
        count, running = 0.0, []
        for in_bucket in counts:
            count += in_bucket
            running.append(count)
        template = labelled.replace("\0", cell.label_text) if cell.label_text else plain
        lines.append(template % (*running, count, _number(total)))
    return lines


def _exponentials(name: str, stream: CollectedStream) -> list[str]:
    # The text formats have classic buckets only: one bucket says the count, and the sum is exact.
    plain, labelled = _templates(name, ["+Inf"])
    lines = []
    for cell in stream.cells:
        taken = cell.read()
        if taken.sum is False:  # removed meanwhile
            continue
        template = labelled.replace("\0", cell.label_text) if cell.label_text else plain
        lines.append(template % (float(taken.count), float(taken.count), _number(taken.sum)))
    return lines


def _templates(name: str, bounds: list[str]) -> tuple[str, str]:
    """The lines of one series, with ``%s`` for each number: without labels, and with a NUL in their place."""
    plain = "".join(f'{name}_bucket{{le="{bound}"}} %s\n' for bound in bounds) + f"{name}_count %s\n{name}_sum %s\n"
    buckets = "".join(f'{name}_bucket{{\0,le="{bound}"}} %s\n' for bound in bounds)
    return plain, f"{buckets}{name}_count{{\0}} %s\n{name}_sum{{\0}} %s\n"


def _number(value: Any) -> str:
    try:
        return str(floatToGoString(value))  # type: ignore[no-untyped-call]
    except OverflowError:  # an integer beyond every float
        return "+Inf" if value > 0 else "-Inf"


_WRITERS: Final[Mapping[str, tuple[str, Callable[[str, CollectedStream], list[str]]]]] = {
    "sum": ("_total", _numbers),
    "last_value": ("", _numbers),
    "explicit": ("", _histograms),
    "exponential": ("", _exponentials),
}


def _as_data(streams: Iterable[CollectedStream], resource: Resource) -> MetricsData:
    scopes = [
        ScopeMetrics(
            scope=stream.scope,
            metrics=[
                Metric(name=stream.name, description=stream.description, unit=stream.unit, data=_data(stream, cells))
                for cells in _layers(stream.cells)
            ],
            schema_url="",
        )
        for stream in streams
    ]
    return MetricsData(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=scopes, schema_url="")])


def _layers(cells: Iterable[Any]) -> list[list[Any]]:
    """``cells`` as metrics without two series of the same labels in one; `families.py` adds up those of several metrics."""
    layers: list[list[Any]] = []
    times: dict[Any, int] = {}
    for cell in cells:
        found = labels(cell.attributes)
        found.pop("le", None)
        same = tuple(sorted(found.items()))
        depth = times[same] = times.get(same, -1) + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(cell)
    return layers


def _data(stream: CollectedStream, cells: Iterable[Any]) -> Any:
    cumulative = AggregationTemporality.CUMULATIVE
    if stream.kind == "explicit":
        return Histogram([_histogram_point(cell, stream.bounds) for cell in cells], cumulative)
    if stream.kind == "exponential":
        return ExponentialHistogram([_exponential_point(cell) for cell in cells], cumulative)
    points = [NumberDataPoint(cell.attributes, 0, 0, +cell.value) for cell in cells]
    return Sum(points, cumulative, stream.is_monotonic) if stream.kind == "sum" else Gauge(points)


def _histogram_point(cell: Any, bounds: tuple[float, ...]) -> HistogramDataPoint:
    counts, total, low, high = cell.read()
    return HistogramDataPoint(cell.attributes, 0, 0, sum(counts), +total, counts, bounds, low, high)


def _exponential_point(cell: Any) -> ExponentialHistogramDataPoint:
    taken = cell.read()
    none = Buckets(0, ())
    return ExponentialHistogramDataPoint(
        cell.attributes, 0, 0, taken.count, +taken.sum, taken.scale, taken.zero_count, none, none, 0, taken.low, taken.high
    )
