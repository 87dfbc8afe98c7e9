"""A property that is computed once an object, without a lock.

Python 3.11's ``functools.cached_property`` has one lock for all objects of a class, which a forked child may find held by a
thread that it does not have. Two threads may both compute here; the value of the later one stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  # it is written like `property`
    """Decorates a method without arguments; the object needs a ``__dict__``, which has the value from then on."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> T | Self:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
