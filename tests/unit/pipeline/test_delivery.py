"""One destination's queue and thread: batching, outcomes of an attempt, and exporters that misbehave."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.outcome import Attempt, Delivered, Rejected, Retry
from heliograph.pipeline.retry import Backoff
from heliograph.recording.suppression import is_suppressed
from tests.support.deliveries import (
    LATE,
    Gate,
    ScriptedExporter,
    accept_all,
    delivering,
    dropped,
    end,
    flush,
    is_balanced,
)
from tests.support.waiting import until


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


# Batches


def test_a_batch_leaves_as_soon_as_it_is_full() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=3) as delivery:
        accept_all(delivery, [1, 2, 3])
        until(lambda: exporter.delivered == [1, 2, 3])
        assert exporter.prepared == [[1, 2, 3]]


def test_an_incomplete_batch_leaves_when_its_oldest_item_is_old_enough_and_not_before() -> None:
    exporter, clock = ScriptedExporter(), ManualClock()
    with delivering(exporter, clock=clock, interval_s=0.05) as delivery:
        delivery.accept("oldest")
        clock.advance(0.049)
        delivery.accept("newest")  # had the oldest left before its time, this one would be in a batch of its own
        clock.advance(0.001)
        until(lambda: exporter.delivered)
        assert exporter.prepared == [["oldest", "newest"]]


def test_an_item_that_does_not_wake_the_worker_leaves_in_time_all_the_same() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, interval_s=1.0) as delivery:
        for number, idle_s in enumerate((0.0, 0.3, 0.9), 1):
            time.sleep(idle_s)  # the worker looks up each second by itself, and is somewhere in between
            accepted_at = time.monotonic()
            delivery.accept(number)
            until(lambda number=number: exporter.attempts == number)
            assert 0.9 < exporter.attempted_at[-1] - accepted_at < 1.6


def test_what_does_not_fit_one_batch_leaves_in_several_and_in_order() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=4) as delivery:
        accept_all(delivery, range(10))
        assert flush(delivery)
        assert exporter.delivered == list(range(10))
        assert max(len(batch) for batch in exporter.prepared) <= 4


def test_batches_of_one_leave_one_by_one() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=1, queue_size=1000) as delivery:
        accept_all(delivery, range(50))
        until(lambda: len(exporter.delivered) == 50)
        assert exporter.prepared == [[number] for number in range(50)]


def test_no_thread_starts_before_the_first_item() -> None:
    with delivering(ScriptedExporter(), destination="lazy") as delivery:
        assert "heliograph-traces-lazy" not in _threads()
        delivery.accept(1)
        assert "heliograph-traces" in _threads()
        assert flush(delivery)
        assert "heliograph-traces-lazy" in _threads()
    assert "heliograph-traces-lazy" not in _threads()


def test_the_thread_is_a_daemon_that_suppresses_instrumentation_of_what_it_calls() -> None:
    seen: list[tuple[bool, bool]] = []

    def look() -> Delivered:
        seen.append((threading.current_thread().daemon, is_suppressed()))
        return Delivered()

    with delivering(ScriptedExporter(look)) as delivery:
        delivery.accept(1)
        assert flush(delivery)
    assert seen == [(True, True)]


# The queue


def test_a_full_queue_drops_the_newest_item_and_counts_it() -> None:
    gate = Gate()
    exporter = ScriptedExporter(gate)
    with delivering(exporter, batch_size=1, queue_size=2) as delivery:
        delivery.accept("in flight")
        gate.entered.wait(5)
        accept_all(delivery, ["second", "third", "too late", "too late as well"])
        assert dropped(delivery) == {"queue_full": 2}
        assert delivery.counts().pending == 3
        gate.open()
        until(lambda: delivery.counts().pending == 0)
        assert exporter.delivered == ["in flight", "second", "third"]
        assert is_balanced(delivery.counts())


def test_a_queue_takes_exactly_its_size() -> None:
    with delivering(ScriptedExporter(), queue_size=5, batch_size=10) as delivery:
        accept_all(delivery, range(5))
        assert dropped(delivery) == {}
        delivery.accept(5)
        assert dropped(delivery) == {"queue_full": 1}


def test_items_count_with_their_weight() -> None:
    with delivering(ScriptedExporter(Delivered(rejected=3, reason="no")), weigh=len, batch_size=2) as delivery:
        accept_all(delivery, ["four", "seventy"])
        assert not flush(delivery)
        counts = delivery.counts()
        assert (counts.accepted, counts.delivered, counts.dropped) == (11, 8, {"rejected": 3})


# Outcomes


def test_a_batch_is_encoded_once_however_often_it_is_tried() -> None:
    exporter = ScriptedExporter(*[Retry(reason="down")] * 5)
    with delivering(exporter) as delivery:
        accept_all(delivery, [1, 2])
        delivery.begin_flush()
        until(lambda: exporter.delivered == [1, 2])
        assert (exporter.attempts, len(exporter.prepared)) == (6, 1)
        assert delivery.counts().delivered == 2


def test_waits_between_attempts_grow_as_the_backoff_says() -> None:
    exporter = ScriptedExporter(*[Retry(reason="down")] * 4)
    backoff = Backoff(base_s=0.03, longest_s=0.1, draw=lambda: 1.0)
    with delivering(exporter, backoff=backoff, batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: exporter.delivered)
    gaps = [later - earlier for earlier, later in zip(exporter.attempted_at, exporter.attempted_at[1:], strict=False)]
    assert all(gap >= least for gap, least in zip(gaps, [0.03, 0.06, 0.1, 0.1], strict=True)), gaps


def test_a_told_wait_is_never_cut_short_also_when_somebody_flushes() -> None:
    exporter = ScriptedExporter(Retry(reason="busy", after_s=0.4))
    with delivering(exporter, batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: exporter.attempts)
        assert flush(delivery)
    first, second = exporter.attempted_at
    assert second - first >= 0.4


def test_a_told_wait_counts_also_when_it_is_longer_than_any_of_our_own() -> None:
    exporter = ScriptedExporter(Retry(reason="busy", after_s=0.3))
    with delivering(exporter, batch_size=1, backoff=Backoff(base_s=0.001, longest_s=0.001)) as delivery:
        delivery.accept(1)
        until(lambda: exporter.delivered)
    assert exporter.attempted_at[1] - exporter.attempted_at[0] >= 0.3


@pytest.mark.parametrize("after_s", [0.0, -5.0, float("-inf")])
def test_a_told_wait_of_nothing_does_not_become_a_busy_loop(after_s: float) -> None:
    exporter = ScriptedExporter(last=Retry(reason="busy", after_s=after_s))
    with delivering(exporter, backoff=LATE, batch_size=1) as delivery:
        delivery.accept(1)
        assert not flush(delivery, 0.3)
        assert exporter.attempts < 10


@pytest.mark.parametrize("after_s", [1e10, 1e18, 1e300, float("inf")])
def test_a_told_wait_beyond_all_measure_does_not_end_the_thread(after_s: float) -> None:
    exporter = ScriptedExporter(Retry(reason="busy", after_s=after_s))
    with delivering(exporter, destination="patient", batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: delivery.status().reason)
        assert not flush(delivery, 0.2)
        assert "heliograph-traces-patient" in _threads()
        assert end(delivery, 3.0) < 1.5  # there is no attempt before the deadline, so nothing to wait for


def test_a_rejected_batch_is_counted_and_not_tried_again() -> None:
    exporter = ScriptedExporter(Rejected(reason="HTTP 400"))
    with delivering(exporter, batch_size=2) as delivery:
        accept_all(delivery, ["bad", "worse", "good", "better"])
        until(lambda: exporter.delivered == ["good", "better"])
        until(lambda: delivery.counts().pending == 0)
        assert dropped(delivery) == {"rejected": 2}
        assert exporter.attempts == 2


def test_items_refused_from_an_accepted_batch_are_counted_and_not_tried_again() -> None:
    exporter = ScriptedExporter(Delivered(rejected=2, reason="partial success"))
    with delivering(exporter) as delivery:
        accept_all(delivery, range(5))
        assert not flush(delivery)
        counts = delivery.counts()
        assert (counts.delivered, counts.dropped, exporter.attempts) == (3, {"rejected": 2}, 1)


def test_a_receiver_that_refuses_more_than_it_got_cannot_unbalance_the_account() -> None:
    with delivering(ScriptedExporter(Delivered(rejected=10**12, reason="all of it"), unencodable=1)) as delivery:
        accept_all(delivery, range(5))
        flush(delivery)
        counts = delivery.counts()
        assert (counts.delivered, counts.dropped) == (0, {"rejected": 4, "encoding": 1})


def test_items_that_cannot_be_encoded_are_counted_apart() -> None:
    with delivering(ScriptedExporter(unencodable=1)) as delivery:
        accept_all(delivery, range(3))
        assert not flush(delivery)
        counts = delivery.counts()
        assert (counts.delivered, counts.dropped) == (2, {"encoding": 1})
        assert "cannot be encoded" in (delivery.status().reason or "")


# Exporters that misbehave


class _BrokenInPrepare(ScriptedExporter):
    def prepare(self, batch: Batch) -> Attempt:
        if "bad" in batch.items:
            raise ValueError("cannot take this")
        return super().prepare(batch)


def test_an_exporter_that_raises_in_prepare_loses_that_batch_only() -> None:
    exporter = _BrokenInPrepare()
    with delivering(exporter, batch_size=1) as delivery:
        accept_all(delivery, ["bad", "good"])
        until(lambda: exporter.delivered == ["good"])
        until(lambda: delivery.counts().delivered == 1)
        assert dropped(delivery) == {"rejected": 1}


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError(), StopIteration(), SystemExit(3)])
def test_an_exporter_that_raises_in_send_loses_that_batch_only(error: BaseException) -> None:
    exporter = ScriptedExporter(error)
    with delivering(exporter, batch_size=1) as delivery:
        accept_all(delivery, ["bad", "good"])
        until(lambda: delivery.counts().delivered == 1, timeout_s=3)
        assert (exporter.delivered, dropped(delivery)) == (["good"], {"rejected": 1})


def test_an_exporter_that_answers_nonsense_loses_that_batch_only() -> None:
    exporter = ScriptedExporter(lambda: None)
    with delivering(exporter, batch_size=1) as delivery:
        accept_all(delivery, ["bad", "good"])
        until(lambda: delivery.counts().delivered == 1, timeout_s=3)
        assert dropped(delivery) == {"rejected": 1}


def test_a_log_handler_of_the_application_that_raises_does_not_end_delivery() -> None:
    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("the application's handler is broken")

    handler, our_logger = Raising(), logging.getLogger("heliograph.delivery")
    our_logger.addHandler(handler)
    try:
        with delivering(ScriptedExporter(Rejected(reason="no")), batch_size=1) as delivery:
            accept_all(delivery, ["bad", "good"])
            until(lambda: delivery.counts().delivered == 1, timeout_s=3)
    finally:
        our_logger.removeHandler(handler)


def test_an_exporter_may_record_into_its_own_delivery() -> None:
    exporter = ScriptedExporter(lambda: delivery.accept("inner") or Delivered())
    with delivering(exporter, batch_size=1) as delivery:
        delivery.accept("outer")
        until(lambda: exporter.delivered == ["outer", "inner"])


def test_an_attempt_gets_the_time_that_the_limits_say() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, attempt_timeout_s=7.5, signal=Signal.LOGS) as delivery:
        delivery.accept(1)
        assert flush(delivery)
    assert exporter.timeouts_s == [7.5]
