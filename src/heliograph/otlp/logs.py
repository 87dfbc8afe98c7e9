"""Log records as the bytes of an OTLP ``ExportLogsServiceRequest``.

Source: opentelemetry-proto, ``logs/v1/logs.proto``. Takes anything with the surface of the SDK's ``ReadableLogRecord``.
"""

from __future__ import annotations

from typing import Any, Final

from heliograph.otlp import wire
from heliograph.otlp.sdk_items import plain
from heliograph.otlp.source import ItemEncoder
from heliograph.otlp.wire import clamped, fixed32, fixed64, varint

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


class LogEncoder(ItemEncoder):
    """Encodes log records."""

    def _item(self, entry: Any) -> tuple[Any, Any, bytes]:
        record, values = entry.log_record, self._values
        parts: list[bytes] = []
        add = parts.append
        if record.timestamp:
            add(_TIME + fixed64(clamped(record.timestamp)))
        if record.observed_timestamp:
            add(_OBSERVED + fixed64(clamped(record.observed_timestamp)))
        number = getattr(record.severity_number, "value", 0)
        if number:
            add(_SEVERITY_NUMBER + varint(number))
        if record.severity_text:
            add(_SEVERITY_TEXT + values.name(record.severity_text))
        add(wire.message(_BODY, values.any_value(record.body)))
        parts += values.attributes(plain(record.attributes), _ATTRIBUTE)
        if entry.dropped_attributes:
            add(_DROPPED_ATTRIBUTES + varint(entry.dropped_attributes))
        if record.trace_flags:
            add(_FLAGS + fixed32(record.trace_flags & 0xFF))
        if record.trace_id:
            add(_TRACE_ID + record.trace_id.to_bytes(16, "big"))
        if record.span_id:
            add(_SPAN_ID + record.span_id.to_bytes(8, "big"))
        if record.event_name:
            add(_EVENT_NAME + values.name(record.event_name))
        return entry.resource, entry.instrumentation_scope, b"".join(parts)
