"""Row "exporter/hook/check raises anything, hangs": the worker lives, the others get 100%."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heliograph import CallableHealthCheck, TelemetryManager
from heliograph.pipeline.ledger import LedgerCounts
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import How, Step
from tests.support.processes import get
from tests.support.waiting import until

Start = Callable[..., TelemetryManager]
SOON = {"export_interval": "50ms"}


def record(telemetry: TelemetryManager, count: int = 500) -> None:
    for number in range(count):
        with telemetry.span("work", n=str(number)):
            telemetry.event("work", n=str(number))


def at_least_in_memory(telemetry: TelemetryManager, count: int = 500) -> None:
    for signal in ("traces", "logs"):
        memory: Any = telemetry.exporter(signal, "memory")
        until(lambda memory=memory: len(memory.items()) == count)


def is_balanced(counts: LedgerCounts) -> bool:
    return counts.accepted == counts.delivered + sum(counts.dropped.values()) + counts.pending


def beside_memory(*others: Any) -> dict[str, Any]:
    section = {"exporters": [*others, "memory"], "batch_export": SOON}
    return {"tracing": section, "logs": section, "delivery": {"shutdown_timeout": "1s"}}


@pytest.mark.parametrize("how", ["hang", "unread", "drip", "reset", "lost_answer", "huge"])
def test_a_collector_that_misbehaves_takes_nothing_from_the_destination_beside_it(
    how: How, start: Start, oracle: Oracle
) -> None:
    oracle.will(then=Step(how=how))
    telemetry = start(**beside_memory({"type": "otlp", "endpoint": oracle.url, "timeout": "500ms"}))
    record(telemetry)
    at_least_in_memory(telemetry)
    before = time.monotonic()
    report = telemetry.shutdown()
    assert time.monotonic() - before < 1.5
    for (_signal, destination), counts in report.ledger.items():
        assert is_balanced(counts)
        if destination == "memory":
            assert (counts.delivered, dict(counts.dropped)) == (counts.accepted, {})


@pytest.mark.parametrize("place", ["/dev/full", "/proc/none/file"])
def test_a_file_that_cannot_be_written_takes_nothing_from_the_destination_beside_it(place: str, start: Start) -> None:
    telemetry = start(**beside_memory({"type": "file", "path": place}))
    record(telemetry)
    at_least_in_memory(telemetry)
    report = telemetry.shutdown()
    for signal in ("traces", "logs"):
        broken = report.ledger[signal, "file"]
        assert (broken.accepted, broken.delivered, sum(broken.dropped.values())) == (500, 0, 500)


def test_a_console_that_is_gone_takes_nothing_from_the_destination_beside_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    telemetry = start(**beside_memory("console"))
    record(telemetry)
    at_least_in_memory(telemetry)
    report = telemetry.shutdown()
    assert all(is_balanced(counts) for counts in report.ledger.values())


class RaisedError(BaseException):
    """What nobody expects."""


ANYTHING = [ValueError, SystemExit, RaisedError]


def raising(kind: type[BaseException]) -> Callable[..., Any]:
    def hook(*_arguments: Any) -> Any:
        raise kind("of a hook")

    return hook


@pytest.fixture
def hanging() -> Iterator[Callable[..., Any]]:
    """A hook that returns when the test is over."""
    is_over = threading.Event()

    def hook(*_arguments: Any) -> Any:
        is_over.wait(10)
        return []

    yield hook
    is_over.set()


@pytest.mark.parametrize("kind", ANYTHING)
def test_a_metric_callback_that_raises_anything_leaves_all_other_metrics_and_signals_alone(
    kind: type[BaseException], start: Start, oracle: Oracle
) -> None:
    otlp = {"type": "otlp", "endpoint": oracle.url}
    metrics = {"exporters": ["prometheus", otlp], "collection_interval": "100ms"}
    telemetry = start(**beside_memory(otlp), metrics=metrics)
    telemetry.meter.create_observable_gauge("broken", [raising(kind)])
    telemetry.counter("whole").add(3)
    record(telemetry)
    at_least_in_memory(telemetry)
    status, body = get(f"{telemetry.endpoint_url}/metrics")
    assert status == 200
    assert b"whole_total" in body
    until(lambda: "whole" in oracle.received("metrics"))
    assert telemetry.force_flush()
    assert oracle.unique() == 500


def test_a_metric_callback_that_hangs_leaves_traces_logs_and_the_shutdown_alone(
    start: Start, oracle: Oracle, hanging: Callable[..., Any]
) -> None:
    otlp = {"type": "otlp", "endpoint": oracle.url}
    metrics = {"exporters": ["prometheus", otlp], "collection_interval": "100ms"}
    telemetry = start(**beside_memory(otlp), metrics=metrics)
    telemetry.meter.create_observable_gauge("stuck", [hanging])
    record(telemetry)
    at_least_in_memory(telemetry)
    until(lambda: oracle.unique("logs") == oracle.unique() == 500)
    before = time.monotonic()
    telemetry.shutdown()
    assert time.monotonic() - before < 1.5


@pytest.mark.parametrize("way", [*ANYTHING, "hangs"])
def test_a_health_check_that_fails_in_any_way_leaves_its_siblings_and_the_signals_alone(
    way: Any, start: Start, oracle: Oracle, hanging: Callable[..., Any]
) -> None:
    health = {"default_timeout": "200ms", "check_interval": "100ms", "cache_ttl": "50ms"}
    telemetry = start(**beside_memory({"type": "otlp", "endpoint": oracle.url}), health=health)

    class Check:
        name = "broken"
        check = staticmethod(hanging if way == "hangs" else raising(way))

    telemetry.health.add_check(Check(), critical=False)
    telemetry.health.add_check(CallableHealthCheck("fine", lambda: True))
    record(telemetry)
    at_least_in_memory(telemetry)
    by_name = {name: result.status.value for name, result in telemetry.health.check_all().checks.items()}
    assert by_name["fine"] == "healthy"
    assert by_name["broken"] != "healthy"
    before = time.monotonic()
    telemetry.shutdown()
    assert time.monotonic() - before < 1.5
    assert oracle.unique() == oracle.unique("logs") == 500


def test_a_log_handler_that_raises_stops_no_delivery(start: Start, oracle: Oracle) -> None:
    class Broken(logging.Handler):
        calls = 0

        def emit(self, _record: logging.LogRecord) -> None:
            Broken.calls += 1
            raise OSError("disk full")

    handler, logger = Broken(), logging.getLogger("heliograph")
    logger.addHandler(handler)
    try:
        oracle.will(Step(status=503))
        telemetry = start(**beside_memory({"type": "otlp", "endpoint": oracle.url}))
        record(telemetry)
        at_least_in_memory(telemetry)
        until(lambda: oracle.unique() == oracle.unique("logs") == 500)
    finally:
        logger.removeHandler(handler)
    assert Broken.calls > 0
