"""Tables as Prometheus's protobuf format, in which exponential histograms are native ones.

Called by `exposition.py` when a scraper prefers it, as Prometheus does once native histograms are switched on.

Source: prometheus/client_model, ``io/prometheus/client/metrics.proto``: ``MetricFamily`` messages, each with its length before
it. A native histogram's bucket of index i ends at base ** i, OpenTelemetry's at base ** (i + 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client.metrics_core import Metric

from heliograph.otlp.wire import BYTES, FIXED64, VARINT, double, message, tag, varint
from heliograph.prometheus.buckets import as_classic
from heliograph.prometheus.labels import pairs
from heliograph.prometheus.table import Exemplar, Exponential, Exponentials, Histograms, Numbers, Table
from heliograph.prometheus.text import sample_names

CONTENT_TYPE: Final = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

_TYPES: Final[Mapping[str, int]] = {"counter": 0, "gauge": 1, "summary": 2, "unknown": 3, "histogram": 4}
_FINEST_SCALE: Final = 8  # Prometheus has schemas from -4 to 8
_COARSEST_SCALE: Final = -4


def written(table: Table, names: Collection[str] = ()) -> bytes:
    """One family. With ``names``, nothing unless its name or that of one of its samples is among them."""
    family = table.family
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    if not table.labels or (names and not sample_names(family) & set(names)):
        return b""
    metrics = _METRICS[type(table)](table)
    return _family(name, family.description, family.kind, metrics)


def target_info(labels: str) -> bytes:
    """Who sends, as the text format shows it."""
    return _family("target_info", "Target metadata", "gauge", [_labels(labels) + message(_GAUGE, _double(1, 1.0))])


def written_families(registry: Any) -> bytes:
    """What ``prometheus_client`` has registered, which ``registry.collect()`` gives."""
    return b"".join(map(_written_family, registry.collect()))


def _written_family(family: Metric) -> bytes:
    kind = family.type if family.type in _TYPES else "gauge" if family.type in _LIKE_GAUGES else "unknown"
    if kind in ("histogram", "summary"):
        return _family(family.name, family.documentation, kind, _grouped(family, kind))
    field = _NUMBERS[kind]
    metrics: dict[str, list[bytes]] = {}
    for sample in family.samples:
        if not sample.name.endswith("_created") or kind != "counter":
            body = _pairs(sample.labels.items()) + message(field, _double(1, float(sample.value)))
            metrics.setdefault(sample.name, []).append(body)
    return b"".join(_family(name, family.documentation, kind, found) for name, found in metrics.items())


def _grouped(family: Metric, kind: str) -> Iterator[bytes]:
    bound = "le" if kind == "histogram" else "quantile"
    groups: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in family.samples:
        rest = tuple((name, value) for name, value in sample.labels.items() if name != bound)
        group = groups.setdefault(rest, {"parts": [], "count": 0.0, "sum": 0.0})
        if sample.name.endswith(("_count", "_sum")):
            group[sample.name.rsplit("_", 1)[1]] = sample.value
        elif bound in sample.labels:
            group["parts"].append((float(sample.labels[bound]), sample.value))
    for rest, group in groups.items():
        if kind == "histogram":
            body = _classic_buckets(group["parts"], {})
        else:
            body = b"".join(message(_PART, _double(1, edge) + _double(2, value)) for edge, value in group["parts"])
        head = _whole(1, int(group["count"])) + _double(2, float(group["sum"]))
        yield _pairs(rest) + message(_HISTOGRAM if kind == "histogram" else _SUMMARY, head + body)


def _family(name: str, description: str, kind: str, metrics: Iterable[bytes]) -> bytes:
    said = str(description).encode("utf-8", "replace")
    head = message(_NAME, name.encode()) + message(_VALUE, said) + _whole(3, _TYPES[kind])
    body = head + b"".join(message(_METRIC, metric) for metric in metrics)
    return varint(len(body)) + body


def _numbers(table: Numbers) -> Iterator[bytes]:
    field = _NUMBERS[table.family.kind]
    created_s = table.created_s or itertools.repeat(None)
    for labels, value, at_s in zip(table.labels, table.values, created_s, strict=False):
        body = _double(1, value)
        if field == _COUNTER:
            body += _exemplar(table.exemplars.get(labels, {}).get(0)) + _timestamp(3, at_s)
        yield _labels(labels) + message(field, body)


def _histograms(table: Histograms) -> Iterator[bytes]:
    created_s = table.created_s or itertools.repeat(None)
    rows = zip(table.labels, table.counts, table.sums, created_s, strict=False)
    for labels, counts, total, at_s in rows:
        running = list(itertools.accumulate(counts))
        buckets = _classic_buckets(zip((*table.bounds, float("inf")), running, strict=True), table.exemplars.get(labels, {}))
        body = _whole(1, running[-1]) + _double(2, total) + buckets + _timestamp(15, at_s)
        yield _labels(labels) + message(_HISTOGRAM, body)


def _exponentials(table: Exponentials) -> Iterator[bytes]:
    created_s = table.created_s or itertools.repeat(None)
    for classic, series, at_s in zip(as_classic(table), table.series, created_s, strict=False):
        labels = classic.labels[0]
        if series.scale < _COARSEST_SCALE:
            yield from _histograms(classic)
            continue
        count = series.zero_count + sum(series.positive.values()) + sum(series.negative.values())
        exemplars = b"".join(_exemplar(one, _NATIVE_EXEMPLAR) for one in table.exemplars.get(labels, {}).values())
        body = _whole(1, count) + _double(2, series.sum) + _timestamp(15, at_s) + _native(series) + exemplars
        yield _labels(labels) + message(_HISTOGRAM, body)


_METRICS: Final[Mapping[type, Callable[[Any], Iterable[bytes]]]] = {
    Numbers: _numbers,
    Histograms: _histograms,
    Exponentials: _exponentials,
}


def _native(series: Exponential) -> bytes:
    scale = min(series.scale, _FINEST_SCALE)
    written = tag(5, VARINT) + _signed(scale) + _double(6, 0.0) + tag(7, VARINT) + varint(series.zero_count)
    for side, (spans, deltas) in ((series.negative, (9, 10)), (series.positive, (12, 13))):
        coarser: dict[int, int] = {}
        for index, count in side.items():
            place = (index >> (series.scale - scale)) + 1
            coarser[place] = coarser.get(place, 0) + count
        written += _spans(coarser, spans, deltas)
    return written


def _spans(counts: Mapping[int, int], span_field: int, delta_field: int) -> bytes:
    """Runs of buckets, each said by its distance from the one before, and the differences of their counts."""
    spans: list[tuple[int, int]] = []
    end = 0  # the place behind the last run
    for place in sorted(counts):
        if spans and place == end:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((place - end, 1))
        end = place + 1
    if not spans and span_field == _POSITIVE_SPAN:
        spans.append((0, 0))  # by a span Prometheus tells a native histogram, which an empty one is as well
    found = [counts[place] for place in sorted(counts)]
    written = b"".join(
        message(tag(span_field, BYTES), tag(1, VARINT) + _signed(distance) + tag(2, VARINT) + varint(length))
        for distance, length in spans
    )
    deltas = (now - before for before, now in zip([0, *found], found, strict=False))
    return written + b"".join(tag(delta_field, VARINT) + _signed(delta) for delta in deltas)


def _classic_buckets(buckets: Iterable[tuple[float, float]], exemplars: Mapping[int, Exemplar]) -> bytes:
    return b"".join(
        message(_PART, _whole(1, int(count)) + _double(2, bound) + _exemplar(exemplars.get(place), _BUCKET_EXEMPLAR))
        for place, (bound, count) in enumerate(buckets)
    )


def _exemplar(found: Exemplar | None, field_tag: bytes | None = None) -> bytes:
    if found is None:
        return b""
    body = _labels(found.labels) + _double(2, found.value) + _timestamp(3, found.at_s)
    return message(field_tag or _COUNTER_EXEMPLAR, body)


def _labels(rendered: str) -> bytes:
    return _pairs(pairs(rendered))


def _pairs(found: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(
        message(_LABEL, message(_NAME, str(name).encode()) + message(_VALUE, str(value).encode("utf-8", "replace")))
        for name, value in found
    )


def _timestamp(field: int, at_s: float | None) -> bytes:
    if at_s is None:
        return b""
    seconds, rest = divmod(at_s, 1)
    return message(tag(field, BYTES), _whole(1, int(seconds)) + _whole(2, int(rest * 1e9)))


def _whole(field: int, number: int) -> bytes:
    return tag(field, VARINT) + varint(number)


def _double(field: int, number: float) -> bytes:
    return tag(field, FIXED64) + double(number)


def _signed(number: int) -> bytes:
    """As protobuf's sint64: small numbers of either sign are short."""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


# Of a family (the value is its help), and of a label.
_NAME: Final = tag(1, BYTES)
_VALUE: Final = tag(2, BYTES)
_METRIC: Final = tag(4, BYTES)
# Of a metric.
_LABEL: Final = tag(1, BYTES)
_GAUGE: Final = tag(2, BYTES)
_COUNTER: Final = tag(3, BYTES)
_SUMMARY: Final = tag(4, BYTES)
_UNTYPED: Final = tag(5, BYTES)
_HISTOGRAM: Final = tag(7, BYTES)
_NUMBERS: Final[Mapping[str, bytes]] = {"counter": _COUNTER, "gauge": _GAUGE, "unknown": _UNTYPED}
# Of a counter, a histogram or a summary.
_PART: Final = tag(3, BYTES)
_COUNTER_EXEMPLAR: Final = tag(2, BYTES)
_BUCKET_EXEMPLAR: Final = tag(3, BYTES)
_NATIVE_EXEMPLAR: Final = tag(16, BYTES)
_LIKE_GAUGES: Final = ("info", "stateset")
_POSITIVE_SPAN: Final = 12
