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

# As deep as the wire goes (otlp/values.py, which also bounds the width); a cycle ends here.
_DEEPEST: Final = 16
_WIDEST: Final = 10_000


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
    if not attributes:
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
        name = key if type(key) is str else _name(key)
        if not name or (name not in kept and most is not None and len(kept) >= most):
            return 1
        kept[name] = value if longest is None and type(value) in SCALARS else frozen(value, longest)
    except Exception:  # a value of the application's own may raise anything
        return 1
    return 0


def _name(key: Any) -> str:
    return str.__str__(key) if isinstance(key, str) else shown(key)


def frozen(value: Any, longest: int | None = None, depth: int = 0) -> Any:
    """``value`` as something that does not change any more: a scalar, a tuple or a dict of such."""
    if isinstance(value, str):
        return value if longest is None or len(value) <= longest else value[:longest]
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return value
    for kind, freeze in _KINDS:
        if isinstance(value, kind):
            return freeze(value, longest, depth) if depth < _DEEPEST else "<nested too deeply>"
    return frozen(shown(value), longest)


def _frozen_mapping(value: Any, longest: int | None, depth: int) -> dict[str, Any]:
    return {_name(key): frozen(item, longest, depth + 1) for key, item in list(value.items())[:_WIDEST]}


def _frozen_sequence(value: Any, longest: int | None, depth: int) -> tuple[Any, ...]:
    found: list[Any] = []
    for item in value:
        if len(found) == _WIDEST:
            break
        found.append(frozen(item, longest, depth + 1))
    return tuple(found)


# The first row that fits. Numbers of other libraries (NumPy's, for one) are numbers here too.
_KINDS: Final[tuple[tuple[Any, Callable[[Any, int | None, int], Any]], ...]] = (
    ((bytearray, memoryview), lambda value, _longest, _depth: bytes(value)),
    (Mapping, _frozen_mapping),
    ((Sequence, AbstractSet), _frozen_sequence),
    (numbers.Integral, lambda value, _longest, _depth: int(value)),
    (numbers.Real, lambda value, _longest, _depth: float(value)),
)
