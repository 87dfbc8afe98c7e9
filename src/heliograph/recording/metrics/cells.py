"""Cells: one aggregated series each. What a measurement does to them is a few bytecodes without a lock.

Under the GIL of CPython another thread, a signal handler or a finaliser can come between two bytecodes only at a call, at a
jump backwards or (3.11) where an object is made that the garbage collector tracks. So a measurement reads, adds and writes
without any of these in between, and so do ``read`` and ``take``; each such stretch is marked "undivided" here and in
`instruments.py`. tests/unit/recording/metrics/test_threads.py holds it to that.

A cell that nothing was recorded into yet is told by a value of ``False``, which adds up like 0 and becomes an int or a float
with the first measurement.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import Any

Number = int | float


class NumberCell:
    """A sum or a last value."""

    __slots__ = ("attributes", "by_type", "exemplar", "kept", "key", "label_text", "started_at_ns", "value")

    def __init__(self, key: tuple[Any, ...], attributes: dict[str, Any], started_at_ns: int, exemplar: Any) -> None:
        self.key = key
        self.attributes = attributes
        self.started_at_ns = started_at_ns
        self.value: Number = False
        # An exemplar of this interval; None while one is wanted, ``()`` when none ever is.
        self.exemplar: Any = exemplar
        self.kept: Any = None  # what was collected last (exemplars.py)
        self.by_type: Any = None  # a cell is found directly (shortcuts.py)
        self.label_text: Any = None  # the exposition's own: rendered labels

    @property
    def is_touched(self) -> bool:
        """Whether anything was recorded."""
        return self.value is not False

    def wants_exemplar(self, bucket: int) -> bool:
        return self.exemplar is None

    def put_exemplar(self, bucket: int, exemplar: Any) -> None:
        self.exemplar = exemplar

    def measure(self, amount: Number) -> int:
        """Take in ``amount``; returns the bucket it fell into."""
        raise NotImplementedError

    def take(self) -> Number:
        """What was recorded since the last time; ``False`` for nothing."""
        value = self.value  # undivided from here
        self.value = False
        return value

    def clear(self, started_at_ns: int) -> None:
        """Forget what was recorded."""
        self.take()
        self.started_at_ns = started_at_ns


class SumCell(NumberCell):
    """A sum."""

    __slots__ = ()

    def measure(self, amount: Number) -> int:
        self.value += amount
        return 0


class LastValueCell(NumberCell):
    """A last value."""

    __slots__ = ()

    def measure(self, amount: Number) -> int:
        self.value = amount
        return 0


class ObservedCell(SumCell):
    """A total that callbacks report; ``previous`` is what was reported before, for delta temporality."""

    __slots__ = ("previous",)

    def __init__(self, key: tuple[Any, ...], attributes: dict[str, Any], started_at_ns: int, exemplar: Any) -> None:
        super().__init__(key, attributes, started_at_ns, exemplar)
        self.previous: Number = 0

    def clear(self, started_at_ns: int) -> None:
        super().clear(started_at_ns)
        self.previous = 0


class HistogramCell:
    """Counts in buckets with explicit bounds."""

    __slots__ = (
        "attributes",
        "bounds",
        "by_type",
        "counts",
        "exemplars",
        "high",
        "kept",
        "key",
        "label_text",
        "low",
        "started_at_ns",
        "sum",
    )

    def __init__(
        self,
        key: tuple[Any, ...],
        attributes: dict[str, Any],
        started_at_ns: int,
        bounds: tuple[float, ...],
        exemplars: tuple[Any, ...],
    ) -> None:
        self.key = key
        self.attributes = attributes
        self.started_at_ns = started_at_ns
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum: Number = False
        self.low: Number = inf
        self.high: Number = -inf
        # By bucket, as NumberCell.exemplar; a tuple that all cells share until there is one.
        self.exemplars: Any = exemplars
        self.kept: Any = None
        self.by_type: Any = None
        self.label_text: Any = None

    @property
    def is_touched(self) -> bool:
        """Whether anything was recorded."""
        return self.sum is not False

    def wants_exemplar(self, bucket: int) -> bool:
        return self.exemplars[bucket] is None

    def put_exemplar(self, bucket: int, exemplar: Any) -> None:
        if type(self.exemplars) is tuple:
            self.exemplars = list(self.exemplars)
        self.exemplars[bucket] = exemplar

    def measure(self, amount: Number) -> int:
        """Take in ``amount``; returns the bucket it fell into."""
        bucket = bisect_left(self.bounds, amount)
        total = self.sum + amount  # undivided from here
        self.counts[bucket] += 1
        self.sum = total
        if amount < self.low:  # noqa: PLR1730  # min() would be a call
            self.low = amount
        if amount > self.high:  # noqa: PLR1730
            self.high = amount
        return bucket

    def read(self) -> tuple[list[int], Number, Number, Number]:
        """Counts by bucket, sum, minimum and maximum, of one moment."""
        counts = self.counts[:]  # undivided from here; the new list is made before it is filled
        total = self.sum
        low = self.low
        high = self.high
        return counts, total, low, high

    def take(self) -> tuple[list[int], Number, Number, Number]:
        """As `read`, since the last time."""
        empty = [0] * (len(self.bounds) + 1)
        counts = self.counts  # undivided from here
        total = self.sum
        low = self.low
        high = self.high
        self.counts = empty
        self.sum = False
        self.low = inf
        self.high = -inf
        return counts, total, low, high

    def clear(self, started_at_ns: int) -> None:
        """Forget what was recorded."""
        self.take()
        self.started_at_ns = started_at_ns


Cell = Any  # one of the above or an ExponentialCell; they share `measure`, `take`, `clear` and the exemplar methods
