"""Nothing is lost and nothing is torn without a lock: many threads measure while others collect."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from heliograph.recording.metrics.provider import MeterProvider

THREADS = 4
TIMES = 6_000
# Their sum is exact in any order: multiples of 1/4, well below 2 ** 52.
AMOUNTS = (0.25, 3.0, 40, 7.5, 10_000.5, 0)


@pytest.fixture(autouse=True)
def _threads_switch_as_often_as_they_can() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], None], meanwhile: Callable[[], None]) -> None:
    """Run ``work`` in several threads, and ``meanwhile`` again and again in this one."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        meanwhile()
    for thread in threads:
        thread.join()


def points(reader: InMemoryMetricReader) -> list[Any]:
    data = reader.get_metrics_data()
    if data is None:
        return []
    return [point for scope in data.resource_metrics[0].scope_metrics for m in scope.metrics for point in m.data.data_points]


def cumulative() -> InMemoryMetricReader:
    return InMemoryMetricReader()


def delta() -> InMemoryMetricReader:
    kinds = (sdk.Counter, sdk.Histogram, sdk.UpDownCounter)
    return InMemoryMetricReader(preferred_temporality=dict.fromkeys(kinds, AggregationTemporality.DELTA))


def test_a_counter_counts_each_call_once_while_it_is_collected() -> None:
    reader = cumulative()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_counter("c")
    bound = counter.bind({"k": "v"})
    seen = [0]

    def work(_number: int) -> None:
        for _ in range(TIMES):
            counter.add(1, {"k": "v"})
            bound.add(2)

    def collect() -> None:
        seen.extend(point.value for point in points(reader))

    in_threads(work, collect)
    collect()
    assert seen[-1] == THREADS * TIMES * 3
    assert seen == sorted(seen)


def test_deltas_add_up_to_everything_that_was_counted_whatever_the_readers() -> None:
    ones, others, totals = delta(), delta(), cumulative()
    counter = MeterProvider([ones, others, totals], shutdown_on_exit=False).get_meter("m").create_counter("c")
    bound = counter.bind(k="0")
    sums = {ones: 0, others: 0}

    def work(number: int) -> None:
        for _ in range(TIMES):
            counter.add(1, {"k": f"{number}"})
            bound.add(1)

    def collect() -> None:
        for reader in sums:
            sums[reader] += sum(point.value for point in points(reader))

    in_threads(work, collect)
    collect()
    assert list(sums.values()) == [THREADS * TIMES * 2] * 2
    assert sum(point.value for point in points(totals)) == THREADS * TIMES * 2


@pytest.mark.parametrize("reader", [cumulative, delta])
def test_each_collected_histogram_is_consistent_and_together_they_hold_all(reader: Callable[[], Any]) -> None:
    reader = reader()
    histogram = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_histogram("h")
    bound = histogram.bind({"k": "v"})
    is_delta = reader._preferred_temporality is not None
    counts, sums = [0], [0.0]

    def work(_number: int) -> None:
        for _ in range(TIMES // len(AMOUNTS)):
            for amount in AMOUNTS:
                histogram.record(amount, {"k": "v"})
                bound.record(1)

    def collect() -> None:
        for point in points(reader):
            assert sum(point.bucket_counts) == point.count
            assert fits(point)
            counts.append(point.count)
            sums.append(point.sum)

    def fits(point: Any) -> bool:
        # Bucket counts say which amounts there are, apart from those that share one; so they say the sum within bounds.
        lowest = highest = 0.0
        for count, low, high in zip(point.bucket_counts, LOWEST, HIGHEST, strict=True):
            lowest += count * low
            highest += count * high
        return lowest <= point.sum <= highest

    in_threads(work, collect)
    collect()
    total = THREADS * TIMES * 2, THREADS * TIMES / len(AMOUNTS) * sum(AMOUNTS) + THREADS * TIMES
    assert (sum(counts), sum(sums)) == total if is_delta else (counts[-1], sums[-1]) == total


# The smallest and largest of AMOUNTS and 1 in each default bucket: ..0, ..5, ..10, ..25, ..50, up to ..10000, above.
LOWEST = (0, 0.25, 7.5, 0, 40, *[0] * 10, 10_000.5)
HIGHEST = (0, 3.0, 7.5, 0, 40, *[0] * 10, 10_000.5)


@pytest.mark.parametrize("reader", [cumulative, delta])
def test_exponential_histograms_are_consistent_while_they_rescale(reader: Callable[[], Any]) -> None:
    reader = reader()
    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation(max_size=8))
    histogram = MeterProvider([reader], views=[view], shutdown_on_exit=False).get_meter("m").create_histogram("h")
    is_delta = reader._preferred_temporality is not None
    counts, sums = [0], [0.0]

    def work(number: int) -> None:
        for position in range(TIMES // 4):
            histogram.record(2.0 ** ((position * (number + 1)) % 41 - 20), {"k": "v"})

    def collect() -> None:
        for point in points(reader):
            assert sum(point.positive.bucket_counts) == point.count
            assert len(point.positive.bucket_counts) <= 8
            counts.append(point.count)
            sums.append(point.sum)

    in_threads(work, collect)
    collect()
    expected = sum(2.0 ** ((p * (n + 1)) % 41 - 20) for n in range(THREADS) for p in range(TIMES // 4))
    total = THREADS * (TIMES // 4), expected
    assert (sum(counts), sum(sums)) == total if is_delta else (counts[-1], sums[-1]) == total


def test_beyond_the_limit_of_a_delta_reader_no_count_is_lost_when_series_come_and_go() -> None:
    limits = {sdk.Counter: 5}
    reader = InMemoryMetricReader({sdk.Counter: AggregationTemporality.DELTA}, cardinality_limits=limits)
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_counter("c")
    collected = [0]

    def work(number: int) -> None:
        for position in range(TIMES):
            counter.add(1, {"k": f"{number}-{position // 50}"})

    def collect() -> None:
        found = points(reader)
        assert len(found) <= 6
        collected.append(sum(point.value for point in found))

    in_threads(work, collect)
    collect()
    assert sum(collected) == THREADS * TIMES
