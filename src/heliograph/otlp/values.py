"""OTLP's ``AnyValue`` and attributes: whatever a user recorded, as bytes, never raising.

What OTLP cannot carry is repaired and counted: a lone surrogate becomes U+FFFD, an integer beyond 64 bits its decimal text, a
longer text or deeper nesting than the limits is cut, any other object its ``str()``, or its type's name when that raises.
Source: opentelemetry-proto, ``common/v1/common.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from heliograph.otlp import wire
from heliograph.otlp.memory import LONGEST_KNOWN, KeyMemory, remember
from heliograph.otlp.wire import double, varint
from heliograph.text import shown

LONGEST_TEXT: Final = 128 * 1024
DEEPEST: Final = 16
WIDEST: Final = 10_000
LARGEST_VALUE: Final = 1 << 20

_MOST_LEARNT: Final = 1 << 15
_FITS: Final = 1 << 63

_STRING = wire.tag(1, wire.BYTES)
_BOOL = wire.tag(2, wire.VARINT)
_INT = wire.tag(3, wire.VARINT)
_DOUBLE = wire.tag(4, wire.FIXED64)
_ARRAY = wire.tag(5, wire.BYTES)
_KEY_VALUES = wire.tag(6, wire.BYTES)
_BYTES = wire.tag(7, wire.BYTES)
_ITEM = wire.tag(1, wire.BYTES)  # of ArrayValue.values and KeyValueList.values
_KEY = wire.tag(1, wire.BYTES)  # of KeyValue
_VALUE = wire.tag(2, wire.BYTES)


class ValueEncoder:
    """Encodes values and attributes, and remembers the bytes of keys and of small values that come again and again.

    ``repaired`` counts the values that could not be carried as they were. Not locked: one thread encodes.
    """

    def __init__(self) -> None:
        self.repaired = 0
        self._texts: dict[str, bytes] = {}
        self._keys: dict[bytes, dict[Any, KeyMemory]] = {}
        self._learnt = 0  # fields and heads in all memories together
        self._left = 0  # of the budget of the value at hand

    def text(self, value: Any) -> bytes:
        """``value`` as UTF-8; anything but a str is a repair."""
        if type(value) is not str:
            value = str.__str__(value) if issubclass(type(value), str) else self._as_text(value)
        if len(value) > LONGEST_TEXT:
            self.repaired += 1
            value = value[:LONGEST_TEXT]
        try:
            encoded: bytes = value.encode()
        except UnicodeEncodeError:
            self.repaired += 1
            encoded = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return encoded

    def name(self, value: Any) -> bytes:
        """A length and UTF-8 text of low cardinality, such as a span's name or an attribute's key; remembered."""
        if type(value) is str:
            known = self._texts.get(value)
            if known is not None:
                return known
        repaired = self.repaired
        encoded = self.text(value)
        written = varint(len(encoded)) + encoded
        if type(value) is str and len(value) <= LONGEST_KNOWN and self.repaired == repaired:
            remember(self._texts, value, written)
        return written

    def attributes(self, attributes: Mapping[Any, Any] | None, field_tag: bytes) -> list[bytes]:
        """The bytes of all attributes in their order, each a field with ``field_tag``. None as a value means none at all."""
        fields: list[bytes] = []
        try:
            if not attributes:
                return fields
            keys = self._keys.get(field_tag)
            if keys is None:
                keys = self._keys[field_tag] = {}
            add = fields.append
            for key, value in attributes.items():
                # Only a plain str is looked up: one of another class may claim to equal any key. type() cannot be lied to.
                memory = keys.get(key) if type(key) is str else None
                if memory is None:
                    memory = self._memory(key, field_tag, keys)
                kind = type(value)
                if kind is memory.kind and (field := memory.known.get(value)) is not None:
                    add(field)
                elif kind is float:
                    add(memory.float_head)
                    add(double(value))
                elif kind is memory.many and (head := memory.text_heads.get(len(value))) is not None and value.isascii():
                    add(head)
                    add(value.encode())
                else:
                    add(self._field(value, memory))
        except Exception:  # a mapping of the user's own may raise anything; the item goes without the rest of it
            self.repaired += 1
        return fields

    def _field(self, value: Any, memory: KeyMemory) -> bytes:
        """An attribute that is not remembered whole: the first values of a key, and those of a key with many."""
        kind = type(value)
        if kind is str and len(value) <= LONGEST_KNOWN and value.isascii():
            encoded, heads = value.encode(), memory.text_heads
        elif kind is int and value.bit_length() < 64:
            encoded, heads = varint(value), memory.int_heads
        elif value is None:
            return b""
        else:
            repaired = self.repaired
            field = memory.whole(self.any_value(value))
            # What was repaired is not remembered: it counts each time.
            return self._learn(value, field, memory) if self.repaired == repaired else field
        head = heads.get(len(encoded))
        if head is None:
            head = memory.learn_head(heads, len(encoded))
            self._count_learnt()
        field = head + encoded
        return self._learn(value, field, memory) if memory.is_learning else field

    def _learn(self, value: Any, field: bytes, memory: KeyMemory) -> bytes:
        if memory.learn(value, field):
            self._count_learnt()
        return field

    def _count_learnt(self) -> None:
        """Forget everything when all memories together hold too much."""
        self._learnt += 1
        if self._learnt > _MOST_LEARNT:
            for keys in self._keys.values():
                keys.clear()
            self._learnt = 0

    def _memory(self, key: Any, field_tag: bytes, keys: dict[Any, KeyMemory]) -> KeyMemory:
        repaired = self.repaired
        memory = KeyMemory(self.name(key), field_tag)
        if type(key) is str and len(key) <= LONGEST_KNOWN and self.repaired == repaired:
            remember(keys, key, memory)
        return memory

    def any_value(self, value: Any, depth: int = 0) -> bytes:
        """``value`` as an ``AnyValue``; empty for None."""
        writer = _WRITERS.get(type(value))
        if depth == 0:
            self._left = LARGEST_VALUE
        try:
            if writer is not None:
                return writer(self, value, depth)
            return self._other(value, depth)
        except Exception:  # subclasses of str, int or collections may raise anything
            self.repaired += 1
            return _STRING + self.name(f"<{type(value).__name__} that cannot be shown>")

    def _key_value(self, key: Any, value: Any, depth: int) -> bytes:
        encoded = self.any_value(value, depth)
        return _KEY + self.name(key) + _VALUE + varint(len(encoded)) + encoded

    def _other(self, value: Any, depth: int) -> bytes:
        """Values of no exact type in the table: subclasses, collections of any kind, other objects."""
        for kind, convert, writer in _CONVERSIONS:
            if isinstance(value, kind):
                return writer(self, convert(value), depth)
        return _string(self, self._as_text(value), depth)

    def _as_text(self, value: Any) -> str:
        self.repaired += 1
        return str.__str__(shown(value))


def _nothing(_encoder: ValueEncoder, _value: Any, _depth: int) -> bytes:
    return b""


def _string(encoder: ValueEncoder, value: str, _depth: int) -> bytes:
    encoded = encoder.text(value)
    return _STRING + varint(len(encoded)) + encoded


def _boolean(_encoder: ValueEncoder, value: Any, _depth: int) -> bytes:
    return _BOOL + (b"\x01" if value else b"\x00")


def _integer(encoder: ValueEncoder, value: int, depth: int) -> bytes:
    if -_FITS <= value < _FITS:
        return _INT + varint(value)
    encoder.repaired += 1
    # Python refuses to write out very long integers in decimal.
    return _string(encoder, str(value) if value.bit_length() < 4096 else hex(value), depth)


def _float(_encoder: ValueEncoder, value: float, _depth: int) -> bytes:
    return _DOUBLE + double(value)


def _bytes(encoder: ValueEncoder, value: bytes, _depth: int) -> bytes:
    if len(value) > LONGEST_TEXT:
        encoder.repaired += 1
        value = value[:LONGEST_TEXT]
    return wire.message(_BYTES, value)


def _sequence(encoder: ValueEncoder, value: Any, depth: int) -> bytes:
    if depth >= DEEPEST:
        return _too_deep(encoder)
    parts = []
    for position, item in enumerate(value):
        if position == WIDEST or encoder._left <= 0:
            encoder.repaired += 1
            break
        part = wire.message(_ITEM, encoder.any_value(item, depth + 1))
        encoder._left -= len(part)
        parts.append(part)
    return wire.message(_ARRAY, b"".join(parts))


def _mapping(encoder: ValueEncoder, value: Mapping[Any, Any], depth: int) -> bytes:
    if depth >= DEEPEST:
        return _too_deep(encoder)
    parts = []
    for position, (key, item) in enumerate(value.items()):
        if position == WIDEST or encoder._left <= 0:
            encoder.repaired += 1
            break
        part = wire.message(_ITEM, encoder._key_value(key, item, depth + 1))
        encoder._left -= len(part)
        parts.append(part)
    return wire.message(_KEY_VALUES, b"".join(parts))


def _too_deep(encoder: ValueEncoder) -> bytes:
    encoder.repaired += 1
    return _STRING + encoder.name("<nested too deeply>")


# The first row that fits; bool before int, since it is one.
_CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any], Any], Callable[[ValueEncoder, Any, int], bytes]], ...]] = (
    (bool, bool, _boolean),
    (int, int, _integer),
    (float, float, _float),
    (str, str.__str__, _string),
    ((bytes, bytearray, memoryview), bytes, _bytes),
    (Mapping, lambda value: value, _mapping),
    ((Sequence, AbstractSet), lambda value: value, _sequence),
)
_WRITERS: Final[Mapping[type, Callable[[ValueEncoder, Any, int], bytes]]] = {
    type(None): _nothing,
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _float,
    bytes: _bytes,
    list: _sequence,
    tuple: _sequence,
    dict: _mapping,
}
