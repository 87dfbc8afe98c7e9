"""The collector reads all rows together, at most once an interval, and what cannot be read hides nothing else."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.catalog.metric import Metric
from heliograph.clock import ManualClock
from heliograph.system.collector import SystemCollector
from heliograph.system.probe import Probe, Reading
from heliograph.system.table import DURATION, FAILURES, ROWS, Row


class _Counted:
    """A row's function that gives how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, probe: Probe) -> Iterator[Reading]:
        self.calls += 1
        yield self.calls, {"part": "all"}


def _row(name: str, read: Callable[[Probe], Iterable[Reading]]) -> Row:
    return Row(Metric(name=name, kind="gauge", unit="1", description=f"About {name}."), read)


def _raising(error: Exception, *before: Reading) -> Callable[[Probe], Iterator[Reading]]:
    def read(probe: Probe) -> Iterator[Reading]:
        yield from before
        raise error

    return read


@contextmanager
def _reading(collector: SystemCollector, readers: int = 1) -> Iterator[list[InMemoryMetricReader]]:
    found = [InMemoryMetricReader() for _ in range(readers)]
    provider = MeterProvider(metric_readers=found)
    collector.register(provider.get_meter("test"))
    yield found
    collector.close()
    provider.shutdown()


def _metrics(reader: InMemoryMetricReader) -> dict[str, Any]:
    return {metric.name: metric for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}


def _values(reader: InMemoryMetricReader) -> dict[str, list[float]]:
    data = reader.get_metrics_data()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics if data and data.resource_metrics else []
    return {
        metric.name: [point.value for point in metric.data.data_points]
        for metric in metrics
        if not metric.name.startswith("heliograph.")
    }


# What cannot be read here, at once, or ever: the machine has no swap or no disk of its own, or the cgroup no limit.
_MAY_BE_MISSING = (
    "system.cpu.utilization",
    "system.disk.",
    "system.network.",
    "system.paging.utilization",
    "container.",
    "asyncio.",
)


def test_every_row_becomes_a_metric_with_its_unit_and_description() -> None:
    with _reading(SystemCollector(15, ManualClock())) as (reader,):
        found = {name: (metric.unit, metric.description) for name, metric in _metrics(reader).items()}
    expected = {row.metric.name: (row.metric.unit, row.metric.description) for row in ROWS}
    missing = set(expected) - set(found)
    assert {name for name in missing if not name.startswith(_MAY_BE_MISSING)} <= {"process.cpu.utilization"}  # no time passed
    assert found.items() >= {name: row for name, row in expected.items() if name not in missing}.items()


def test_counters_are_monotonic_and_the_rest_is_not() -> None:
    with _reading(SystemCollector(15)) as (reader,):
        metrics = _metrics(reader)
    kinds = {row.metric.name: row.metric.kind for row in ROWS}
    is_monotonic = {name: metric.data.is_monotonic for name, metric in metrics.items() if hasattr(metric.data, "is_monotonic")}
    assert {name: is_monotonic[name] for name in is_monotonic if name in kinds} == {
        name: kinds[name] == "counter" for name in is_monotonic if name in kinds
    }
    assert is_monotonic["process.cpu.time"] is True
    assert is_monotonic["process.memory.usage"] is False


def test_the_rows_of_one_collection_share_what_they_read() -> None:
    seen: list[Any] = []

    def remember(probe: Probe) -> Iterator[Reading]:
        seen.append(probe.reads.memory)
        yield 1, {}

    clock = ManualClock()
    with _reading(SystemCollector(15, clock, [_row("a", remember), _row("b", remember)])) as (reader,):
        _values(reader)
        clock.advance(15)
        _values(reader)
    first, second, third, fourth = seen
    assert first is second
    assert third is fourth
    assert first is not third


def test_without_an_interval_one_collection_still_reads_each_row_once() -> None:
    clock, one, other = ManualClock(), _Counted(), _Counted()
    with _reading(SystemCollector(0, clock, [_row("one", one), _row("other", other)])) as (reader,):
        for _collection in range(3):
            _values(reader)
            clock.advance(1)
    assert (one.calls, other.calls) == (3, 3)


