"""Protobuf's wire format: the few pieces that OTLP needs, as functions on bytes.

Source: Protocol Buffers documentation, "Encoding". A field is its tag (field number and wire type) and its value; a message
inside a message is written with its length before it.
"""

from __future__ import annotations

import struct
from typing import Any, Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_MASK_64: Final = (1 << 64) - 1
_MOST_HEADS: Final = 2048

fixed64 = struct.Struct("<Q").pack
fixed32 = struct.Struct("<I").pack
double = struct.Struct("<d").pack


# Bytes of a varint that another follows, and whole varints of one and two bytes: most numbers need no more than a look-up.
_CONTINUED: Final = tuple(bytes((byte | 0x80,)) for byte in range(128))
_SHORT_VARINTS: Final = (
    *(bytes((number,)) for number in range(128)),
    *(bytes((number & 0x7F | 0x80, number >> 7)) for number in range(128, 2048)),
)


def varint(number: int) -> bytes:
    """``number`` as a varint. A negative one is written as its 64-bit two's complement, as protobuf does for int64."""
    if 0 <= number < 2048:
        return _SHORT_VARINTS[number]
    if 0 <= number < 2048 << 7:
        return _CONTINUED[number & 0x7F] + _SHORT_VARINTS[number >> 7]
    number &= _MASK_64
    written = b""
    while number >= 2048:
        written += _CONTINUED[number & 0x7F]
        number >>= 7
    return written + _SHORT_VARINTS[number]


def zigzag(number: int) -> bytes:
    """``number`` (32 bits, signed) as protobuf's sint32."""
    return varint((number << 1) ^ (number >> 31))


def tag(field: int, wire_type: int) -> bytes:
    """What stands before a value."""
    return varint(field << 3 | wire_type)


def message(field_tag: bytes, body: bytes) -> bytes:
    """A message, a string or bytes as the field with ``field_tag``."""
    return field_tag + varint(len(body)) + body


class Heads(dict[int, bytes]):
    """What stands before a message, a string or bytes in the field with a tag, by their length in bytes. Many are kept."""

    __slots__ = ("_field_tag",)

    def __init__(self, field_tag: bytes) -> None:
        super().__init__()
        self._field_tag = field_tag

    def __missing__(self, length: int) -> bytes:
        head = self._field_tag + varint(length)
        if length < _MOST_HEADS:
            self[length] = head
        return head


def clamped(time_ns: Any) -> int:
    """``time_ns`` brought into what the wire can carry; 0, which OTLP reads as unknown, for what is no number."""
    try:
        return min(_MASK_64, max(0, int(time_ns)))
    except Exception:  # None, text, infinity, or an object of somebody else's
        return 0
