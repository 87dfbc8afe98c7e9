"""Metric data as the bytes of an OTLP ``ExportMetricsServiceRequest``.

Source: opentelemetry-proto, ``metrics/v1/metrics.proto``. Takes the SDK's ``MetricsData``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, Sum

from heliograph.otlp import wire
from heliograph.otlp.sdk_items import plain
from heliograph.otlp.source import Grouping, SourceEncoder
from heliograph.otlp.values import ValueEncoder
from heliograph.otlp.wire import clamped, double, fixed64, varint

_NAME: Final = wire.tag(1, wire.BYTES)
_DESCRIPTION: Final = wire.tag(2, wire.BYTES)
_UNIT: Final = wire.tag(3, wire.BYTES)

_POINT: Final = wire.tag(1, wire.BYTES)  # of Gauge, Sum, Histogram and ExponentialHistogram
_TEMPORALITY: Final = wire.tag(2, wire.VARINT)  # likewise
_MONOTONIC: Final = wire.tag(3, wire.VARINT)

_START: Final = wire.tag(2, wire.FIXED64)  # of every kind of point
_TIME: Final = wire.tag(3, wire.FIXED64)  # likewise

_NUMBER_DOUBLE: Final = wire.tag(4, wire.FIXED64)
_NUMBER_EXEMPLAR: Final = wire.tag(5, wire.BYTES)
_NUMBER_INT: Final = wire.tag(6, wire.FIXED64)
_NUMBER_ATTRIBUTE: Final = wire.tag(7, wire.BYTES)

_COUNT: Final = wire.tag(4, wire.FIXED64)  # of both kinds of histogram point
_SUM: Final = wire.tag(5, wire.FIXED64)  # likewise
_BUCKET_COUNTS: Final = wire.tag(6, wire.BYTES)
_BOUNDS: Final = wire.tag(7, wire.BYTES)
_HISTOGRAM_EXEMPLAR: Final = wire.tag(8, wire.BYTES)
_HISTOGRAM_ATTRIBUTE: Final = wire.tag(9, wire.BYTES)
_HISTOGRAM_MIN: Final = wire.tag(11, wire.FIXED64)
_HISTOGRAM_MAX: Final = wire.tag(12, wire.FIXED64)

_EXPONENTIAL_ATTRIBUTE: Final = wire.tag(1, wire.BYTES)
_SCALE: Final = wire.tag(6, wire.VARINT)
_ZERO_COUNT: Final = wire.tag(7, wire.FIXED64)
_POSITIVE: Final = wire.tag(8, wire.BYTES)
_NEGATIVE: Final = wire.tag(9, wire.BYTES)
_POINT_FLAGS: Final = wire.tag(10, wire.VARINT)
_EXPONENTIAL_EXEMPLAR: Final = wire.tag(11, wire.BYTES)
_EXPONENTIAL_MIN: Final = wire.tag(12, wire.FIXED64)
_EXPONENTIAL_MAX: Final = wire.tag(13, wire.FIXED64)
_OFFSET: Final = wire.tag(1, wire.VARINT)
_PACKED_COUNTS: Final = wire.tag(2, wire.BYTES)

_EXEMPLAR_TIME: Final = wire.tag(2, wire.FIXED64)
_EXEMPLAR_DOUBLE: Final = wire.tag(3, wire.FIXED64)
_EXEMPLAR_SPAN_ID: Final = wire.tag(4, wire.BYTES) + varint(8)
_EXEMPLAR_TRACE_ID: Final = wire.tag(5, wire.BYTES) + varint(16)
_EXEMPLAR_INT: Final = wire.tag(6, wire.FIXED64)
_EXEMPLAR_ATTRIBUTE: Final = wire.tag(7, wire.BYTES)

_FITS: Final = 1 << 63
_signed64: Final = struct.Struct("<q").pack


class MetricEncoder:
    """Encodes collections. A data point that is broken beyond repair is left out and counted, its siblings are not touched.

    Not locked: one thread encodes.
    """

    def __init__(self) -> None:
        self._values = ValueEncoder()
        self._sources = SourceEncoder(self._values)
        self._kinds: Mapping[type, tuple[bytes, Callable[[Any], bytes], Callable[[Any], bytes]]] = {
            Gauge: (wire.tag(5, wire.BYTES), self._gauge_point, lambda _data: b""),
            Sum: (wire.tag(7, wire.BYTES), self._number_point, _sum_tail),
            Histogram: (wire.tag(9, wire.BYTES), self._histogram_point, _temporality),
            ExponentialHistogram: (wire.tag(10, wire.BYTES), self._exponential_point, _temporality),
        }

    @property
    def repaired(self) -> int:
        """Values that could not be carried as they were, so far."""
        return self._values.repaired

    def encode(self, collections: Iterable[Any]) -> tuple[bytes, int]:
        """The request, and how many data points of ``collections`` are not in it."""
        groups = Grouping(self._sources)
        broken = 0
        for collection in collections:
            for resource_metrics in _each(collection, "resource_metrics"):
                for scope_metrics in _each(resource_metrics, "scope_metrics"):
                    for metric in _each(scope_metrics, "metrics"):
                        try:
                            encoded, lost = self._metric(metric)
                            broken += lost
                            if not lost or lost < len(metric.data.data_points):
                                groups.add(resource_metrics.resource, scope_metrics.scope, encoded)
                        except Exception:  # no metric of the SDK's; it alone is left out
                            broken += len(list(_each(getattr(metric, "data", None), "data_points")))
        return groups.request(), broken

    def _metric(self, metric: Any) -> tuple[bytes, int]:
        values = self._values
        field_tag, encode_point, tail = self._kinds[type(metric.data)]
        broken, points = 0, []
        for point in metric.data.data_points:
            try:
                points.append(wire.message(_POINT, encode_point(point)))
            except Exception:  # a value that is no number, a time out of range, or the like
                broken += 1
        parts = [
            tag + values.name(text)
            for tag, text in ((_NAME, metric.name), (_DESCRIPTION, metric.description), (_UNIT, metric.unit))
            if text is not None and text != ""
        ]
        parts.append(wire.message(field_tag, b"".join(points) + tail(metric.data)))
        return b"".join(parts), broken

    def _gauge_point(self, point: Any) -> bytes:
        # A gauge has no start: it is what was last seen (as the official encoder, which omits it too).
        return self._number(point, start=b"")

    def _number_point(self, point: Any) -> bytes:
        return self._number(point, start=_time_field(_START, point.start_time_unix_nano))

    def _number(self, point: Any, start: bytes) -> bytes:
        parts = [start, _time_field(_TIME, point.time_unix_nano), self._value(point.value, _NUMBER_INT, _NUMBER_DOUBLE)]
        parts += self._values.attributes(plain(point.attributes), _NUMBER_ATTRIBUTE)
        self._add_exemplars(point.exemplars, _NUMBER_EXEMPLAR, parts.append)
        return b"".join(parts)

    def _value(self, value: Any, int_tag: bytes, double_tag: bytes) -> bytes:
        if isinstance(value, int):
            if -_FITS <= value < _FITS:
                return int_tag + _signed64(value)
            # A counter that outgrew 64 bits goes on as a double: a rounded sum is worth more than none.
            self._values.repaired += 1
        return double_tag + double(_as_double(value))

    def _histogram_point(self, point: Any) -> bytes:
        parts = [
            _time_field(_START, point.start_time_unix_nano),
            _time_field(_TIME, point.time_unix_nano),
            _COUNT + fixed64(point.count) if point.count else b"",
            _optional(_SUM, point.sum),
            _packed(_BUCKET_COUNTS, point.bucket_counts, "Q"),
            _packed(_BOUNDS, point.explicit_bounds, "d"),
            _optional(_HISTOGRAM_MIN, point.min),
            _optional(_HISTOGRAM_MAX, point.max),
        ]
        parts += self._values.attributes(plain(point.attributes), _HISTOGRAM_ATTRIBUTE)
        self._add_exemplars(point.exemplars, _HISTOGRAM_EXEMPLAR, parts.append)
        return b"".join(parts)

    def _exponential_point(self, point: Any) -> bytes:
        parts = [
            _time_field(_START, point.start_time_unix_nano),
            _time_field(_TIME, point.time_unix_nano),
            _COUNT + fixed64(point.count) if point.count else b"",
            _optional(_SUM, point.sum),
            _SCALE + wire.zigzag(point.scale) if point.scale else b"",
            _ZERO_COUNT + fixed64(point.zero_count) if point.zero_count else b"",
            _buckets(_POSITIVE, point.positive),
            _buckets(_NEGATIVE, point.negative),
            _POINT_FLAGS + varint(point.flags) if point.flags else b"",
            _optional(_EXPONENTIAL_MIN, point.min),
            _optional(_EXPONENTIAL_MAX, point.max),
        ]
        parts += self._values.attributes(plain(point.attributes), _EXPONENTIAL_ATTRIBUTE)
        self._add_exemplars(point.exemplars, _EXPONENTIAL_EXEMPLAR, parts.append)
        return b"".join(parts)

    def _add_exemplars(self, exemplars: Sequence[Any], field_tag: bytes, add: Callable[[bytes], None]) -> None:
        for exemplar in exemplars:
            parts = [
                _time_field(_EXEMPLAR_TIME, exemplar.time_unix_nano),
                self._value(exemplar.value, _EXEMPLAR_INT, _EXEMPLAR_DOUBLE),
            ]
            if exemplar.span_id is not None and exemplar.trace_id is not None:
                parts.append(_EXEMPLAR_SPAN_ID + exemplar.span_id.to_bytes(8, "big"))
                parts.append(_EXEMPLAR_TRACE_ID + exemplar.trace_id.to_bytes(16, "big"))
            parts += self._values.attributes(plain(exemplar.filtered_attributes), _EXEMPLAR_ATTRIBUTE)
            add(wire.message(field_tag, b"".join(parts)))


def _each(source: Any, name: str) -> Iterable[Any]:
    """The items of that name, none if there are none to be had."""
    try:
        return list(getattr(source, name))
    except Exception:  # nothing of the SDK's
        return ()


def _time_field(field_tag: bytes, time_ns: Any) -> bytes:
    return field_tag + fixed64(clamped(time_ns)) if time_ns else b""


def _optional(field_tag: bytes, value: Any) -> bytes:
    return field_tag + double(_as_double(value)) if value is not None else b""


def _as_double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _packed(field_tag: bytes, numbers: Sequence[Any] | None, kind: str) -> bytes:
    return wire.message(field_tag, struct.pack(f"<{len(numbers)}{kind}", *numbers)) if numbers else b""


def _buckets(field_tag: bytes, buckets: Any) -> bytes:
    if not buckets.bucket_counts:
        return b""
    offset = _OFFSET + wire.zigzag(buckets.offset) if buckets.offset else b""
    counts = wire.message(_PACKED_COUNTS, b"".join(map(varint, buckets.bucket_counts)))
    return wire.message(field_tag, offset + counts)


def _temporality(data: Any) -> bytes:
    return _TEMPORALITY + varint(data.aggregation_temporality)


def _sum_tail(data: Any) -> bytes:
    return _temporality(data) + (_MONOTONIC + b"\x01" if data.is_monotonic else b"")
