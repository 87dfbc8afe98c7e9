"""Attributes as they are recorded: checked, copied once, bounded. Used by spans, events, links, log records and metrics.

What is common costs a check of types that runs in C: text keys with values that cannot change. Anything else is copied
deeply, since the application may go on to change it, or replaced by its text where OTLP has no such value.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from heliograph.text import shown

# Values that are taken as they are: they cannot change, and OTLP carries them.
SCALARS: Final = frozenset({str, bool, int, float, bytes})
_TEXT: Final = frozenset({str})

# As deep and as wide as the wire goes (otlp/values.py).
_DEEPEST: Final = 16
_MOST_ITEMS: Final = 10_000


def is_simple(attributes: Any) -> bool:
    """Whether ``attributes`` is a dict of non-empty text to scalars, so that a shallow copy is a whole one."""
    return (
        type(attributes) is dict
        and SCALARS.issuperset(map(type, attributes.values()))
        and _TEXT.issuperset(map(type, attributes))
        and "" not in attributes
    )


def taken(attributes: Any, most: int | None, longest: int | None) -> tuple[dict[str, Any], int]:
    """A copy of ``attributes`` within the limits, and how many did not get in.

    ``most`` is the number of attributes, ``longest`` the length of a text in characters; None means no limit. Never raises
    for an attribute: one that raises is left out and counted.
    """
    if attributes is None:
        return {}, 0
    if longest is None and is_simple(attributes) and (most is None or len(attributes) <= most):
        return attributes.copy(), 0
    kept: dict[str, Any] = {}
    return kept, put_all(kept, attributes, most, longest)


def put_all(kept: dict[str, Any], attributes: Any, most: int | None, longest: int | None) -> int:
    """Put each of ``attributes`` into ``kept``; returns how many did not get in."""
    if longest is None and is_simple(attributes) and (most is None or len(kept) + len(attributes) <= most):
        kept.update(attributes)
        return 0
    dropped = 0
    try:
        pairs = list(attributes.items())
    except Exception:  # no mapping, or one of the user's own that raises
        return 1
    for key, value in pairs:
        dropped += put(kept, key, value, most, longest)
    return dropped


def put(kept: dict[str, Any], key: Any, value: Any, most: int | None, longest: int | None) -> int:
    """Put one attribute into ``kept``; returns 1 when it did not get in, else 0. A value of None is left out silently
    (OpenTelemetry specification, "Attribute": null is no value), and a key that is there already keeps its place."""
    if value is None:
        return 0
    try:
        name = key if type(key) is str or key in kept else _name(key)
        if not name or (name not in kept and most is not None and len(kept) >= most):
            return 1
        kept[name] = value if longest is None and type(value) in SCALARS else frozen(value, longest)
    except Exception:  # a value of the application's own may raise anything
        return 1
    return 0


def _name(key: Any) -> str:
    return str.__str__(key) if isinstance(key, str) else shown(key)


def frozen(value: Any, longest: int | None = None) -> Any:
    """``value`` as something that does not change any more: a scalar, a tuple or a dict of such."""
    if type(value) in SCALARS and longest is None:
        return value
    return _Freezer(longest).frozen(value, 0)


class _Freezer:
    """Copies one value, bounded in all directions: a cycle ends, and what refers to itself many times is no flood."""

    def __init__(self, longest: int | None) -> None:
        self._longest = longest
        self._left = _MOST_ITEMS

    def frozen(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return value if self._longest is None or len(value) <= self._longest else value[: self._longest]
        if value is None or isinstance(value, (bool, int, float, bytes)):
            return value
        for kind, freeze in _KINDS:
            if isinstance(value, kind):
                return freeze(self, value, depth) if depth < _DEEPEST else "<nested too deeply>"
        return self.frozen(shown(value), depth)

    def mapping(self, value: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in list(value.items()):
            if not self._has_room():
                break
            found[_name(key)] = self.frozen(item, depth + 1)
        return found

    def sequence(self, value: Any, depth: int) -> tuple[Any, ...]:
        found: list[Any] = []
        for item in value:
            if not self._has_room():
                break
            found.append(self.frozen(item, depth + 1))
        return tuple(found)

    def _has_room(self) -> bool:
        self._left -= 1
        return self._left >= 0


# The first row that fits. Numbers of other libraries (NumPy's, for one) are numbers here too.
_KINDS: Final[tuple[tuple[Any, Callable[[_Freezer, Any, int], Any]], ...]] = (
    ((bytearray, memoryview), lambda _freezer, value, _depth: bytes(value)),
    (Mapping, _Freezer.mapping),
    ((Sequence, AbstractSet), _Freezer.sequence),
    (numbers.Integral, lambda _freezer, value, _depth: int(value)),
    (numbers.Real, lambda _freezer, value, _depth: float(value)),
)
