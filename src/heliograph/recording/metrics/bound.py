"""Instruments with fixed attributes: what ``bind`` of a synchronous instrument returns.

A call is the arithmetic on a cell that was looked up when the instrument was bound. The cell stays in use for as long as it is
bound. Safe to use from any thread; nothing is raised into the application.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final

from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.metrics.amounts import LARGEST, LARGEST_INTEGER
from heliograph.recording.metrics.series import Parts, record

_current: Final[Callable[[], Any]] = CURRENT.get
_FLAGS: Final = 3  # the trace flags in a SpanContext, which is a tuple; its property costs a call


class Bound:
    """What the four have in common. ``to_many`` is used when a measurement goes into several cells, or into unusual ones."""

    __slots__ = ("__weakref__", "_attributes", "_cell", "_instrument", "_offer", "_parts")

    def __init__(self, instrument: Any, attributes: Any) -> None:
        self._instrument = instrument
        self._attributes = attributes
        self._cell: Any = None
        self._offer: Any = None
        self._parts: Parts = ()

    def connect(self, parts: Parts, *, is_plain: bool) -> None:
        """Record into ``parts`` from now on."""
        self._parts = parts
        if is_plain:
            ((sampling, self._cell),) = parts
            self._offer = sampling.offer
        plain, many = _CLASSES[self._instrument.kind]
        object.__setattr__(self, "__class__", plain if is_plain else many)

    def _measure(self, amount: Any) -> None:
        """The long way: for an amount that is not as usual, or several cells."""
        number = self._instrument.number(amount)
        if number is None:
            return
        try:
            record(self._parts, number, self._attributes, None)
        except OverflowError as error:  # a sum of integers that outgrew every float meets one
            self._instrument.note_lost(error)


class BoundCounter(Bound):
    """A `Counter` with fixed attributes."""

    __slots__ = ()

    def add(self, amount: float = 1) -> None:
        """Add ``amount`` >= 0."""
        kind: Any = type(amount)
        if (kind is int and 0 <= amount < LARGEST_INTEGER) or (kind is float and 0.0 <= amount <= LARGEST):
            cell = self._cell
            try:
                is_exemplary = cell.exemplar is None and (
                    SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1
                )
                cell.value += amount  # undivided (cells.py)
            except Exception:  # somebody else's span may raise, and a sum may outgrow every float
                self._measure(amount)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, self._attributes, None)
        else:
            self._measure(amount)


class BoundUpDownCounter(Bound):
    """An `UpDownCounter` with fixed attributes."""

    __slots__ = ()

    def add(self, amount: float = 1) -> None:
        """Add ``amount``, which may be negative."""
        kind: Any = type(amount)
        if (kind is int and -LARGEST_INTEGER < amount < LARGEST_INTEGER) or (kind is float and -LARGEST <= amount <= LARGEST):
            cell = self._cell
            try:
                is_exemplary = cell.exemplar is None and (
                    SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1
                )
                cell.value += amount  # undivided (cells.py)
            except Exception:  # somebody else's span may raise, and a sum may outgrow every float
                self._measure(amount)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, self._attributes, None)
        else:
            self._measure(amount)


class BoundGauge(Bound):
    """A `Gauge` with fixed attributes."""

    __slots__ = ()

    def set(self, amount: float) -> None:
        """Make ``amount`` the current value."""
        kind: Any = type(amount)
        if (kind is int and -LARGEST_INTEGER < amount < LARGEST_INTEGER) or (kind is float and -LARGEST <= amount <= LARGEST):
            cell = self._cell
            try:
                is_exemplary = cell.exemplar is None and (
                    SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1
                )
                cell.value = amount
            except Exception:  # as in BoundCounter
                self._measure(amount)
            else:
                if is_exemplary:
                    self._offer(cell, 0, amount, self._attributes, None)
        else:
            self._measure(amount)


class BoundHistogram(Bound):
    """A `Histogram` with fixed attributes."""

    __slots__ = ()

    def record(self, amount: float) -> None:
        """Record ``amount`` >= 0."""
        kind: Any = type(amount)
        if (kind is float and 0.0 <= amount <= LARGEST) or (kind is int and 0 <= amount < LARGEST_INTEGER):
            cell = self._cell
            try:
                bucket = bisect_left(cell.bounds, amount)
                is_exemplary = cell.exemplars[bucket] is None and (
                    SPAN_KEY in (now := _current()) and now[SPAN_KEY].get_span_context()[_FLAGS] & 1
                )
                total = cell.sum + amount  # undivided from here to the maximum
            except Exception:  # as in BoundCounter
                self._measure(amount)
                return
            cell.counts[bucket] += 1
            cell.sum = total
            if amount < cell.low:  # noqa: PLR1730  # min() would be a call
                cell.low = amount
            if amount > cell.high:  # noqa: PLR1730
                cell.high = amount
            if is_exemplary:
                self._offer(cell, bucket, amount, self._attributes, None)
        else:
            self._measure(amount)


class BoundCounterToMany(BoundCounter):
    """The same for several cells."""

    __slots__ = ()

    def add(self, amount: float = 1) -> None:
        self._measure(amount)


class BoundUpDownCounterToMany(BoundUpDownCounter):
    """The same for several cells."""

    __slots__ = ()

    def add(self, amount: float = 1) -> None:
        self._measure(amount)


class BoundGaugeToMany(BoundGauge):
    """The same for several cells."""

    __slots__ = ()

    def set(self, amount: float) -> None:
        self._measure(amount)


class BoundHistogramToMany(BoundHistogram):
    """The same for several cells."""

    __slots__ = ()

    def record(self, amount: float) -> None:
        self._measure(amount)


_CLASSES: Final[dict[str, tuple[type[Bound], type[Bound]]]] = {
    "counter": (BoundCounter, BoundCounterToMany),
    "up_down_counter": (BoundUpDownCounter, BoundUpDownCounterToMany),
    "gauge": (BoundGauge, BoundGaugeToMany),
    "histogram": (BoundHistogram, BoundHistogramToMany),
}
