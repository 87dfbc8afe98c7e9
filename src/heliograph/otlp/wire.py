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

fixed64 = struct.Struct("<Q").pack
fixed32 = struct.Struct("<I").pack
double = struct.Struct("<d").pack


def _long_varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


_SHORT_VARINTS: Final = tuple(_long_varint(number) for number in range(2048))


def varint(number: int) -> bytes:
    """``number`` as a varint. A negative one is written as its 64-bit two's complement, as protobuf does for int64."""
    if 0 <= number < 2048:
        return _SHORT_VARINTS[number]
    return _long_varint(number & _MASK_64)


def zigzag(number: int) -> bytes:
    """``number`` (32 bits, signed) as protobuf's sint32."""
    return varint((number << 1) ^ (number >> 31))


def tag(field: int, wire_type: int) -> bytes:
    """What stands before a value."""
    return varint(field << 3 | wire_type)


def message(field_tag: bytes, body: bytes) -> bytes:
    """A message, a string or bytes as the field with ``field_tag``."""
    return field_tag + varint(len(body)) + body


def clamped(time_ns: Any) -> int:
    """``time_ns`` brought into what the wire can carry; 0, which OTLP reads as unknown, for what is no number."""
    try:
        return min(_MASK_64, max(0, int(time_ns)))
    except Exception:  # None, text, infinity, or an object of somebody else's
        return 0
