"""The collector reads each row at most once an interval, and one row that cannot be read hides no other."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.clock import ManualClock
from heliograph.system.collector import SystemCollector
from heliograph.system.probe import Probe, Reading
from heliograph.system.table import ROWS, Row


class _Counted:
    """A row's function that gives how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, probe: Probe) -> Iterator[Reading]:
        self.calls += 1
        yield self.calls, {"part": "all"}


def _row(name: str, read: Callable[[Probe], Iterable[Reading]]) -> Row:
    return Row(name, "gauge", "1", f"About {name}.", read)


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
    provider.shutdown()


def _values(reader: InMemoryMetricReader) -> dict[str, list[float]]:
    data = reader.get_metrics_data()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics if data and data.resource_metrics else []
    return {metric.name: [point.value for point in metric.data.data_points] for metric in metrics}


def test_every_row_becomes_a_metric_with_its_unit_and_description() -> None:
    clock = ManualClock()
    with _reading(SystemCollector(15, clock)) as (reader,):
        metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    found = {metric.name: (metric.unit, metric.description) for metric in metrics}
    expected = {row.name: (row.unit, row.description) for row in ROWS}
    missing = set(expected) - set(found)
    assert missing <= {"system.cpu.utilization", "system.disk.io", "system.network.io"}  # too early; or nothing moved yet
    assert found == {name: row for name, row in expected.items() if name not in missing}


def test_counters_are_monotonic_and_the_rest_is_not() -> None:
    with _reading(SystemCollector(15)) as (reader,):
        metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    is_monotonic = {metric.name: metric.data.is_monotonic for metric in metrics if hasattr(metric.data, "is_monotonic")}
    assert is_monotonic == {row.name: row.kind == "counter" for row in ROWS if row.name in is_monotonic}
    assert is_monotonic["process.cpu.time"] is True
    assert is_monotonic["process.memory.usage"] is False


def test_within_an_interval_every_reader_gets_the_same_reading() -> None:
    clock, counted = ManualClock(), _Counted()
    with _reading(SystemCollector(15, clock, [_row("x", counted)]), readers=3) as readers:
        assert [_values(reader) for reader in readers] == [{"x": [1]}] * 3
        clock.advance(14.9)
        assert [_values(reader) for reader in readers] == [{"x": [1]}] * 3
        clock.advance(0.1)
        assert [_values(reader) for reader in readers] == [{"x": [2]}] * 3
    assert counted.calls == 2


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
