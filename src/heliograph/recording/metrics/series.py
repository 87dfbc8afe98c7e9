"""Where the measurements of one instrument go: its storages, and shortcuts from attributes as they are given to cells.

The hot path (`instruments.py`) looks only at the shortcuts. What it does not find there comes here, is cleaned and filtered,
and leaves a shortcut behind if its attributes allow one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from heliograph.locks import recording_lock
from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.metrics.cells import Cell, Number
from heliograph.recording.metrics.declared import Declaration
from heliograph.recording.metrics.exemplars import Sampling
from heliograph.recording.metrics.identity import NUMBERS, cleaned, shortcut
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.mishaps import Mishaps

_current: Final[Callable[[], Any]] = CURRENT.get

# How one measurement is recorded: into each of these cells.
Part = tuple[Sampling, Cell]
Parts = tuple[Part, ...]

# The same attributes may come in any order and with keys that a view takes away; this many times the limit are remembered.
_SHORTCUTS_PER_SERIES: Final = 4


class ByType:
    """What a shortcut leads to when Python holds other attributes for equal: one entry for each tuple of their types."""

    __slots__ = ("_entries", "by_type")

    def __init__(self) -> None:
        self._entries: dict[tuple[type, ...], Any] = {}
        self.by_type: Callable[[Any], Any]  # the entry for attributes, None when there is none

    def put(self, given: dict[str, Any], types: tuple[type, ...], entry: Any) -> None:
        """Lead to ``entry`` for attributes with values of these ``types``."""
        self._entries[types] = entry
        numbers = [name for name, kind in zip(given, types, strict=True) if kind in NUMBERS]
        # No methods of this object: a cycle would hold cells that nobody needs any more.
        if len(numbers) == 1 and len(self._entries) == 1:
            self.by_type = _by_one_type(numbers[0], type(given[numbers[0]]), entry, self._entries)
        else:
            self.by_type = _by_types(self._entries)


def _by_one_type(name: str, wanted: type, entry: Any, entries: dict[tuple[type, ...], Any]) -> Callable[[Any], Any]:
    """The usual case, a status code or a port: the type of the one number says it."""

    def find(attributes: Any) -> Any:
        if type(attributes[name]) is wanted:
            return entry
        return entries.get(tuple(map(type, attributes.values())))

    return find


def _by_types(entries: dict[tuple[type, ...], Any]) -> Callable[[Any], Any]:
    return lambda attributes: entries.get(tuple(map(type, attributes.values())))


class Fan:
    """What a shortcut leads to when a measurement goes into several cells, or not into a plain one."""

    __slots__ = ("by_type", "parts")

    def __init__(self, parts: Parts) -> None:
        self.by_type = None
        self.parts = parts


class Guard:
    """The lock of all series of a provider, which is that of everything that records (locks.py). Nothing is logged, and
    nothing of the application's is called, while it is held."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = recording_lock()

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self.lock = recording_lock()


class Series:
    """The series of one instrument. ``cells`` and ``fans`` are for the hot path, which reads them without a lock."""

    def __init__(self, guard: Guard, mishaps: Mishaps, declaration: Declaration | None = None) -> None:
        self._mishaps = mishaps
        self._declaration = declaration
        self.guard = guard
        self._most_shortcuts = 0
        self.storages: tuple[Storage, ...] = ()
        self.is_plain = False
        self.cells: dict[Any, Any] = {}
        self.fans: dict[Any, Any] = {}

    def arrange(self, storages: Iterable[Storage], *, is_plain: bool) -> None:
        """Record into ``storages`` from now on; ``is_plain`` when it is one, whose cells the hot path knows how to fill."""
        with self.guard.lock:
            self.forget()
            self.storages = tuple(storages)
            self.is_plain = is_plain
            self._most_shortcuts = _SHORTCUTS_PER_SERIES * sum(storage.limit for storage in self.storages)

    def parts(self, attributes: Any) -> Parts:
        """Where a measurement with ``attributes`` goes; leaves a shortcut."""
        given = (attributes.copy() if type(attributes) is dict else attributes) if attributes else {}
        kept, lost = cleaned(given)
        if lost:
            self._mishaps.note("metric attributes", f"{lost} of {len(kept) + lost} could not be taken")
        with self.guard.lock:
            if self._declaration is not None:
                self._declaration.look(kept, self.storages)
            parts = tuple((storage.sampling, storage.cell(kept, self.forget)) for storage in self.storages)
            if type(given) is dict:
                self._remember(given, parts)
        return parts

    def say(self) -> None:
        """Log what there is to say of attributes that `parts` was given; to be called without the lock."""
        if self._declaration is not None:
            self._declaration.say()

    def remove(self, attributes: Any) -> None:
        """Show the series of ``attributes`` no more until it is measured again."""
        kept, _lost = cleaned(attributes)
        with self.guard.lock:
            for storage in self.storages:
                storage.remove(kept, self.forget)

    def forget(self) -> None:
        """Make the hot path ask again."""
        self.cells.clear()
        self.fans.clear()

    def restart(self) -> None:
        """Begin anew."""
        for storage in self.storages:
            storage.restart(self.forget)

    def _remember(self, given: dict[Any, Any], parts: Parts) -> None:
        found = shortcut(given)
        if found is None:
            return
        key, types = found
        shortcuts = self.cells if self.is_plain else self.fans
        if len(shortcuts) >= self._most_shortcuts:
            shortcuts.clear()
        entry = parts[0][1] if self.is_plain else Fan(parts)
        if types is None:
            shortcuts[key] = entry
        else:
            by_type = shortcuts.get(key) or ByType()
            by_type.put(given, types, entry)
            shortcuts[key] = by_type


def is_in_sampled_span() -> bool:
    """Whether a measurement made now can become an exemplar, as far as spans are concerned."""
    context = _current()
    try:
        return SPAN_KEY in context and bool(context[SPAN_KEY].get_span_context().trace_flags & 1)
    except Exception:  # somebody else's span may raise anything; the measurement counts without it
        return False


def record(parts: Parts, amount: Number, attributes: Any, context: Any) -> None:
    """Record one measurement, whose amount is an int or a float, into each of its cells."""
    is_in_span = context is not None or is_in_sampled_span()
    for sampling, cell in parts:
        bucket = cell.measure(amount)
        if (is_in_span or not sampling.is_trace_based) and cell.wants_exemplar(bucket):
            sampling.offer(cell, bucket, amount, attributes, context)
