"""What encoders remember: the bytes of what comes again and again. Used by ``values.py`` and ``traces.py``.

Source of the layout: opentelemetry-proto, ``common/v1/common.proto``, message ``KeyValue``.
"""

from __future__ import annotations

from typing import Any, Final

from heliograph.otlp import wire
from heliograph.otlp.wire import varint

LONGEST_KNOWN: Final = 256

_MOST_CACHED: Final = 4096
_MOST_VALUES: Final = 128
_LEARNT: Final = frozenset({str, int, bool})

_KEY: Final = wire.tag(1, wire.BYTES)
_VALUE: Final = wire.tag(2, wire.BYTES)
_STRING: Final = wire.tag(1, wire.BYTES)  # of AnyValue
_INT: Final = wire.tag(3, wire.VARINT)  # likewise
_DOUBLE: Final = wire.tag(4, wire.FIXED64)  # likewise


def remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Put ``value`` into ``cache``, which never grows beyond 4096 entries."""
    if len(cache) >= _MOST_CACHED:
        cache.clear()  # cheaper than keeping an order, and what is common is soon back
    cache[key] = value


class KeyMemory:
    """What is remembered of one attribute key in one field.

    Whole fields of its values, if those are texts, integers or booleans and few: ``known``. They are of one type, ``kind``,
    since True, 1 and 1.0 are equal and encode differently. A key with many values, such as an id, forgets them and looks up no
    more. For these ``text_heads`` and ``int_heads`` hold what stands before a value, by its length in bytes.
    """

    __slots__ = (
        "before_value",
        "field_tag",
        "float_head",
        "int_heads",
        "is_learning",
        "kind",
        "known",
        "many",
        "text_heads",
    )

    def __init__(self, name: bytes, field_tag: bytes) -> None:
        self.field_tag = field_tag
        self.before_value = _KEY + name + _VALUE
        self.known: dict[Any, bytes] = {}
        self.kind: type | None = None
        self.is_learning = True
        self.many: type | None = None
        self.text_heads: dict[int, bytes] = {}
        self.int_heads: dict[int, bytes] = {}
        self.float_head = self._head(_DOUBLE, 8)

    def learn(self, value: Any, field: bytes) -> bool:
        """Remember that ``value`` is written as ``field``; returns whether it is."""
        kind = type(value)
        if self.kind is None and self.is_learning and kind in _LEARNT:
            self.kind = kind
        if kind is not self.kind or len(field) > 2 * LONGEST_KNOWN:
            return False
        if len(self.known) >= _MOST_VALUES:
            self.kind, self.known, self.is_learning = None, {}, False
            self.many = kind if kind is str else None
            return False
        self.known[value] = field
        return True

    def learn_head(self, heads: dict[int, bytes], length: int) -> bytes:
        """What stands before a value of ``length`` bytes, put into ``heads``, which is one of the two above."""
        value_head = _INT if heads is self.int_heads else _STRING + varint(length)
        head = heads[length] = self._head(value_head, length)
        return head

    def whole(self, encoded: bytes) -> bytes:
        """The field with ``encoded``, an AnyValue."""
        return wire.message(self.field_tag, self.before_value + varint(len(encoded)) + encoded)

    def _head(self, value_head: bytes, length: int) -> bytes:
        before = self.before_value + varint(len(value_head) + length) + value_head
        return self.field_tag + varint(len(before) + length) + before
