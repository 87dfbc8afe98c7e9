"""What tells one series from another: the attributes of a measurement, cleaned, and a key that is equal for equal sets only.

Python says that ``1 == True == 1.0``; OTLP has three values there, and so have we. Called by `series.py` and `storage.py`.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from heliograph.recording.attributes import taken

Attributes = dict[str, Any]
Key = tuple[Any, ...]

# Values of these types equal no value of another type that OTLP tells apart from them, so that it is its own identity.
_UNMISTAKABLE: Final = frozenset({str, bytes, NoneType})
NUMBERS: Final = frozenset({bool, int, float})
_TEXT: Final = frozenset({str})

OVERFLOW: Final[Attributes] = {"otel.metric.overflow": True}  # OpenTelemetry specification, "Overflow attribute"


def cleaned(attributes: Any) -> tuple[Attributes, int]:
    """A copy of ``attributes`` that nothing can change any more, and how many of them could not be taken."""
    kept, lost = taken(attributes, None, None)
    for name, value in kept.items():
        if type(value) not in _UNMISTAKABLE and type(value) not in NUMBERS:
            kept[name] = _exact(value)
    return kept, lost


def key_of(attributes: Attributes) -> Key:
    """The same for two sets of cleaned attributes if, and only if, they name one series."""
    return tuple(sorted(((name, _identity(value)) for name, value in attributes.items()), key=_name))


def shortcut(attributes: Attributes) -> tuple[Key, tuple[type, ...] | None] | None:
    """A flat key under which the hot path may look ``attributes`` up again, and the types that it has to compare.

    None for the types when values with these types can only be equal when they are the same, and None altogether when no flat
    key is good enough: nested values and NaN are cleaned at each measurement.
    """
    types = tuple(map(type, attributes.values()))
    if not _TEXT.issuperset(map(type, attributes)):
        return None
    if _UNMISTAKABLE.issuperset(types):
        return (*attributes, *attributes.values()), None
    for value in attributes.values():
        if type(value) in NUMBERS:
            if value != value:  # noqa: PLR0124  # NaN
                return None
        elif type(value) not in _UNMISTAKABLE:
            return None
    return (*attributes, *attributes.values()), types


def _name(pair: tuple[str, Any]) -> str:
    return pair[0]


def _identity(value: Any) -> Any:
    kind = type(value)
    if kind in _UNMISTAKABLE:
        return value
    if kind in NUMBERS:
        return kind, value if value == value else "nan"  # noqa: PLR0124
    if kind is tuple:
        return tuple, tuple(map(_identity, value))
    return dict, key_of(value)


def _exact(value: Any) -> Any:
    """``value`` without what a subclass adds: an enumeration's member is the text or number that goes over the wire."""
    for kind, exact in _EXACT:
        if isinstance(value, kind):
            return exact(value)
    return value


_EXACT: Final[tuple[tuple[Any, Any], ...]] = (
    (str, str.__str__),
    (bool, bool),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, bytes.__bytes__),
    (tuple, lambda value: tuple(map(_exact, value))),
    (dict, lambda value: {str.__str__(name): _exact(item) for name, item in value.items()}),
)

OVERFLOW_KEY: Final = key_of(OVERFLOW)
