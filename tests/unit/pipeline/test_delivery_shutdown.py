"""Shutdown of one delivery: under its deadline whatever the exporter does, and every item counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from heliograph.pipeline.outcome import Delivered, Rejected, Retry
from heliograph.pipeline.retry import Backoff
from tests.support.deliveries import (
    LATE,
    SOON,
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


@contextmanager
def no_threads_to_be_had() -> Iterator[None]:
    """The system really refuses new threads: their stacks would be larger than any memory."""
    threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(0)


def _slowly() -> Delivered:
    time.sleep(0.05)
    return Delivered()


def test_a_shutdown_delivers_what_waits() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=3) as delivery:
        accept_all(delivery, range(10))
        assert end(delivery, 5.0) < 2.0
        assert exporter.delivered == list(range(10))
        assert delivery.counts().delivered == 10


def test_a_shutdown_waits_for_a_slow_exporter_while_there_is_time() -> None:
    exporter = ScriptedExporter(last=_slowly)
    with delivering(exporter, batch_size=1) as delivery:
        accept_all(delivery, range(6))
        end(delivery, 5.0)
        assert exporter.delivered == list(range(6))
        assert dropped(delivery) == {}


@pytest.mark.parametrize("backoff", [SOON, LATE], ids=["short waits", "long waits"])
@pytest.mark.parametrize("after_s", [None, 0.05, 3600.0])
def test_a_dead_destination_holds_a_shutdown_no_longer_than_its_deadline(after_s: float | None, backoff: Any) -> None:
    exporter = ScriptedExporter(last=Retry(reason="down", after_s=after_s))
    with delivering(exporter, batch_size=2, backoff=backoff) as delivery:
        accept_all(delivery, range(5))
        assert end(delivery, 0.3) < 0.8
        counts = delivery.counts()
        assert (counts.dropped, counts.pending) == ({"shutdown": 5}, 0)


def test_a_hanging_exporter_holds_a_shutdown_no_longer_than_its_deadline() -> None:
    gate = Gate()
    with delivering(ScriptedExporter(gate), batch_size=1) as delivery:
        accept_all(delivery, range(5))
        gate.entered.wait(5)
        assert end(delivery, 0.2) < 0.7
        assert dropped(delivery) == {"shutdown": 5}
        gate.open()


def test_a_slow_exporter_delivers_what_it_can_and_the_rest_is_counted() -> None:
    exporter = ScriptedExporter(last=_slowly)
    with delivering(exporter, batch_size=1) as delivery:
        accept_all(delivery, range(100))
        assert end(delivery, 0.3) < 0.8
        counts = delivery.counts()
        assert counts.delivered >= 1
        assert counts.delivered + counts.dropped["shutdown"] == 100
        assert counts.pending == 0


def test_an_answer_that_comes_after_the_deadline_changes_no_count() -> None:
    gate = Gate()
    exporter = ScriptedExporter(gate)
    with delivering(exporter, destination="late", batch_size=1) as delivery:
        delivery.accept(1)
        gate.entered.wait(5)
        end(delivery, 0.05)
        before = delivery.counts()
        gate.open()
        until(lambda: "heliograph-traces-late" not in {thread.name for thread in threading.enumerate()})
        assert delivery.counts() == before
        assert before.dropped == {"shutdown": 1}


def test_items_that_come_after_the_close_are_dropped_and_counted() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter) as delivery:
        delivery.accept("in time")
        end(delivery, 5.0)
        accept_all(delivery, ["too late", "too late"])
        counts = delivery.counts()
        assert (exporter.delivered, counts.accepted, counts.dropped) == (["in time"], 3, {"shutdown": 2})
        assert is_balanced(counts)


def test_a_told_wait_that_ends_before_the_deadline_is_kept_and_the_batch_delivered() -> None:
    exporter = ScriptedExporter(Retry(reason="busy", after_s=0.3))
    with delivering(exporter, batch_size=1) as delivery:
        delivery.accept(1)
        until(lambda: exporter.attempts)
        end(delivery, 5.0)
        assert exporter.delivered == [1]
        assert exporter.attempted_at[1] - exporter.attempted_at[0] >= 0.3


def test_a_wait_that_would_end_after_the_deadline_is_not_sat_out() -> None:
    with delivering(ScriptedExporter(Retry(reason="busy", after_s=60.0)), batch_size=1) as delivery:
        accept_all(delivery, [1, 2])
        until(lambda: delivery.status().reason)
        assert end(delivery, 5.0) < 1.0
        assert dropped(delivery) == {"shutdown": 2}


def test_a_wait_of_our_own_is_cut_short_for_a_last_attempt() -> None:
    exporter = ScriptedExporter(Retry(reason="down"))
    with delivering(exporter, batch_size=1, backoff=LATE) as delivery:
        delivery.accept(1)
        until(lambda: exporter.attempts == 1)
        assert end(delivery, 5.0) < 1.0
        assert exporter.delivered == [1]


def test_the_last_attempts_get_no_more_time_than_the_shutdown_has() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, attempt_timeout_s=60.0) as delivery:
        delivery.accept(1)
        end(delivery, 0.5)
        assert exporter.timeouts_s[0] <= 0.5


def test_the_exporter_is_closed_once_and_after_the_last_attempt() -> None:
    exporter = ScriptedExporter(lambda: Rejected(reason="closed") if exporter.closed else _slowly())
    with delivering(exporter) as delivery:
        delivery.accept(1)
        end(delivery, 5.0)
        assert (exporter.closed, exporter.delivered) == (1, [1])


def test_a_second_close_does_not_move_the_deadline() -> None:
    with delivering(ScriptedExporter(last=Retry(reason="down")), batch_size=1) as delivery:
        delivery.accept(1)
        delivery.close(time.monotonic_ns() + 100_000_000)
        assert end(delivery, 60.0) < 1.0


def test_a_delivery_that_never_got_an_item_ends_at_once() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter) as delivery:
        assert end(delivery, 5.0) < 0.5
        assert (exporter.closed, exporter.attempts) == (1, 0)


def test_a_flush_that_a_shutdown_overtakes_is_false() -> None:
    results: list[bool] = []
    exporter = ScriptedExporter(last=Retry(reason="down", after_s=60.0))
    with delivering(exporter, batch_size=1) as delivery:
        delivery.accept(1)
        flushing = threading.Thread(target=lambda: results.append(flush(delivery, 30.0)))
        flushing.start()
        until(lambda: exporter.attempts)
        end(delivery, 0.1)
        flushing.join(5)
        assert results == [False]


# Without a thread


def test_without_a_thread_to_be_had_items_leave_at_shutdown() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=2) as delivery, no_threads_to_be_had():
        accept_all(delivery, range(5))
        assert delivery.counts().pending == 5
        end(delivery, 5.0)
        assert exporter.delivered == list(range(5))


def test_without_a_thread_to_be_had_a_dead_destination_still_ends_in_time() -> None:
    exporter = ScriptedExporter(last=Retry(reason="down"))
    with delivering(exporter, batch_size=2, backoff=Backoff(base_s=5.0, draw=lambda: 1.0)) as delivery, no_threads_to_be_had():
        accept_all(delivery, range(5))
        assert end(delivery, 0.3) < 0.8
        assert dropped(delivery) == {"shutdown": 5}


def test_without_a_thread_to_be_had_a_slow_exporter_still_ends_in_time() -> None:
    exporter = ScriptedExporter(last=_slowly)
    with delivering(exporter, batch_size=1) as delivery, no_threads_to_be_had():
        accept_all(delivery, range(100))
        assert end(delivery, 0.3) < 0.8
        assert delivery.counts().pending == 0


def test_the_next_item_tries_again_to_start_the_thread() -> None:
    exporter = ScriptedExporter()
    with delivering(exporter, batch_size=2) as delivery:
        with no_threads_to_be_had():
            delivery.accept("first")
        delivery.accept("second")
        until(lambda: exporter.delivered == ["first", "second"])
