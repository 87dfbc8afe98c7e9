"""Cells of exponential histograms: buckets whose bounds are powers of 2 ** (2 ** -scale).

The scale begins at the finest one and is made coarser when the values would need more than ``max_size`` buckets. Rescaling
sets the buckets so far aside, as a layer that nobody changes any more, and begins new ones, in one undivided step (cells.py):
no measurement waits and none is lost. Whoever reads folds the layers together.

Source: OpenTelemetry specification, "Base2 Exponential Bucket Histogram Aggregation"; data model, "ExponentialHistogram".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from math import floor, frexp, inf, ldexp, log
from typing import Any, Final

Number = int | float
Buckets = dict[int, int]

_SMALLEST_NORMAL: Final = sys.float_info.min
_SMALLEST_EXPONENT: Final = -1022
_LARGEST_EXPONENT: Final = 1023
# At the coarsest scale two buckets hold all numbers of one sign, so no scale is ever coarser.
COARSEST_SCALE: Final = -10
FINEST_SCALE: Final = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an exponential cell held at one moment; ``positive`` and ``negative`` are counts by index at ``scale``."""

    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    sum: Number
    low: Number
    high: Number

    @property
    def count(self) -> int:
        return self.zero_count + sum(self.positive.values()) + sum(self.negative.values())


# What was recorded before a rescaling: (the layer before, scale, positive, negative).
_Layer = tuple[Any, int, Buckets, Buckets]


class ExponentialCell:
    """One series of an exponential histogram."""

    __slots__ = (
        "attributes",
        "by_type",
        "exemplars",
        "high",
        "kept",
        "key",
        "label_text",
        "low",
        "max_scale",
        "max_size",
        "measured",
        "negative",
        "older",
        "positive",
        "scale",
        "started_at_ns",
        "sum",
        "zero_count",
    )

    def __init__(
        self,
        key: tuple[Any, ...],
        attributes: dict[str, Any],
        started_at_ns: int,
        max_size: int,
        max_scale: int,
        exemplars: tuple[Any, ...],
    ) -> None:
        self.key = key
        self.attributes = attributes
        self.started_at_ns = started_at_ns
        self.max_size = max_size
        self.max_scale = max_scale
        self.exemplars: Any = exemplars  # the first so many of an interval, whatever their bucket
        self.kept: Any = None
        self.by_type: Any = None
        self.label_text: Any = None
        self.measured = 0  # how often, more or less: it says which place an exemplar gets
        self.scale = max_scale
        self.older: _Layer | None = None
        self.positive: Buckets = {}
        self.negative: Buckets = {}
        self.zero_count = 0
        self.sum: Number = False
        self.low: Number = inf
        self.high: Number = -inf

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
        """Take in ``amount``, finite and of any sign; returns the place of its exemplar."""
        if amount == 0:
            total = self.sum + amount  # undivided from here
            self.zero_count += 1
            self.sum = total
            if amount < self.low:  # noqa: PLR1730  # min() would be a call
                self.low = amount
            if amount > self.high:  # noqa: PLR1730
                self.high = amount
        else:
            while not self._put(amount, self.scale):
                pass
        self.measured += 1
        return self.measured % len(self.exemplars)

    def _put(self, amount: Number, scale: int) -> bool:
        """Count ``amount`` at ``scale``; False when the cell has another scale by now, or had no such bucket yet."""
        index = index_of(abs(amount), scale)
        if self.scale != scale:  # undivided from here
            return False
        buckets = self.positive if amount > 0 else self.negative
        if index in buckets:
            total = self.sum + amount
            buckets[index] += 1
            self.sum = total
            if amount < self.low:  # noqa: PLR1730  # min() would be a call
                self.low = amount
            if amount > self.high:  # noqa: PLR1730
                self.high = amount
            return True
        self._make_room(buckets, index, scale, is_positive=amount > 0)
        return False

    def _make_room(self, buckets: Buckets, index: int, scale: int, *, is_positive: bool) -> None:
        """Begin the bucket ``index``, or make the scale coarser when that would be one too many."""
        older = self.older  # undivided from here: of one moment with the scale
        if self.scale != scale:
            return
        lowest, highest = _extent([index, *buckets], older, scale, is_positive=is_positive)
        change = steps_to_fit(lowest, highest, self.max_size)
        if change:
            self._coarsen(scale, change)
        elif self.scale == scale and index not in buckets:
            buckets[index] = 0

    def _coarsen(self, scale: int, change: int) -> None:
        positive: Buckets = {}
        negative: Buckets = {}
        layer = (self.older, scale, self.positive, self.negative)
        # Undivided from here. Somebody else may have rescaled while the layer was made; then it is not set aside twice.
        if self.positive is layer[2] and self.older is layer[0] and self.scale == scale:
            self.older = layer
            self.scale = scale - change
            self.positive = positive
            self.negative = negative

    def read(self) -> Snapshot:
        """Everything recorded, as of one moment."""
        positive: Buckets = {}
        negative: Buckets = {}
        positive |= self.positive  # undivided from here
        negative |= self.negative
        older = self.older
        scale = self.scale
        zero_count = self.zero_count
        total = self.sum
        low = self.low
        high = self.high
        return self._folded(older, Snapshot(scale, zero_count, positive, negative, total, low, high))

    def take(self) -> Snapshot:
        """As `read`, since the last time."""
        empty: Buckets = {}
        empty_too: Buckets = {}
        positive = self.positive  # undivided from here
        negative = self.negative
        older = self.older
        scale = self.scale
        zero_count = self.zero_count
        total = self.sum
        low = self.low
        high = self.high
        self.positive = empty
        self.negative = empty_too
        self.older = None
        self.scale = self.max_scale
        self.zero_count = 0
        self.sum = False
        self.low = inf
        self.high = -inf
        return self._folded(older, Snapshot(scale, zero_count, positive, negative, total, low, high))

    def clear(self, started_at_ns: int) -> None:
        """Forget what was recorded."""
        self.take()
        self.started_at_ns = started_at_ns

    def _folded(self, older: _Layer | None, newest: Snapshot) -> Snapshot:
        scale, positive, negative = newest.scale, newest.positive, newest.negative
        while older is not None:
            older, layer_scale, layer_positive, layer_negative = older
            _add(positive, layer_positive, layer_scale - scale)
            _add(negative, layer_negative, layer_scale - scale)
        # Two threads may have begun the two outermost buckets at once; what is handed out fits.
        change = max(steps_to_fit(min(side), max(side), self.max_size) if side else 0 for side in (positive, negative))
        if change:
            positive, negative = _add({}, positive, change), _add({}, negative, change)
        return replace(
            newest,
            scale=scale - change if positive or negative else 0,
            positive=_counted(positive),
            negative=_counted(negative),
        )


