"""Spans as the bytes of an OTLP ``ExportTraceServiceRequest``.

Source: opentelemetry-proto, ``trace/v1/trace.proto``. Takes our own spans, which are read as they lie, and anything with the
surface of the SDK's ``ReadableSpan``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import DEFAULT_TRACE_STATE, SpanKind, Status, StatusCode

from heliograph.otlp import wire
from heliograph.otlp.memory import LONGEST_KNOWN, remember
from heliograph.otlp.sdk_items import laid_out, plain
from heliograph.otlp.source import ItemEncoder
from heliograph.otlp.wire import clamped, fixed32, fixed64, varint
from heliograph.recording.traces.span import UNSET, Span

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

# The fields that every span has, written in one go each: its ids with or without its parent's, both times with the flags.
_IDS: Final = struct.Struct(">18s2sQ").pack
_CHILD_IDS: Final = struct.Struct(">18s2sQ2sQ").pack
_END_OF_SPAN: Final = struct.Struct("<1sQ1sQ2sB").pack

_UNSET: Final = StatusCode.UNSET
_EMPTY_STATUS: Final = wire.message(_STATUS, b"")

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
_LOCAL_FLAGS_END: Final = fixed32(_REMOTE_KNOWN)[1:]
_REMOTE_FLAGS_END: Final = fixed32(_REMOTE_KNOWN | _REMOTE)[1:]


class TraceEncoder(ItemEncoder):
    """Encodes spans, and remembers the bytes of their names."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, tuple[Any, bytes]] = {}
        self._trace_id, self._trace_head = -1, b""

    def _encode_for(self, kinds: set[type]) -> Callable[[Any], tuple[Any, Any, bytes]]:
        if Span not in kinds:
            return self._official
        return self._native if len(kinds) == 1 else self._either

    def _either(self, span: Any) -> tuple[Any, Any, bytes]:
        return self._native(span) if type(span) is Span else self._official(span)

    def _native(self, span: Span) -> tuple[Any, Any, bytes]:
        trace_id, trace_flags, parent = span._trace_id, span._flags, span._parent
        if trace_id is not self._trace_id:  # neighbours mostly are of the same trace
            self._trace_id, self._trace_head = trace_id, _TRACE_ID + trace_id.to_bytes(16, "big")
        flags_end = _LOCAL_FLAGS_END
        if parent is None:
            ids = _IDS(self._trace_head, _SPAN_ID, span._span_id)
        else:
            ids = _CHILD_IDS(self._trace_head, _SPAN_ID, span._span_id, _PARENT, parent[1])
            if parent[2]:
                flags_end = _REMOTE_FLAGS_END
        name, kind = span._name, span._kind
        known = self._names.get(name) if type(name) is str else None
        named = known[1] if known is not None and known[0] is kind else self._name_and_kind(name, kind)
        fields = self._values.attributes(span._attributes, _ATTRIBUTE)
        state, rare, status = span._trace_state, span._rare, span._status
        if state is not DEFAULT_TRACE_STATE and state:
            fields.append(self._trace_state(state))
        if rare is not None:
            fields += [wire.message(_EVENT, self._event(event)) for event in rare.events]
            fields += [wire.message(_LINK, written) for link in rare.links if (written := self._link_if_valid(link))]
            fields.append(_losses(rare.dropped_attributes, rare.dropped_events, rare.dropped_links))
        written_status = _EMPTY_STATUS if status is UNSET else self._status(status)
        try:
            end = _END_OF_SPAN(_START, span._start_time, _END, span._end_time, _FLAGS, trace_flags)
        except Exception:  # out of range
            end = _END_OF_SPAN(_START, clamped(span._start_time), _END, clamped(span._end_time), _FLAGS, trace_flags & 0xFF)
        source = span._source
        return source.resource, source.scope, b"".join([ids, named, *fields, written_status, end, flags_end])

    def _official(self, span: Any) -> tuple[Any, Any, bytes]:
        span = laid_out(span)
        trace_id, span_id, _is_remote, trace_flags, trace_state, _is_valid = span._context
        if trace_id is not self._trace_id:  # neighbours mostly are of the same trace
            self._trace_id, self._trace_head = trace_id, _TRACE_ID + trace_id.to_bytes(16, "big")
        parent, flags_end = span._parent, _LOCAL_FLAGS_END
        if parent is None:
            ids = _IDS(self._trace_head, _SPAN_ID, span_id)
        else:
            ids = _CHILD_IDS(self._trace_head, _SPAN_ID, span_id, _PARENT, parent[1])
            if parent[2]:
                flags_end = _REMOTE_FLAGS_END
        name, kind = span._name, span._kind
        known = self._names.get(name) if type(name) is str else None
        named = known[1] if known is not None and known[0] is kind else self._name_and_kind(name, kind)
        attributes, events, links = span._attributes, span._events, span._links
        fields = self._values.attributes(attributes._dict, _ATTRIBUTE)
        if trace_state is not DEFAULT_TRACE_STATE and trace_state:
            fields.append(self._trace_state(trace_state))
        if events._dq or links._dq or attributes.dropped or events.dropped or links.dropped:
            fields += [wire.message(_EVENT, self._event(event)) for event in events._dq]
            fields += [wire.message(_LINK, self._link(link)) for link in links._dq]
            fields.append(_losses(attributes.dropped, events.dropped, links.dropped))
        status = span._status
        is_unset = type(status) is Status and status._status_code is _UNSET
        written_status = _EMPTY_STATUS if is_unset else self._status(status)
        try:
            end = _END_OF_SPAN(_START, span._start_time, _END, span._end_time, _FLAGS, trace_flags)
        except Exception:  # None, a fraction, out of range, or an object of somebody else's
            end = _END_OF_SPAN(_START, clamped(span._start_time), _END, clamped(span._end_time), _FLAGS, trace_flags & 0xFF)
        body = b"".join([ids, named, *fields, written_status, end, flags_end])
        return span._resource, span._instrumentation_scope, body

    def _name_and_kind(self, name: Any, kind: Any) -> bytes:
        # OTLP counts from INTERNAL = 1, the API from INTERNAL = 0; without a kind it is INTERNAL, as the API's default is.
        number = kind._value_ + 1 if isinstance(kind, SpanKind) else 1
        if kind is not None and not isinstance(kind, SpanKind):
            self._values.repaired += 1
        repaired = self._values.repaired
        written = _NAME + self._values.name(name) + _KIND + varint(number)
        if type(name) is str and self._values.repaired == repaired and len(name) <= LONGEST_KNOWN:
            remember(self._names, name, (kind, written))
        return written

    def _event(self, event: Any) -> bytes:
        parts = [_EVENT_TIME + fixed64(clamped(event.timestamp)) + _EVENT_NAME + self._values.name(event.name)]
        parts += self._values.attributes(plain(event.attributes), _EVENT_ATTRIBUTE)
        if event.dropped_attributes:
            parts.append(_EVENT_DROPPED + varint(event.dropped_attributes))
        return b"".join(parts)

    def _link_if_valid(self, link: Any) -> bytes:
        try:
            return self._link(link)
        except Exception:  # ids out of range: the span is worth more than it
            self._values.repaired += 1
            return b""

    def _link(self, link: Any) -> bytes:
        trace_id, span_id, is_remote, trace_flags, trace_state, _is_valid = link.context
        parts = [_IDS(_TRACE_ID + trace_id.to_bytes(16, "big"), _SPAN_ID, span_id)]
        if trace_state:
            parts.append(self._trace_state(trace_state))
        parts += self._values.attributes(plain(link.attributes), _LINK_ATTRIBUTE)
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
