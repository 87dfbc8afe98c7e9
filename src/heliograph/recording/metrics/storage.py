"""The cells of one metric stream, by attributes, up to a limit.

There is one storage for each way in which an instrument's measurements are kept: readers that ask for cumulative values share
one, each reader that asks for deltas has its own. Called by `series.py` under its lock, by `observables.py` and, at a
collection, by `points.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from time import time_ns
from typing import Final

from heliograph.recording.metrics.aggregation import Aggregation
from heliograph.recording.metrics.cells import Cell, HistogramCell, LastValueCell, ObservedCell, SumCell
from heliograph.recording.metrics.exemplars import Sampling
from heliograph.recording.metrics.exponential import ExponentialCell
from heliograph.recording.metrics.identity import OVERFLOW, OVERFLOW_KEY, Attributes, Key, key_of
from heliograph.recording.metrics.views import Stream

_EXPONENTIAL_EXEMPLARS: Final = 20


class Storage:
    """The series of one stream. Not locked itself; a measurement goes straight to a cell."""

    def __init__(
        self, stream: Stream, aggregation: Aggregation, *, sampling: Sampling, limit: int, is_delta: bool, is_observed: bool
    ) -> None:
        self.stream = stream
        self.aggregation = aggregation
        self.sampling = sampling
        self.limit = limit
        self.is_delta = is_delta
        self.is_observed = is_observed
        self.collected_at_ns = 0
        self._cells: dict[Key, Cell] = {}
        self._overflow: Cell | None = None
        self._is_full = False
        self._found = 0
        self._new_cell = self._maker()

    def cell(self, attributes: Attributes, forget: Callable[[], None]) -> Cell:
        """The cell for ``attributes``, which are cleaned; the one for the overflow when there are too many others.

        ``forget`` makes everyone who found a cell before ask here again.
        """
        self._found += 1
        attributes = self.stream.filtered(attributes)
        key = key_of(attributes)
        found = self._cells.get(key)
        if found is not None:
            return found
        if key == OVERFLOW_KEY or not self._has_room(forget):
            return self._overflow_cell()
        return self._cells.setdefault(key, self._new_cell(key, attributes, time_ns()))

    def known_cell(self, attributes: Attributes) -> Cell | None:
        """The cell for ``attributes`` if there is one."""
        key = key_of(self.stream.filtered(attributes))
        return self._overflow if key == OVERFLOW_KEY else self._cells.get(key)

    def touched(self) -> list[Cell]:
        """The cells that something was recorded into."""
        cells = list(self._cells.values())
        if self._overflow is not None:
            cells.append(self._overflow)
        if self.aggregation.kind in ("sum", "last_value"):
            return [cell for cell in cells if cell.value is not False]  # is_touched, without a call for each of many cells
        return [cell for cell in cells if cell.is_touched]

    def begin_observing(self) -> None:
        """Before the callbacks of a collection: what they do not report again is not shown."""
        # A delta goes on from what was reported before, however long ago.
        is_forgetful = self.aggregation.kind == "last_value" or not self.is_delta
        for key, cell in list(self._cells.items()):
            if is_forgetful and not cell.is_touched:
                del self._cells[key]
            cell.take()
        if self._overflow is not None:
            self._overflow.take()

    def end_collection(self, now_ns: int, forget: Callable[[], None]) -> None:
        """After a collection: what was folded into the overflow for want of room may find some in the next interval."""
        self.collected_at_ns = now_ns
        self._is_full = False
        if self.is_delta and self._overflow is not None and not self.is_observed:
            forget()

    def remove(self, attributes: Attributes, forget: Callable[[], None]) -> None:
        """Show the series no more until it is measured again."""
        cell = self.known_cell(attributes)
        if cell is not None:
            cell.clear(time_ns())
            key = cell.key
            del cell  # or it would be held
            forget()
            self._drop_unused([key])
            self._is_full = False

    def restart(self, forget: Callable[[], None]) -> None:
        """Forget everything; cells that somebody holds (a bound instrument does) stay in use."""
        now_ns = time_ns()
        self.collected_at_ns = 0
        self._is_full = False
        for cell in (*self._cells.values(), *filter(None, (self._overflow,))):
            cell.clear(now_ns)
            self.sampling.collect(cell, now_ns)
            cell.kept = None
            del cell  # or the last one would be held
        forget()
        self._drop_unused(list(self._cells))

    def _has_room(self, forget: Callable[[], None]) -> bool:
        if len(self._cells) < self.limit:
            return True
        if not self._is_full and not self.is_observed:
            forget()
            self._drop_unused([key for key, cell in list(self._cells.items()) if not cell.is_touched])
        self._is_full = len(self._cells) >= self.limit
        return not self._is_full

    def _drop_unused(self, keys: Iterable[Key]) -> None:
        """Drop the cells of ``keys`` that hold nothing and that nobody else holds: no thread that is about to measure, no
        bound instrument. Whoever comes in between here asks `cell` (the hot path was made to forget), and is counted."""
        for key in keys:
            cell = self._cells.get(key)
            found = self._found
            # In this order: whom nobody holds changes no more, unless `cell` handed it out.
            is_unused = cell is not None and sys.getrefcount(cell) <= _UNHELD and not cell.is_touched
            if is_unused and self._found == found:
                del self._cells[key]

    def _overflow_cell(self) -> Cell:
        if self._overflow is None:
            self._overflow = self._new_cell(OVERFLOW_KEY, dict(OVERFLOW), time_ns())
        return self._overflow

    def _maker(self) -> Callable[[Key, Attributes, int], Cell]:
        aggregation, wanted = self.aggregation, self.sampling.wanted
        if aggregation.kind == "explicit":
            bounds, places = aggregation.bounds, (wanted,) * (len(aggregation.bounds) + 1)
            return lambda key, attributes, now_ns: HistogramCell(key, attributes, now_ns, bounds, places)
        if aggregation.kind == "exponential":
            size, scale = aggregation.max_size, aggregation.max_scale
            some = (wanted,) * min(_EXPONENTIAL_EXEMPLARS, size)
            return lambda key, attributes, now_ns: ExponentialCell(key, attributes, now_ns, size, scale, some)
        kind = LastValueCell if aggregation.kind == "last_value" else ObservedCell if self.is_observed else SumCell
        return lambda key, attributes, now_ns: kind(key, attributes, now_ns, wanted)


def _references_of_an_unheld_cell() -> int:
    """What `sys.getrefcount` says in `_drop_unused` of a cell that only the storage holds; versions of Python differ."""
    cells = {(): SumCell((), {}, 0, None)}
    cell = cells.get(())
    return sys.getrefcount(cell)


_UNHELD: Final = _references_of_an_unheld_cell()
