"""Finalisers and signal handlers may measure at any moment: nothing waits for itself, and nothing is lost."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from tests.unit.recording.metrics.collected import cumulative, delta, points, provider, values


@pytest.fixture(autouse=True)
def _garbage_is_collected_all_the_time() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)


class Litter:
    """Garbage in a cycle, whose finaliser measures."""

    made = 0

    def __init__(self, measure: Any) -> None:
        self.cycle = self
        self._measure = measure
        Litter.made += 1

    def __del__(self) -> None:
        self._measure()


def test_finalisers_that_measure_and_collect_lose_nothing() -> None:
    deltas, totals = delta(limit=5), cumulative(limit=5)
    meter = provider(deltas, totals).get_meter("m")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    collected: list[Any] = []
    Litter.made = 0

    def measure() -> None:
        counter.add(1, {"k": str(Litter.made % 7)})
        histogram.record(1, {"k": Litter.made % 3})

    for number in range(300):
        Litter(measure)
        counter.add(1, {"k": str(number % 11), "list": [number % 2]})
        histogram.record(1, {"k": number % 5})
        if number % 10 == 0:
            collected += points(deltas, "c")
    gc.collect()
    collected += points(deltas, "c")
    assert Litter.made == 300
    assert sum(value for _attributes, value in values(totals, "c")) == 600
    assert sum(point.value for point in collected) == 600
    assert sum(point.count for point in points(totals, "h")) == 600


class Keeping(InMemoryMetricReader):
    """Adds up what it gets, also when a collection comes in the middle of another."""

    def __init__(self, temporality: Any) -> None:
        super().__init__(temporality)
        self._values: list[int] = []

    def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        (metric,) = metrics_data.resource_metrics[0].scope_metrics[0].metrics
        self._values += [point.value for point in metric.data.data_points]

    @property
    def total(self) -> int:
        return sum(self._values)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread")
def test_a_signal_handler_that_measures_and_collects_loses_nothing() -> None:
    deltas, totals = Keeping({sdk.Counter: AggregationTemporality.DELTA}), cumulative()
    counter = provider(deltas, totals).get_meter("m").create_counter("c")
    handled = [0]

    def handle(*_arguments: Any) -> None:
        handled[0] += 1
        counter.add(1, {"k": str(handled[0] % 5), "n": [1]})
        deltas.collect()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        for number in range(5_000):
            counter.add(1, {"k": str(number % 5), "n": [1]})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    deltas.collect()
    assert handled[0] > 0
    assert deltas.total == 5_000 + handled[0]
    assert sum(value for _attributes, value in values(totals, "c")) == 5_000 + handled[0]
