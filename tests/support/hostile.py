"""Values that nobody can encode as they are, and objects that raise or lie whatever they are asked."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import MagicMock, Mock


class HostileError(Exception):
    """What the objects below raise."""


class RaisesAlways:
    """Nothing can be asked of it."""

    def _refuse(self, *_arguments: Any) -> Any:
        raise HostileError

    __str__ = __repr__ = __hash__ = __eq__ = __bool__ = __len__ = __iter__ = __int__ = __index__ = __float__ = _refuse


class RaisingMapping(Mapping[str, Any]):
    """Claims to hold something and raises for all else."""

    def __getitem__(self, key: str) -> Any:
        raise HostileError

    def __iter__(self) -> Iterator[str]:
        raise HostileError

    def __len__(self) -> int:
        return 1

    def items(self) -> Any:
        raise HostileError


class RaisingSequence(Sequence[Any]):
    """Claims to hold something and raises for all else."""

    def __getitem__(self, index: Any) -> Any:
        raise HostileError

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Any]:
        yield 1
        raise HostileError


class BadText(str):
    """A str whose methods all raise."""

    __slots__ = ()

    def _refuse(self, *_arguments: Any) -> Any:
        raise HostileError

    __str__ = __repr__ = __len__ = __format__ = encode = _refuse
    __hash__ = str.__hash__


class BadNumber(int):
    """An int that cannot be compared, shown or turned into another."""

    def _refuse(self, *_arguments: Any) -> Any:
        raise HostileError

    __str__ = __repr__ = __int__ = __index__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __format__ = _refuse
    __hash__ = int.__hash__


class BadDict(dict[Any, Any]):
    """A dict that cannot be walked."""

    def items(self) -> Any:
        raise HostileError


class Colour(str, enum.Enum):  # noqa: UP042 - a StrEnum's str() is its own text, the older form's is not
    """A str whose ``str()`` is another text than its own, as enumerations of attribute keys have it."""

    RED = "red"


class PretendsToBe:
    """Says of itself that it is another class, as a mock with a spec does."""

    def __init__(self, pretended: type) -> None:
        self._pretended = pretended

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return self._pretended


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    return value


def cyclic_list() -> list[Any]:
    """A list that holds itself."""
    value: list[Any] = [1]
    value.append(value)
    return value


def cyclic_dict() -> dict[str, Any]:
    """A dict that holds itself."""
    value: dict[str, Any] = {"one": 1}
    value["self"] = value
    return value


# Each makes a value that OTLP cannot carry as it is.
BEYOND_REPAIR: Mapping[str, Callable[[], Any]] = {
    "an object": object,
    "raises always": RaisesAlways,
    "a class": lambda: RaisesAlways,
    "raising mapping": RaisingMapping,
    "raising sequence": RaisingSequence,
    "raising dict": lambda: BadDict(one=1),
    "int subclass that raises": lambda: BadNumber(7),
    "cyclic list": cyclic_list,
    "cyclic dict": cyclic_dict,
    "deep": lambda: nested(40),
    "very deep": lambda: nested(5000),
    "lone surrogate": lambda: "\ud800",
    "surrogate in a list": lambda: ["ok", "\udfff"],
    "surrogate key": lambda: {"\ud800": 1},
    "key that raises": lambda: {RaisesWhenShown(): 1},
    "2**63": lambda: 2**63,
    "below -2**63": lambda: -(2**63) - 1,
    "an int of 40,000 digits": lambda: 10**40_000,
    "huge int in a dict": lambda: {"n": 2**64},
    "1 MB": lambda: "x" * 2**20,
    "1 MB of bytes": lambda: b"x" * 2**20,
    "wide": lambda: [0] * 20_000,
    "complex": lambda: 1 + 2j,
    "pretends to be a str": lambda: PretendsToBe(str),
    "pretends to be an int": lambda: PretendsToBe(int),
    "pretends to be a float": lambda: PretendsToBe(float),
    "pretends to be bytes": lambda: PretendsToBe(bytes),
    "pretends to be a list": lambda: PretendsToBe(list),
    "pretends to be a dict": lambda: PretendsToBe(dict),
    "mock of a str": lambda: Mock(spec=str),
    "mock of an int": lambda: Mock(spec=int),
    "mock of a float": lambda: Mock(spec=float),
    "magic mock of a str": lambda: MagicMock(spec=str),
    "mock": Mock,
}
# Odd, but OTLP can carry them: nothing needs repair.
ODD_BUT_SOUND: Mapping[str, Callable[[], Any]] = {
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-0.0": lambda: -0.0,
    "str subclass that raises": lambda: BadText("text"),
    "str enumeration": lambda: Colour.RED,
    "empty list": list,
    "empty dict": dict,
    "nul": lambda: "\x00",
    "bytearray": lambda: bytearray(b"x"),
    "memoryview": lambda: memoryview(b"x"),
    "set": lambda: {1},
    "range": lambda: range(3),
}
HOSTILE: Mapping[str, Callable[[], Any]] = {
    **BEYOND_REPAIR,
    **ODD_BUT_SOUND,
    "pretends to be a bool": lambda: PretendsToBe(bool),
    "magic mock of a list": lambda: MagicMock(spec=list),
}


class RaisesWhenShown:
    """Can be a key, and nothing more."""

    def __str__(self) -> str:
        raise HostileError

    __repr__ = __str__


def what_fails(make: Callable[[Any], Any], check: Callable[[Callable[[], Any]], None]) -> dict[str, str]:
    """The hostile values that ``check`` fails for when ``make`` has put them where they can stand, each with what was raised.

    A value that the SDK's own classes refuse is none of ours.
    """
    failed: dict[str, str] = {}
    for name, make_value in HOSTILE.items():
        value = make_value()
        try:
            make(value)
        except Exception:  # refused before it comes to us
            continue
        try:
            check(lambda value=value: make(value))  # type: ignore[misc]
        except Exception as error:  # whatever it is, it is told
            failed[name] = f"{type(error).__name__}: {error}"
    return failed
