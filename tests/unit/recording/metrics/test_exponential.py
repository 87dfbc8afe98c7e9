"""Exponential histograms count every number there is, rescale when they must, and never break a collection."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from heliograph.recording.metrics.exponential import ExponentialCell, dense, index_of
from tests.unit.recording.metrics.collected import cumulative, delta, points, provider

SMALLEST_SUBNORMAL = 5e-324
AMOUNTS = st.one_of(
    st.floats(min_value=0, max_value=sys.float_info.max, allow_subnormal=True),
    st.integers(min_value=0, max_value=2**63),
    st.sampled_from([0.0, SMALLEST_SUBNORMAL, sys.float_info.min, sys.float_info.max, 1.0, 2.0, 4.0, 0.5]),
)


def cell(max_size: int = 160, max_scale: int = 20) -> ExponentialCell:
    return ExponentialCell((), {}, 0, max_size, max_scale, (None,))


def view(**options: Any) -> View:
    return View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation(**options))


@given(st.floats(min_value=sys.float_info.min * 2, max_value=sys.float_info.max), st.integers(-10, 4))
def test_a_number_lies_within_the_bounds_of_its_bucket(number: float, scale: int) -> None:
    # Exact: base ** index < number <= base ** (index + 1), all of it to the power of 2 ** scale.
    index, exact, power = index_of(number, scale), Fraction(number), 2 ** max(scale, 0)
    lowest, highest = (index, index + 1) if scale >= 0 else (index << -scale, (index + 1) << -scale)
    assume_not_on_the_edge = 1 + Fraction(1, 10**12)  # a logarithm is rounded
    assert Fraction(2) ** lowest <= (exact * assume_not_on_the_edge) ** power
    assert (exact / assume_not_on_the_edge) ** power <= Fraction(2) ** highest


@given(st.lists(AMOUNTS, max_size=60), st.sampled_from([2, 3, 10, 160]), st.integers(-10, 20))
def test_nothing_is_lost_and_the_buckets_always_fit(amounts: list[float], size: int, scale: int) -> None:
    under_test = cell(size, scale)
    for amount in amounts:
        under_test.measure(amount)
    found = under_test.read()
    assert found.count == len(amounts)
    assert found.zero_count == sum(amount == 0 for amount in amounts)
    assert len(dense(found.positive)[1]) <= size
    if amounts:
        assert (found.low, found.high) == (min(amounts), max(amounts))
        # As if all had been counted at this scale from the start, but for the rounding of a logarithm.
        at_once = sorted(index_of(amount, found.scale) for amount in amounts if amount)
        counted = sorted(index for index, count in found.positive.items() for _ in range(count))
        assert all(abs(a - b) <= 1 for a, b in zip(at_once, counted, strict=True))


def test_negative_values_have_buckets_of_their_own() -> None:
    under_test = cell()
    for amount in (-1.5, -1.5, 2, 0):
        under_test.measure(amount)
    found = under_test.read()
    assert (sum(found.negative.values()), sum(found.positive.values()), found.zero_count, found.low) == (2, 1, 1, -1.5)


@settings(deadline=None)  # the SDK takes its time
@given(st.lists(st.one_of(st.just(None), AMOUNTS.filter(bool)), min_size=1, max_size=40), st.sampled_from([2, 4, 160]))
def test_the_same_comes_out_as_of_the_sdk(steps: list[float | None], size: int) -> None:
    """None is a collection. Zeros are left out: an interval of zeros alone makes the SDK take the coarse scale 0 for ever."""
    for make in (cumulative, delta):
        found: list[list[Any]] = []
        sums: list[list[float]] = []
        for kind in (SdkMeterProvider, provider):
            reader = make()
            options: dict[str, Any] = {"views": [view(max_size=size)], "shutdown_on_exit": False}
            of = provider(reader, views=options["views"]) if kind is provider else SdkMeterProvider([reader], **options)
            histogram = of.get_meter("m").create_histogram("h")
            collected: list[Any] = []
            for step in (*steps, None):
                if step is None:
                    collected += points(reader, "h")
                else:
                    histogram.record(step)
            found.append([_plain(point) for point in collected])
            sums.append([point.sum for point in collected])
        assert found[0] == found[1]
        assert sums[0] == pytest.approx(sums[1], rel=1e-12)  # the SDK adds up the sums of intervals


def _plain(point: Any) -> tuple[Any, ...]:
    counts = list(point.positive.bucket_counts)
    while counts and counts[-1] == 0:  # the SDK shows the places that it keeps in reserve
        counts.pop()
    return point.scale, point.positive.offset, counts, point.zero_count, point.count, point.min, point.max


def test_an_interval_of_zeros_costs_no_resolution() -> None:
    reader = cumulative()
    histogram = provider(reader, views=[view()]).get_meter("m").create_histogram("h")
    histogram.record(0)
    assert (points(reader, "h")[0].scale, points(reader, "h")[0].zero_count) == (0, 1)
    histogram.record(8)
    assert (points(reader, "h")[0].scale, points(reader, "h")[0].zero_count) == (20, 1)


def test_a_delta_begins_at_the_finest_scale_again() -> None:
    reader = delta()
    histogram = provider(reader, views=[view(max_size=4)]).get_meter("m").create_histogram("h")
    for amount in (1e-9, 1e9):
        histogram.record(amount)
    assert points(reader, "h")[0].scale < 0
    histogram.record(3)
    assert points(reader, "h")[0].scale == 20


@pytest.mark.parametrize("amount", [math.nan, math.inf, -1])
def test_what_the_sdk_ignores_is_ignored(amount: float) -> None:
    reader = cumulative()
    provider(reader, views=[view()]).get_meter("m").create_histogram("h").record(amount)
    assert points(reader, "h") == []


def test_a_scale_that_does_not_exist_gives_way_to_the_finest() -> None:
    reader = cumulative()
    provider(reader, views=[view(max_scale=30)]).get_meter("m").create_histogram("h").record(3)
    assert points(reader, "h")[0].count == 1
