"""An encoded OTLP request cut into two, and its items counted, without decoding what is in them.

For the pipeline, which sends a request that is too large in pieces and keeps account of every item. Only the fields that lead
to the items are known; all others of a message on the way (resource, scope, schema_url, a metric's name, temporality) are kept
as they lie. A request may be several written one behind the other, which protobuf reads as one.
Source: opentelemetry-proto, ``collector/*/v1/*_service.proto`` and the messages in them; Protocol Buffers documentation,
"Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from heliograph.otlp import wire

# The fields that lead to the items, level by level: the request's, the resource's, the scope's, and for metrics the metric's
# (gauge, sum, histogram, exponential histogram, summary) and its data's. What the last ones hold are the items.
_RESOURCE_AND_SCOPE: Final = (frozenset({1}), frozenset({2}))
_PATHS: Final[Mapping[str, tuple[frozenset[int], ...]]] = {
    "traces": (*_RESOURCE_AND_SCOPE, frozenset({2})),
    "logs": (*_RESOURCE_AND_SCOPE, frozenset({2})),
    "metrics": (*_RESOURCE_AND_SCOPE, frozenset({2}), frozenset({5, 7, 9, 10, 11}), frozenset({1})),
}
_SIZES: Final = {wire.FIXED64: 8, wire.FIXED32: 4}
_LONGEST_VARINT: Final = 10


def split(signal: str, body: bytes, first: int) -> tuple[bytes, bytes]:
    """Cut ``body``, a request of ``signal`` ("traces", "metrics" or "logs"), behind its first ``first`` items (>= 0).

    Returns two requests, empty where no item is left for one. An item is a span, a log record or a data point. What holds
    items in both is in both; what holds none is in neither. Raises ``ValueError`` for what is no such request.
    """
    if first < 0:
        raise ValueError(f"the number of items to cut off was {first!r}; expected 0 or more")
    cut = _cut(body, 0, len(body), _path(signal), first)
    return cut.head, cut.tail


def count(signal: str, body: bytes) -> int:
    """The number of items in ``body``, a request of ``signal``: spans, log records or data points.

    Raises ``ValueError`` for what is no such request.
    """
    return _count(body, 0, len(body), _path(signal))


class _Cut(NamedTuple):
    """Both halves of a message, each empty when it has no items, and how many items the first one has."""

    head: bytes
    tail: bytes
    taken: int


def _path(signal: str) -> tuple[frozenset[int], ...]:
    path = _PATHS.get(signal)
    if path is None:
        raise ValueError(f"the signal was {signal!r}; expected one of {', '.join(map(repr, _PATHS))}")
    return path


def _cut(body: bytes, start: int, end: int, path: tuple[frozenset[int], ...], first: int) -> _Cut:
    """Cut the message at ``body[start:end]`` behind its first ``first`` items; ``path`` leads from it to them."""
    on_the_way, deeper = path[0], path[1:]
    head: list[bytes] = []
    tail: list[bytes] = []
    taken, has_tail = 0, False
    for number, wire_type, field_start, value_start, field_end in _fields(body, start, end):
        if number not in on_the_way or wire_type != wire.BYTES:
            for half in (head, tail):
                half.append(body[field_start:field_end])
        elif deeper:
            inner = _cut(body, value_start, field_end, deeper, first - taken)
            field_tag = wire.tag(number, wire.BYTES)
            taken += inner.taken
            has_tail = has_tail or inner.tail != b""
            head += [wire.message(field_tag, inner.head)] if inner.head else []
            tail += [wire.message(field_tag, inner.tail)] if inner.tail else []
        elif taken < first:
            taken += 1
            head.append(body[field_start:field_end])
        else:
            has_tail = True
            tail.append(body[field_start:field_end])
    return _Cut(b"".join(head) if taken else b"", b"".join(tail) if has_tail else b"", taken)


def _count(body: bytes, start: int, end: int, path: tuple[frozenset[int], ...]) -> int:
    on_the_way, deeper = path[0], path[1:]
    counted = 0
    for number, wire_type, _, value_start, field_end in _fields(body, start, end):
        if number in on_the_way and wire_type == wire.BYTES:
            counted += _count(body, value_start, field_end, deeper) if deeper else 1
    return counted


def _fields(body: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """The fields of the message at ``body[start:end]``: number, wire type, and where field and value start and end."""
    at = start
    while at < end:
        field_tag, value = _varint(body, at, end)
        number, wire_type = field_tag >> 3, field_tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError(f"no protobuf message: field number {number} at byte {at}; expected 1 to {(1 << 29) - 1}")
        if wire_type == wire.VARINT:
            field_end = _varint(body, value, end)[1]
        elif wire_type == wire.BYTES:
            size, value = _varint(body, value, end)
            field_end = value + size
        elif wire_type in _SIZES:
            field_end = value + _SIZES[wire_type]
        else:  # groups, which OTLP has none of, or nothing of protobuf's
            raise ValueError(f"no OTLP: wire type {wire_type} at byte {at}; expected 0, 1, 2 or 5")
        if field_end > end:
            raise ValueError(f"cut short: field {number} at byte {at} ends at byte {field_end}, its message at byte {end}")
        yield number, wire_type, at, value, field_end
        at = field_end


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at ``at``, and where it ends."""
    number = 0
    for position in range(at, min(end, at + _LONGEST_VARINT)):
        byte = body[position]
        number |= (byte & 0x7F) << 7 * (position - at)
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, position + 1
    if end - at < _LONGEST_VARINT:
        raise ValueError(f"cut short: the number at byte {at} has no end before byte {end}")
    raise ValueError(f"no protobuf message: the number at byte {at} has more than {_LONGEST_VARINT} bytes")
