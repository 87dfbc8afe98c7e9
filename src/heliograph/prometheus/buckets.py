"""Exponential histograms as classic buckets, which every version of both text formats has.

Each bucket that something fell into is shown with its exact bound, so that nothing is rounded: 2 ** (2 ** -scale * (index +
1)) above zero, mirrored below it. Source: OpenTelemetry specification, metrics data model, "ExponentialHistogram".
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from heliograph.prometheus.table import Exemplars, Exponential, Exponentials, Histograms

_LARGEST_EXPONENT: Final = 1024


def as_classic(table: Exponentials) -> Iterator[Histograms]:
    """One table a series, since each has bounds of its own."""
    created_s: Sequence[float | None] = table.created_s or [None] * len(table.labels)
    for labels, series, at_s in zip(table.labels, table.series, created_s, strict=True):
        bounds, counts = _buckets(series)
        exemplars = _placed(table.exemplars.get(labels, {}), bounds)
        yield Histograms(
            family=table.family,
            bounds=bounds,
            labels=[labels],
            counts=[counts],
            sums=[series.sum],
            created_s=[at_s] if at_s is not None else [],
            exemplars={labels: exemplars} if exemplars else {},
        )


def _buckets(series: Exponential) -> tuple[tuple[float, ...], list[int]]:
    """Ascending finite bounds, and the counts up to each and beyond the last."""
    found: dict[float, int] = {}
    for index in sorted(series.negative, reverse=True):
        # The values of a negative bucket lie from -(its upper bound) to below -(its lower bound).
        bound = -_bound(index - 1, series.scale)
        found[bound] = found.get(bound, 0) + series.negative[index]
    if series.zero_count or series.negative:
        found[0.0] = found.get(0.0, 0) + series.zero_count
    for index in sorted(series.positive):
        bound = _bound(index, series.scale)
        found[bound] = found.get(bound, 0) + series.positive[index]
    beyond = found.pop(math.inf, 0)
    return tuple(found), [*found.values(), beyond]


def _bound(index: int, scale: int) -> float:
    """The upper bound of the bucket ``index``; infinite when no float is as great."""
    exponent = (index + 1) / 2**scale if scale >= 0 else (index + 1) * 2**-scale
    return 2.0**exponent if exponent < _LARGEST_EXPONENT else math.inf


def _placed(exemplars: Exemplars, bounds: tuple[float, ...]) -> Exemplars:
    placed: Exemplars = {}
    for one in exemplars.values():
        place = bisect_left(bounds, one.value)
        if place not in placed or placed[place].at_s <= one.at_s:
            placed[place] = one
    return placed
