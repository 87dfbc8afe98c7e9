"""Flush: true only if everything accepted before it was delivered in time."""

from __future__ import annotations

import threading
import time

import pytest

from heliograph.pipeline.outcome import Delivered, Rejected, Retry
from tests.support.deliveries import LATE, Gate, ScriptedExporter, accept_all, delivering, dropped, flush
from tests.support.waiting import until


def test_a_flush_sends_what_waits_without_waiting_for_a_full_batch() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter) as delivery:
        accept_all(delivery, [1, 2])
        assert flush(delivery)
        assert exporter.delivered == [1, 2]


def test_a_flush_of_nothing_is_true_at_once() -> None:
    with delivering(ScriptedExporter()) as delivery:
        assert flush(delivery, 0.0)
        delivery.accept(1)
        assert flush(delivery)
        assert flush(delivery, 0.0)


@pytest.mark.parametrize(
    "exporter",
    [
        ScriptedExporter(last=Rejected(reason="HTTP 400")),
        ScriptedExporter(last=Delivered(rejected=1, reason="partial success")),
        ScriptedExporter(unencodable=1),
        ScriptedExporter(last=ValueError("broken")),
    ],
    ids=["rejected", "partly rejected", "unencodable", "raises"],
)
def test_a_flush_is_false_when_an_item_is_lost_during_it(exporter: ScriptedExporter) -> None:
    with delivering(exporter) as delivery:
        accept_all(delivery, [1, 2])
        assert not flush(delivery)


def test_a_flush_is_false_when_an_item_was_refused_before_it() -> None:
    with delivering(ScriptedExporter(Rejected(reason="HTTP 400")), batch_size=1) as delivery:
        delivery.accept("refused long before the flush")
        until(lambda: dropped(delivery))
        assert not flush(delivery)


def test_a_flush_is_false_when_an_item_found_the_queue_full_before_it() -> None:
    with delivering(ScriptedExporter(), queue_size=2) as delivery:
        accept_all(delivery, [1, 2, "dropped"])
        assert not flush(delivery)


def test_a_flush_says_nothing_about_items_that_come_after_it() -> None:
    gate = Gate()
    with delivering(ScriptedExporter(Delivered(), gate), batch_size=1) as delivery:
        delivery.accept("before")
        wait = delivery.begin_flush()
        delivery.accept("after")
        assert wait(time.monotonic_ns() + 5_000_000_000)
        gate.open()


def test_a_flush_during_an_outage_is_false_at_its_deadline_and_loses_nothing() -> None:
    exporter = ScriptedExporter(*[Retry(reason="down")] * 10)
    with delivering(exporter, backoff=LATE) as delivery:
        accept_all(delivery, [1, 2])
        started_at = time.monotonic()
        assert not flush(delivery, 0.2)
        assert 0.15 < time.monotonic() - started_at < 1.0
        assert delivery.counts().pending == 2
        assert dropped(delivery) == {}


def test_a_flush_does_not_sit_out_a_wait_that_was_only_our_own_choice() -> None:
    exporter = ScriptedExporter(Retry(reason="down"))
    with delivering(exporter, backoff=LATE, batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: exporter.attempts == 1)
        assert flush(delivery, 5.0)
        assert exporter.attempted_at[1] - exporter.attempted_at[0] < 5.0


def test_a_flush_during_a_hanging_attempt_is_false_at_its_deadline() -> None:
    gate = Gate()
    with delivering(ScriptedExporter(gate), batch_size=1) as delivery:
        accept_all(delivery, [1, 2])
        gate.entered.wait(5)
        assert not flush(delivery, 0.1)
        gate.open()
        assert flush(delivery)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_a_flush_without_time_returns_at_once_and_still_makes_items_leave(timeout_s: float) -> None:
    exporter = ScriptedExporter()
    with delivering(exporter) as delivery:
        delivery.accept(1)
        flush(delivery, timeout_s)
        until(lambda: exporter.delivered == [1])


def test_flushes_of_several_threads_are_all_true() -> None:
    exporter = ScriptedExporter()
    results: list[bool] = []

    def record_and_flush(number: int) -> None:
        for at in range(20):
            delivery.accept((number, at))
            results.append(flush(delivery))

    with delivering(exporter) as delivery:
        threads = [threading.Thread(target=record_and_flush, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 120
        assert len(set(exporter.delivered)) == len(exporter.delivered) == 120


def test_items_accepted_while_no_flush_is_open_wait_for_their_batch_again() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=2) as delivery:
        delivery.accept(1)
        assert flush(delivery)
        accept_all(delivery, [2, 3])
        until(lambda: len(exporter.delivered) == 3)
        assert exporter.prepared == [[1], [2, 3]]