def test_one_reading_that_cannot_be_had_costs_only_itself_and_is_counted() -> None:
    def read(probe: Probe) -> Iterator[Reading]:
        yield 1, {"part": "first"}
        yield None, {"part": "second"}
        yield 3, {"part": "third"}

    collector = SystemCollector(15, ManualClock(), [_row("x", read)])
    with _reading(collector) as (reader,):
        assert _values(reader) == {"x": [1, 3]}
    assert collector.failures() == {"x": 1}


def test_failures_are_a_metric_by_name() -> None:
    rows = [_row("denied", _raising(psutil.AccessDenied(1))), _row("fine", _Counted())]
    clock = ManualClock()
    with _reading(SystemCollector(15, clock, rows)) as (reader,):
        _values(reader)
        clock.advance(15)
        (point,) = _metrics(reader)[FAILURES.name].data.data_points
    assert (point.value, dict(point.attributes)) == (2, {"metric": "denied"})


def test_the_cost_of_a_collection_is_a_metric() -> None:
    def burn(probe: Probe) -> Iterator[Reading]:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        yield 1, {}

    def wait(probe: Probe) -> Iterator[Reading]:
        time.sleep(0.2)
        yield 1, {}

    with _reading(SystemCollector(15, ManualClock(), [_row("burn", burn), _row("wait", wait)])) as (reader,):
        (point,) = _metrics(reader)[DURATION.name].data.data_points
    assert 0.05 <= point.value < 0.15  # CPU time: who waits costs nothing


def test_soon_after_a_reading_every_reader_gets_the_same_one() -> None:
    clock, counted = ManualClock(), _Counted()
    with _reading(SystemCollector(15, clock, [_row("x", counted)]), readers=3) as readers:
        assert [_values(reader) for reader in readers] == [{"x": [1]}] * 3
        clock.advance(0.9)
        assert [_values(reader) for reader in readers] == [{"x": [1]}] * 3
        clock.advance(0.1)  # the first one may have come before there was anything to take a share of
        assert [_values(reader) for reader in readers] == [{"x": [2]}] * 3
        clock.advance(13.4)
        assert [_values(reader) for reader in readers] == [{"x": [2]}] * 3
        clock.advance(0.1)  # a scraper with the same interval may come a little early
        assert [_values(reader) for reader in readers] == [{"x": [3]}] * 3
    assert counted.calls == 3