def index_of(magnitude: Number, scale: int) -> int:
    """The index of the bucket (base ** index, base ** (index + 1)] that ``magnitude`` > 0 falls into at ``scale``."""
    if magnitude <= _SMALLEST_NORMAL:
        # Subnormal numbers share the bucket that ends at the smallest normal one.
        return (_SMALLEST_EXPONENT << scale) - 1 if scale > 0 else (_SMALLEST_EXPONENT - 1) >> -scale
    mantissa, exponent = frexp(magnitude)
    is_power_of_two = mantissa == 0.5
    if scale <= 0:
        return (exponent - 1 - is_power_of_two) >> -scale
    if is_power_of_two:
        return ((exponent - 1) << scale) - 1
    return min(floor(log(magnitude) * ldexp(1 / log(2), scale)), ((_LARGEST_EXPONENT + 1) << scale) - 1)


def steps_to_fit(lowest: int, highest: int, max_size: int) -> int:
    """By how much the scale has to go down for the indices from ``lowest`` to ``highest`` to be ``max_size`` at most."""
    steps = 0
    while (highest >> steps) - (lowest >> steps) >= max_size:
        steps += 1
    return steps


def dense(buckets: Buckets) -> tuple[int, list[int]]:
    """Offset and counts, as OTLP has them."""
    if not buckets:
        return 0, []
    lowest, highest = min(buckets), max(buckets)
    counts = [0] * (highest - lowest + 1)
    for index, count in buckets.items():
        counts[index - lowest] = count
    return lowest, counts


def _extent(indices: list[int], older: _Layer | None, scale: int, *, is_positive: bool) -> tuple[int, int]:
    lowest, highest = min(indices), max(indices)
    while older is not None:
        older, layer_scale, positive, negative = older
        side = positive if is_positive else negative
        if side:
            lowest = min(lowest, min(side) >> (layer_scale - scale))
            highest = max(highest, max(side) >> (layer_scale - scale))
    return lowest, highest


def _add(buckets: Buckets, more: Buckets, change: int) -> Buckets:
    for index, count in more.items():
        buckets[index >> change] = buckets.get(index >> change, 0) + count
    return buckets


def _counted(buckets: Buckets) -> Buckets:
    """Without the buckets that were begun and not counted into."""
    return {index: count for index, count in buckets.items() if count}
