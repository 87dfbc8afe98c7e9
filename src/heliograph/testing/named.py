"""What was recorded, as a list that is also asked by name. Spans, events and logs are such lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, overload


class HasName(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=HasName)


class Named(Sequence[T], Generic[T]):
    """A list of what there was when it was asked for, in the order in which it came. ``["name"]`` is the one of that name."""

    noun: ClassVar = "item"

    def __init__(self, items: Sequence[T]) -> None:
        self._items = tuple(items)

    @property
    def names(self) -> list[str]:
        """The name of each."""
        return [item.name for item in self._items]

    def named(self, name: str) -> Self:
        """Those of that name."""
        return type(self)([item for item in self._items if item.name == name])

    def lines(self) -> list[str]:
        """What is shown of it, a line each."""
        return [str(item) for item in self._items]

    @overload
    def __getitem__(self, key: int | str) -> T: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return type(self)(self._items[key])
        if not isinstance(key, str):
            return self._items[key]
        __tracebackhide__ = True  # pytest shows the line of the test
        found = self.named(key)
        if len(found) != 1:
            hint = f"; take one of named({key!r})" if found else ""
            raise LookupError(f"{len(found) or 'no'} {self.noun}s are named {key!r}, expected one{hint}. {self.shown()}")
        return found[0]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        """Whether there is one of that name, or this one."""
        return item in self.names if isinstance(item, str) else item in self._items

    def __eq__(self, other: object) -> bool:
        return list(self._items) == list(other) if isinstance(other, (Named, list, tuple)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return self.shown()

    def shown(self) -> str:
        """All of it, for people."""
        lines = self.lines()
        return "\n".join([f"Recorded {self.noun}s:", *(f"  {line}" for line in lines)]) if lines else f"No {self.noun}s."