@pytest.mark.parametrize(
    "error",
    [
        psutil.AccessDenied(1),
        psutil.NoSuchProcess(1),
        psutil.ZombieProcess(1),
        PermissionError(13, "no"),
        NotImplementedError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_row_that_cannot_be_read_is_left_out_and_counted(error: Exception) -> None:
    collector = SystemCollector(15, ManualClock(), [_row("denied", _raising(error)), _row("fine", _Counted())])
    with _reading(collector) as (reader,):
        assert _values(reader) == {"fine": [1]}
    assert collector.failures() == {"denied": 1}


@pytest.mark.parametrize("error", [ValueError("odd line in /proc"), IndexError(), KeyError("cpu")], ids=repr)
def test_a_row_whose_source_is_in_an_odd_form_is_left_out_and_counted_too(error: Exception) -> None:
    collector = SystemCollector(15, ManualClock(), [_row("odd", _raising(error)), _row("fine", _Counted())])
    with _reading(collector) as (reader,):
        assert _values(reader) == {"fine": [1]}
    assert collector.failures() == {"odd": 1}


def test_a_row_that_fails_half_way_shows_no_half() -> None:
    row = _row("half", _raising(psutil.AccessDenied(1), (1.0, {"part": "first"})))
    with _reading(SystemCollector(15, ManualClock(), [row, _row("fine", _Counted())])) as (reader,):
        assert _values(reader) == {"fine": [1]}


def test_a_row_that_cannot_be_read_is_tried_at_most_once_an_interval() -> None:
    clock = ManualClock()
    collector = SystemCollector(15, clock, [_row("denied", _raising(psutil.AccessDenied(1)))])
    with _reading(collector, readers=3) as readers:
        for reader in readers:
            _values(reader)
        assert collector.failures() == {"denied": 1}
        clock.advance(15)
        for reader in readers:
            _values(reader)
    assert collector.failures() == {"denied": 2}


def test_a_row_that_fails_later_does_not_go_on_showing_its_last_value() -> None:
    clock = ManualClock()
    answers: list[object] = [(1.0, {}), psutil.AccessDenied(1), (3.0, {})]

    def read(probe: Probe) -> Iterator[Reading]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield answer  # type: ignore[misc]

    with _reading(SystemCollector(15, clock, [_row("x", read)])) as (reader,):
        seen = []
        for _interval in range(3):
            seen.append(_values(reader).get("x", []))
            clock.advance(15)
    assert seen == [[1], [], [3]]


def test_many_collections_at_once_read_a_row_once() -> None:
    counted = _Counted()
    with _reading(SystemCollector(15, ManualClock(), [_row("x", counted)]), readers=4) as readers:
        threads = [threading.Thread(target=_values, args=(reader,)) for reader in readers for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counted.calls == 1


def test_a_forked_child_forgets_the_parents_readings_and_failures() -> None:
    clock, counted = ManualClock(), _Counted()
    collector = SystemCollector(15, clock, [_row("x", counted), _row("denied", _raising(psutil.AccessDenied(1)))])
    with _reading(collector) as (reader,):
        _values(reader)
        collector.after_fork_in_child()
        assert collector.failures() == {}
        assert _values(reader)["x"] == [2]


def test_a_child_counts_only_its_own_garbage_collections() -> None:
    clock = ManualClock()
    collector = SystemCollector(15, clock, [row for row in ROWS if row.metric.name.startswith("cpython.gc.")])
    with _reading(collector) as (reader,):
        gc.collect()
        before = _values(reader)
        collector.after_fork_in_child()
        gc.collect()
        after = _values(reader)
    oldest = 2
    assert before["cpython.gc.collections"][oldest] >= 1
    assert after["cpython.gc.collections"][oldest] == 1
    assert 0 < after["cpython.gc.pause_time"][oldest] < before["cpython.gc.pause_time"][oldest] + 1


def test_a_closed_collector_times_no_garbage_collections() -> None:
    collector = SystemCollector(15)
    before = len(gc.callbacks)
    with _reading(collector):
        assert len(gc.callbacks) == before + 1
        collector.after_fork_in_child()
        assert len(gc.callbacks) == before + 1
    assert len(gc.callbacks) == before


def test_a_collector_without_the_pauses_registers_no_callback() -> None:
    before = len(gc.callbacks)
    with _reading(SystemCollector(15, rows=[_row("x", _Counted())])):
        assert len(gc.callbacks) == before


def test_the_lag_of_a_loop_is_measured_when_it_is_selected() -> None:
    async def run(collector: SystemCollector) -> None:
        collector.watch_event_loop()
        collector.watch_event_loop()
        await asyncio.sleep(0.6)

    collector = SystemCollector(15)
    with _reading(collector) as (reader,):
        asyncio.run(run(collector))
        (point,) = _metrics(reader)["asyncio.event_loop.lag"].data.data_points
        assert point.count == 1
        assert 0 <= point.sum < 0.5


def test_no_loop_or_no_such_metric_is_no_reason_to_raise() -> None:
    collector = SystemCollector(15)
    with _reading(collector):
        collector.watch_event_loop()
    without = SystemCollector(15, rows=[_row("x", _Counted())])
    with _reading(without) as (reader,):
        asyncio.run(_watched(without))
        assert set(_metrics(reader)) == {"x", DURATION.name}


async def _watched(collector: SystemCollector) -> None:
    collector.watch_event_loop()
    await asyncio.sleep(0.55)
