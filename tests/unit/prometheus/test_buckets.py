"""Exponential histograms as classic buckets: exact bounds on both sides of zero, nothing lost at the ends of the floats."""

from __future__ import annotations

import math

from heliograph.prometheus.buckets import as_classic
from heliograph.prometheus.table import Exemplar, Exponential, Exponentials, Family, Histograms

FAMILY = Family(name="h", kind="histogram")


def classic(series: Exponential, **more: object) -> Histograms:
    (found,) = as_classic(Exponentials(family=FAMILY, labels=[""], series=[series], **more))  # type: ignore[arg-type]
    return found


def exponential(**given: object) -> Exponential:
    empty = {"scale": 0, "zero_count": 0, "positive": {}, "negative": {}, "sum": 0.0}
    return Exponential(**{**empty, **given})  # type: ignore[arg-type]


def test_buckets_end_at_powers_of_the_base() -> None:
    # At scale 0 the bucket of index i holds (2 ** i, 2 ** (i + 1)].
    found = classic(exponential(positive={0: 3, 2: 1, -1: 2}, sum=9.0))
    assert (found.bounds, found.counts, found.sums) == ((1.0, 2.0, 8.0), [[2, 3, 1, 0]], [9.0])


def test_finer_and_coarser_scales_have_other_bases() -> None:
    assert classic(exponential(scale=1, positive={1: 1, 2: 1})).bounds == (2.0, 2.0**1.5)
    assert classic(exponential(scale=-1, positive={0: 1, 1: 1})).bounds == (4.0, 16.0)


def test_below_zero_the_bounds_are_mirrored_and_zero_has_its_own() -> None:
    # [-4, -2) and [-2, -1) below zero; a bound holds what is at most as great.
    found = classic(exponential(negative={1: 1, 0: 2}, zero_count=4, positive={0: 8}))
    assert (found.bounds, found.counts) == ((-2.0, -1.0, 0.0, 2.0), [[1, 2, 4, 8, 0]])


def test_what_is_greater_than_every_float_bound_is_beyond_the_last() -> None:
    found = classic(exponential(positive={1023: 2, 5: 1}))
    assert (found.bounds, found.counts) == ((64.0,), [[1, 2]])


def test_an_empty_histogram_has_one_empty_bucket() -> None:
    assert (classic(exponential()).bounds, classic(exponential()).counts) == ((), [[0]])


def test_exemplars_stand_in_the_bucket_of_their_value_the_newest_in_each() -> None:
    given = {0: Exemplar("{a}", 1.5, 1.0), 1: Exemplar("{b}", 1.75, 2.0), 2: Exemplar("{c}", math.inf, 3.0)}
    found = classic(exponential(positive={0: 3}), exemplars={"": given})
    assert found.exemplars == {"": {0: Exemplar("{b}", 1.75, 2.0), 1: Exemplar("{c}", math.inf, 3.0)}}
