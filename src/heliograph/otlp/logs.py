"""Log records as the bytes of an OTLP ``ExportLogsServiceRequest``.

Source: opentelemetry-proto, ``logs/v1/logs.proto``. Takes the native recorder's records, which are read as they lie, and
anything with the surface of the SDK's ``ReadableLogRecord``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from heliograph.otlp import wire
from heliograph.otlp.sdk_items import plain
from heliograph.otlp.source import ItemEncoder
from heliograph.otlp.values import LONGEST_TEXT
from heliograph.otlp.wire import clamped, fixed32, fixed64, varint
from heliograph.recording.logs.record import NO_SPAN, NativeLogRecord

_TIME: Final = wire.tag(1, wire.FIXED64)
_SEVERITY_NUMBER: Final = wire.tag(2, wire.VARINT)
_SEVERITY_TEXT: Final = wire.tag(3, wire.BYTES)
_BODY: Final = wire.tag(5, wire.BYTES)
_ATTRIBUTE: Final = wire.tag(6, wire.BYTES)
_DROPPED_ATTRIBUTES: Final = wire.tag(7, wire.VARINT)
_FLAGS: Final = wire.tag(8, wire.FIXED32)
_TRACE_ID: Final = wire.tag(9, wire.BYTES) + varint(16)
_SPAN_ID: Final = wire.tag(10, wire.BYTES) + varint(8)
_OBSERVED: Final = wire.tag(11, wire.FIXED64)
_EVENT_NAME: Final = wire.tag(12, wire.BYTES)
_TEXT_VALUE: Final = wire.tag(1, wire.BYTES)  # of AnyValue

# Both times at once, each after its tag of one byte.
_both_times: Final = struct.Struct("<BQBQ").pack
_TIME_BYTE, _OBSERVED_BYTE = _TIME[0], _OBSERVED[0]
_LATEST_NS: Final = (1 << 64) - 1

_MOST_KEPT: Final = 2048
_NO_IDS: Final = (None, None, None)


class _BodyHeads(dict[int, bytes]):
    """What stands before a body that is text, by its length in bytes. Many are kept."""

    def __missing__(self, length: int) -> bytes:
        inner = _TEXT_VALUE + varint(length)
        head = _BODY + varint(len(inner) + length) + inner
        if len(self) < _MOST_KEPT:
            self[length] = head
        return head


class LogEncoder(ItemEncoder):
    """Encodes log records."""

    def __init__(self) -> None:
        super().__init__()
        self._body_heads = _BodyHeads()
        self._severities: dict[tuple[int, str], bytes] = {}
        self._known_ids: tuple[Any, Any, Any] = _NO_IDS
        self._known_ids_bytes = b""

    def _encode_for(self, kinds: set[type]) -> Callable[[Any], tuple[Any, Any, bytes]]:
        return self._record

    def _record(self, entry: Any) -> tuple[Any, Any, bytes]:
        record: Any
        attributes: Any
        if type(entry) is NativeLogRecord:
            record, attributes, ids = entry, entry.attributes, entry.span_ids
        else:
            record = entry.log_record
            attributes, ids = plain(record.attributes), (record.trace_id, record.span_id, record.trace_flags)
        values, body = self._values, record.body
        at_ns, seen_ns = record.timestamp, record.observed_timestamp
        if type(at_ns) is int and type(seen_ns) is int and 0 < at_ns <= _LATEST_NS and 0 < seen_ns <= _LATEST_NS:
            parts = [_both_times(_TIME_BYTE, at_ns, _OBSERVED_BYTE, seen_ns)]
        else:
            parts = _times(at_ns, seen_ns)
        parts.append(self._severity(record.severity_number, record.severity_text))
        if type(body) is str and len(body) <= LONGEST_TEXT and body.isascii():
            parts += (self._body_heads[len(body)], body.encode())
        else:
            parts.append(wire.message(_BODY, values.any_value(body)))
        if attributes:
            parts += values.attributes(attributes, _ATTRIBUTE)
        if entry.dropped_attributes:
            parts.append(_DROPPED_ATTRIBUTES + varint(entry.dropped_attributes))
        if ids is not NO_SPAN:
            parts.append(self._ids(ids))
        if record.event_name is not None:
            parts.append(self._text(_EVENT_NAME, record.event_name))
        return entry.resource, entry.instrumentation_scope, b"".join(parts)

    def _severity(self, number: Any, text: Any) -> bytes:
        value = getattr(number, "_value_", 0)
        # Only plain ones are looked up: an object of another class may claim to equal any.
        if type(value) is not int or type(text) is not str:
            return _severity(number) + self._text(_SEVERITY_TEXT, text)
        known = self._severities.get((value, text))
        if known is None:
            repaired = self._values.repaired
            known = _severity(number) + self._text(_SEVERITY_TEXT, text)
            if len(self._severities) < _MOST_KEPT and self._values.repaired == repaired and len(text) < _MOST_KEPT:
                self._severities[value, text] = known
        return known

    def _text(self, field_tag: bytes, text: Any) -> bytes:
        """A name; none at all where it is empty or None."""
        try:
            return field_tag + self._values.name(text) if text else b""
        except Exception:  # __bool__ of somebody else's object may raise anything
            self._values.repaired += 1
            return b""

    def _ids(self, ids: tuple[Any, Any, Any]) -> bytes:
        """The ids of the span and the flags of its trace. Those of the record before are remembered: a span logs much."""
        trace_id, span_id, flags = ids
        is_plain = type(trace_id) is int and type(span_id) is int and type(flags) is int
        if is_plain and ids == self._known_ids:
            return self._known_ids_bytes
        written = b""
        if flags:
            written += _FLAGS + fixed32(flags & 0xFF)
        if trace_id:
            written += _TRACE_ID + trace_id.to_bytes(16, "big")
        if span_id:
            written += _SPAN_ID + span_id.to_bytes(8, "big")
        if is_plain:
            self._known_ids, self._known_ids_bytes = ids, written
        return written


def _times(at_ns: Any, seen_ns: Any) -> list[bytes]:
    known = ((_TIME, clamped(at_ns)), (_OBSERVED, clamped(seen_ns)))
    return [tag + fixed64(time_ns) for tag, time_ns in known if time_ns]


def _severity(number: Any) -> bytes:
    value = getattr(number, "_value_", 0)
    return _SEVERITY_NUMBER + varint(value) if type(value) is int and value else b""
