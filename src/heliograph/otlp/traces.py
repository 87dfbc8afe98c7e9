"""Spans as the bytes of an OTLP ``ExportTraceServiceRequest``.

Source: opentelemetry-proto, ``trace/v1/trace.proto``. Takes anything with the surface of the SDK's ``ReadableSpan``.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from opentelemetry.trace import StatusCode

from heliograph.otlp import wire
from heliograph.otlp.sdk_items import parts_of, plain
from heliograph.otlp.source import ItemEncoder
from heliograph.otlp.wire import clamped, fixed32, fixed64, varint

_TRACE_ID: Final = wire.tag(1, wire.BYTES) + varint(16)
_SPAN_ID: Final = wire.tag(2, wire.BYTES) + varint(8)
_TRACE_STATE: Final = wire.tag(3, wire.BYTES)
_PARENT: Final = wire.tag(4, wire.BYTES) + varint(8)
_NAME: Final = wire.tag(5, wire.BYTES)
_KIND: Final = wire.tag(6, wire.VARINT)
_START: Final = wire.tag(7, wire.FIXED64)
_END: Final = wire.tag(8, wire.FIXED64)
_ATTRIBUTE: Final = wire.tag(9, wire.BYTES)
_DROPPED_ATTRIBUTES: Final = wire.tag(10, wire.VARINT)
_EVENT: Final = wire.tag(11, wire.BYTES)
_DROPPED_EVENTS: Final = wire.tag(12, wire.VARINT)
_LINK: Final = wire.tag(13, wire.BYTES)
_DROPPED_LINKS: Final = wire.tag(14, wire.VARINT)
_STATUS: Final = wire.tag(15, wire.BYTES)
_FLAGS: Final = wire.tag(16, wire.FIXED32)

# The fields that every span has, written in one go each: both ids, the parent's id, both times with the flags.
_IDS: Final = struct.Struct(">2sQQ2sQ").pack
_PARENT_ID: Final = struct.Struct(">2sQ").pack
_TIMES_AND_FLAGS: Final = struct.Struct("<1sQ1sQ2sI").pack
_LAST_64: Final = (1 << 64) - 1

_UNSET: Final = wire.message(_STATUS, b"")

_LONGEST_NAME_KEPT: Final = 256
_MOST_NAMES_KEPT: Final = 4096

_EVENT_TIME: Final = wire.tag(1, wire.FIXED64)
_EVENT_NAME: Final = wire.tag(2, wire.BYTES)
_EVENT_ATTRIBUTE: Final = wire.tag(3, wire.BYTES)
_EVENT_DROPPED: Final = wire.tag(4, wire.VARINT)

_LINK_ATTRIBUTE: Final = wire.tag(4, wire.BYTES)
_LINK_DROPPED: Final = wire.tag(5, wire.VARINT)
_LINK_FLAGS: Final = wire.tag(6, wire.FIXED32)

_STATUS_MESSAGE: Final = wire.tag(2, wire.BYTES)
_STATUS_CODE: Final = wire.tag(3, wire.VARINT)

# SpanFlags: the low eight bits are the W3C trace flags; then "is_remote is known" and "is_remote".
_REMOTE_KNOWN: Final = 0x100
_REMOTE: Final = 0x200


class TraceEncoder(ItemEncoder):
    """Encodes spans, and remembers the bytes of their names."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[tuple[str, int], bytes] = {}

    def _item(self, span: Any) -> bytes:
        values = self._values
        trace_id, span_id, _is_remote, trace_flags, trace_state, _is_valid = span.context
        parts = [_IDS(_TRACE_ID, trace_id >> 64, trace_id & _LAST_64, _SPAN_ID, span_id)]
        add = parts.append
        flags = _REMOTE_KNOWN | trace_flags & 0xFF
        parent = span.parent
        if parent is not None:
            add(_PARENT_ID(_PARENT, parent[1]))
            if parent[2]:
                flags |= _REMOTE
        if trace_state:
            add(self._trace_state(trace_state))
        add(self._name_and_kind(span.name, span.kind))
        attributes, lost_attributes, events, lost_events, links, lost_links = parts_of(span)
        values.attributes(attributes, _ATTRIBUTE, add)
        if events:
            parts += [wire.message(_EVENT, self._event(event)) for event in events]
        if links:
            parts += [wire.message(_LINK, self._link(link)) for link in links]
        if lost_attributes or lost_events or lost_links:
            add(_losses(lost_attributes, lost_events, lost_links))
        status = span.status
        add(_UNSET if status is not None and status.status_code is StatusCode.UNSET else self._status(status))
        add(_end(span.start_time, span.end_time, flags))
        return b"".join(parts)

    def _name_and_kind(self, name: Any, kind: Any) -> bytes:
        # OTLP counts from INTERNAL = 1, the API from INTERNAL = 0; without a kind it is INTERNAL, as the API's default is.
        number = kind._value_ + 1 if kind is not None else 1
        known = self._names.get((name, number)) if type(name) is str else None
        if known is None:
            repaired = self._values.repaired
            known = _NAME + self._values.name(name) + _KIND + varint(number)
            if type(name) is str and self._values.repaired == repaired and len(name) <= _LONGEST_NAME_KEPT:
                if len(self._names) >= _MOST_NAMES_KEPT:
                    self._names.clear()
                self._names[name, number] = known
        return known

    def _event(self, event: Any) -> bytes:
        parts = [_EVENT_TIME + fixed64(clamped(event.timestamp)) + _EVENT_NAME + self._values.name(event.name)]
        self._values.attributes(plain(event.attributes), _EVENT_ATTRIBUTE, parts.append)
        if event.dropped_attributes:
            parts.append(_EVENT_DROPPED + varint(event.dropped_attributes))
        return b"".join(parts)

    def _link(self, link: Any) -> bytes:
        trace_id, span_id, is_remote, trace_flags, trace_state, _is_valid = link.context
        parts = [_IDS(_TRACE_ID, trace_id >> 64, trace_id & _LAST_64, _SPAN_ID, span_id)]
        if trace_state:
            parts.append(self._trace_state(trace_state))
        self._values.attributes(plain(link.attributes), _LINK_ATTRIBUTE, parts.append)
        if link.dropped_attributes:
            parts.append(_LINK_DROPPED + varint(link.dropped_attributes))
        flags = _REMOTE_KNOWN | (_REMOTE if is_remote else 0) | trace_flags & 0xFF
        parts.append(_LINK_FLAGS + fixed32(flags))
        return b"".join(parts)

    def _trace_state(self, state: Any) -> bytes:
        return _TRACE_STATE + self._values.name(",".join([f"{key}={value}" for key, value in state.items()]))

    def _status(self, status: Any) -> bytes:
        if status is None:
            return b""
        body = _STATUS_MESSAGE + self._values.name(status.description) if status.description else b""
        code = status.status_code.value
        if code:
            body += _STATUS_CODE + varint(code)
        return wire.message(_STATUS, body)


def _losses(attributes: int, events: int, links: int) -> bytes:
    counts = ((_DROPPED_ATTRIBUTES, attributes), (_DROPPED_EVENTS, events), (_DROPPED_LINKS, links))
    return b"".join(field_tag + varint(count) for field_tag, count in counts if count)


def _end(start_ns: Any, end_ns: Any, flags: int) -> bytes:
    try:
        return _TIMES_AND_FLAGS(_START, start_ns, _END, end_ns, _FLAGS, flags)
    except Exception:  # None, a fraction, out of range, or an object of somebody else's
        return _TIMES_AND_FLAGS(_START, clamped(start_ns), _END, clamped(end_ns), _FLAGS, flags)
