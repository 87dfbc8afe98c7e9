"""What a delivery says of itself: state, reason, and lines in the application's log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.outcome import Delivered, Rejected, Retry
from heliograph.pipeline.status import ExportState
from tests.support.deliveries import LATE, Gate, ScriptedExporter, accept_all, delivering, flush
from tests.support.waiting import until


def test_a_delivery_is_healthy_before_and_after_a_success() -> None:
    with delivering(ScriptedExporter()) as delivery:
        assert delivery.status().state is ExportState.HEALTHY
        delivery.accept(1)
        assert flush(delivery)
        status = delivery.status()
        assert (status.state, status.reason) == (ExportState.HEALTHY, None)
        assert status.counts["traces"].delivered == 1


def test_an_outage_shows_as_degraded_with_its_reason_until_it_is_over() -> None:
    exporter = ScriptedExporter(Retry(reason="nobody listens"))
    with delivering(exporter, backoff=LATE, batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: delivery.status().state is ExportState.DEGRADED)
        assert delivery.status().reason == "nobody listens"
        assert delivery.status().counts["traces"].pending == 1
        assert flush(delivery)
        until(lambda: delivery.status().state is ExportState.HEALTHY)
        assert delivery.status().reason is None


def test_a_refused_batch_shows_as_failed_until_one_is_taken() -> None:
    with delivering(ScriptedExporter(Rejected(reason="HTTP 401"))) as delivery:
        delivery.accept(1)
        assert not flush(delivery)
        until(lambda: delivery.status().state is ExportState.FAILED)
        assert delivery.status().reason == "HTTP 401"
        delivery.accept(2)
        assert flush(delivery)
        until(lambda: delivery.status().state is ExportState.HEALTHY)


def test_a_partly_refused_batch_shows_as_degraded() -> None:
    with delivering(ScriptedExporter(Delivered(rejected=1, reason="partial success: too old"))) as delivery:
        accept_all(delivery, [1, 2])
        assert not flush(delivery)
        until(lambda: delivery.status().reason == "partial success: too old")
        assert delivery.status().state is ExportState.DEGRADED


def test_a_full_queue_shows_as_degraded_until_a_batch_leaves_with_nothing_dropped_meanwhile() -> None:
    first, second = gates = Gate(), Gate()
    with delivering(ScriptedExporter(*gates), batch_size=1, queue_size=1) as delivery:
        delivery.accept("first")
        first.entered.wait(5)
        accept_all(delivery, ["second", "dropped"])
        first.open()
        second.entered.wait(5)
        status = delivery.status()
        assert (status.state, status.reason) == (ExportState.DEGRADED, "dropping: the queue is full")
        second.open()
        until(lambda: delivery.status().state is ExportState.HEALTHY)


def test_a_queue_that_overflows_again_and_again_is_named_once_in_the_reason() -> None:
    gates = [Gate() for _ in range(5)]
    with delivering(ScriptedExporter(*gates), batch_size=1, queue_size=1) as delivery:
        delivery.accept("in flight")
        for gate in gates[:-1]:
            gate.entered.wait(5)
            accept_all(delivery, ["next", "dropped"])
            gate.open()
        gates[-1].entered.wait(5)
        reason = delivery.status().reason
        gates[-1].open()
        assert reason == "dropping: the queue is full"


def test_a_destination_that_takes_batches_again_is_not_failed_any_more_although_its_queue_overflows() -> None:
    first, second, third = gates = Gate(Rejected(reason="HTTP 401")), Gate(), Gate()
    with delivering(ScriptedExporter(*gates), batch_size=1, queue_size=1) as delivery:
        delivery.accept("refused")
        first.entered.wait(5)
        accept_all(delivery, ["second"])
        first.open()
        second.entered.wait(5)
        assert delivery.status().state is ExportState.FAILED
        accept_all(delivery, ["third", "dropped"])
        second.open()
        third.entered.wait(5)
        status = delivery.status()
        third.open()
        assert (status.state, status.reason) == (ExportState.DEGRADED, "dropping: the queue is full")


def test_the_log_says_what_is_wrong_what_it_costs_and_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="heliograph.delivery")
    with delivering(ScriptedExporter(Rejected(reason="HTTP 403")), destination="tower") as delivery:
        accept_all(delivery, [1, 2])
        flush(delivery)
        delivery.accept(3)
        assert flush(delivery)
        until(lambda: len(caplog.records) == 2)
    assert [record.getMessage() for record in caplog.records] == [
        "export to tower (traces): HTTP 403; 2 items dropped",
        "export to tower (traces) works again",
    ]


@pytest.mark.parametrize(
    "step",
    [
        lambda number: Delivered(rejected=1, reason=f"partial success: item {number} is bad"),
        lambda number: ValueError(f"cannot take item {number}"),
    ],
)
def test_a_cause_whose_text_differs_each_time_is_still_said_about_once_a_minute(
    step: Callable[[int], Any], caplog: pytest.LogCaptureFixture
) -> None:
    exporter = ScriptedExporter(*[step(number) for number in range(100)])
    with delivering(exporter, batch_size=1, queue_size=100, clock=ManualClock()) as delivery:
        accept_all(delivery, range(100))
        until(lambda: delivery.counts().pending == 0)
    assert len(caplog.records) <= 3


def test_text_that_a_receiver_chose_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    reason = "partial success: bad\n2030-01-01 INFO all is well\x1b[2J"
    with delivering(ScriptedExporter(Delivered(rejected=1, reason=reason))) as delivery:
        delivery.accept(1)
        assert not flush(delivery)
        until(lambda: caplog.records)
    assert caplog.records[0].getMessage().isprintable()
