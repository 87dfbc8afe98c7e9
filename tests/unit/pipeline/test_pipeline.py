"""One signal to several destinations: they neither wait for each other nor fail each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.outcome import Rejected, Retry
from heliograph.pipeline.pipeline import Pipeline
from heliograph.pipeline.status import ExportState
from tests.support.deliveries import LATE, Gate, NoEncoder, ScriptedExporter, accept_all, make_delivery
from tests.support.waiting import until


class _RaisesInClose(ScriptedExporter):
    def close(self) -> None:
        super().close()
        if self.closed == 1:
            raise OSError("cannot close")


@contextmanager
def _pipeline(exporters: dict[str, Any], signal: Signal = Signal.TRACES, **limits: Any) -> Iterator[Pipeline[Any]]:
    deliveries = [make_delivery(signal, name, exporter, **limits) for name, exporter in exporters.items()]
    pipeline: Pipeline[Any] = Pipeline(signal, deliveries, encoder=NoEncoder())
    try:
        yield pipeline
    finally:
        pipelines.shutdown([pipeline], 0.0, SystemClock())


def test_each_destination_gets_each_item() -> None:
    exporters = {"a": ScriptedExporter(), "b": ScriptedExporter()}
    with _pipeline(exporters) as pipeline:
        accept_all(pipeline, [1, 2, 3])
        assert pipelines.flush([pipeline], 5.0, SystemClock())
        assert [exporter.delivered for exporter in exporters.values()] == [[1, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize("last", [Retry(reason="down"), Rejected(reason="no"), ValueError("broken")])
def test_a_destination_that_fails_does_not_touch_the_others(last: Any) -> None:
    good = ScriptedExporter()
    with _pipeline({"bad": ScriptedExporter(last=last), "good": good}, batch_size=1, queue_size=100, backoff=LATE) as pipeline:
        accept_all(pipeline, range(50))
        until(lambda: good.delivered == list(range(50)))
        assert pipelines.ledger([pipeline])["traces", "good"].delivered == 50


def test_a_flush_waits_for_every_destination_also_after_one_that_failed() -> None:
    slow = ScriptedExporter(lambda: time.sleep(0.2) or Rejected(reason="no"))
    exporters = {"refuses": ScriptedExporter(last=Rejected(reason="no")), "slow": slow}
    with _pipeline(exporters) as pipeline:
        pipeline.accept(1)
        assert not pipelines.flush([pipeline], 5.0, SystemClock())
        assert pipelines.ledger([pipeline])["traces", "slow"].pending == 0


def test_flushing_several_hanging_destinations_takes_one_timeout_not_several() -> None:
    gates = {name: Gate() for name in "abcd"}
    with _pipeline({name: ScriptedExporter(gate) for name, gate in gates.items()}) as pipeline:
        pipeline.accept(1)
        started_at = time.monotonic()
        assert not pipelines.flush([pipeline], 0.2, SystemClock())
        assert time.monotonic() - started_at < 0.6
        for gate in gates.values():
            gate.open()


def test_shutting_down_several_hanging_destinations_takes_one_timeout_not_several() -> None:
    gates = {name: Gate() for name in "abcdef"}
    with _pipeline({name: ScriptedExporter(gate) for name, gate in gates.items()}) as pipeline:
        pipeline.accept(1)
        started_at = time.monotonic()
        pipelines.shutdown([pipeline], 0.2, SystemClock())
        assert time.monotonic() - started_at < 0.7
        for gate in gates.values():
            gate.open()
        assert all(counts.dropped == {"shutdown": 1} for counts in pipelines.ledger([pipeline]).values())


@pytest.mark.parametrize("timeout_s", [-1.0, 0.0, 1e12, float("inf")])
def test_any_timeout_is_taken_by_flush_and_shutdown(timeout_s: float) -> None:
    with _pipeline({"a": ScriptedExporter()}) as pipeline:
        pipeline.accept(1)
        pipelines.flush([pipeline], timeout_s, SystemClock())
        pipelines.shutdown([pipeline], timeout_s, SystemClock())
        assert pipelines.ledger([pipeline])["traces", "a"].pending == 0


def test_an_exporter_that_raises_when_it_is_closed_keeps_no_other_from_closing() -> None:
    exporters = {"bad": _RaisesInClose(), "good": ScriptedExporter()}
    with _pipeline(exporters) as pipeline:
        pipeline.accept(1)
        pipelines.shutdown([pipeline], 2.0, SystemClock())
        assert (exporters["good"].delivered, exporters["good"].closed) == ([1], 1)


def test_the_ledger_names_each_signal_and_destination() -> None:
    with _pipeline({"a": ScriptedExporter()}) as traces, _pipeline({"a": ScriptedExporter()}, Signal.LOGS) as logs:
        traces.accept(1)
        counts = pipelines.ledger([traces, logs])
        assert set(counts) == {("traces", "a"), ("logs", "a")}
        assert (counts["traces", "a"].accepted, counts["logs", "a"].accepted) == (1, 0)


def test_the_status_of_a_destination_is_the_worst_of_its_signals() -> None:
    refusing = ScriptedExporter(last=Rejected(reason="HTTP 401"))
    with (
        _pipeline({"a": refusing, "b": ScriptedExporter()}) as traces,
        _pipeline({"a": ScriptedExporter()}, Signal.LOGS) as logs,
    ):
        traces.accept(1)
        logs.accept(1)
        assert not pipelines.flush([traces, logs], 5.0, SystemClock())
        until(lambda: pipelines.export_status([traces, logs])["a"].state is ExportState.FAILED)
        status = pipelines.export_status([traces, logs])
        assert (status["a"].reason, set(status["a"].counts)) == ("HTTP 401", {"traces", "logs"})
        assert status["b"].state is ExportState.HEALTHY
