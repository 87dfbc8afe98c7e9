"""Deliveries under many threads, signal handlers and forks: the account is exact at every reading."""

from __future__ import annotations

import gc
import itertools
import json
import signal
import threading
import time

import pytest

from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.outcome import Delivered, Rejected, Retry
from heliograph.pipeline.retry import Backoff
from tests.support.deliveries import Gate, ScriptedExporter, delivering, end, flush, is_balanced
from tests.support.interpreter import run_script
from tests.support.waiting import until

THREADS, EACH = 8, 2000
AT_ONCE = Backoff(base_s=0.001, longest_s=0.001)


@pytest.mark.parametrize("queue_size", [50, 100_000], ids=["overflowing", "roomy"])
def test_the_account_is_balanced_at_every_reading_under_eight_threads(queue_size: int) -> None:
    kinds = itertools.cycle(
        [Delivered(), Delivered(rejected=1, reason="one"), Retry(reason="down", after_s=0.001), Rejected(reason="no")]
    )
    exporter = ScriptedExporter(last=lambda: next(kinds))
    readings: list[LedgerCounts] = []
    is_over = threading.Event()

    def record(number: int) -> None:
        for at in range(EACH):
            delivery.accept((number, at))

    def read() -> None:
        while not is_over.is_set():
            readings.append(delivery.counts())
            time.sleep(0.0002)

    with delivering(exporter, queue_size=queue_size, batch_size=20, backoff=AT_ONCE) as delivery:
        threads = [threading.Thread(target=record, args=(number,)) for number in range(THREADS)]
        reader = threading.Thread(target=read)
        for thread in (reader, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        end(delivery, 10.0)
        until(lambda: len(readings) > 10)
        is_over.set()
        reader.join()
        final = delivery.counts()
    assert all(is_balanced(counts) for counts in readings)
    assert all(counts.pending <= queue_size + 20 for counts in readings)
    assert (final.accepted, final.pending) == (THREADS * EACH, 0)
    assert is_balanced(final)
    assert final.delivered == len(exporter.delivered) == len(set(exporter.delivered))


def test_threads_that_record_while_the_delivery_closes_lose_no_count() -> None:
    for _ in range(20):
        exporter = ScriptedExporter()
        with delivering(exporter, queue_size=10_000, batch_size=7) as delivery:
            threads = [
                threading.Thread(target=lambda delivery=delivery: [delivery.accept(at) for at in range(200)]) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            end(delivery, 5.0)
            for thread in threads:
                thread.join()
            counts = delivery.counts()
        assert counts.accepted == 800
        assert counts.delivered == len(exporter.delivered)
        assert counts.delivered + counts.dropped.get("shutdown", 0) == 800


def test_items_of_one_thread_arrive_in_its_order() -> None:
    exporter = ScriptedExporter()

    def record(number: int) -> None:
        for at in range(500):
            delivery.accept((number, at))

    with delivering(exporter, queue_size=10_000, batch_size=16) as delivery:
        threads = [threading.Thread(target=record, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert flush(delivery)
    for number in range(4):
        assert [at for owner, at in exporter.delivered if owner == number] == list(range(500))


def test_recording_from_a_signal_handler_neither_locks_up_nor_loses_a_count() -> None:
    exporter = ScriptedExporter()
    handled = itertools.count()
    with delivering(exporter, queue_size=1_000_000, batch_size=50) as delivery:
        before = signal.signal(signal.SIGVTALRM, lambda *_: delivery.accept(("handler", next(handled))))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005, 0.0005)
        try:
            for at in range(60_000):
                delivery.accept(("main", at))
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
        assert flush(delivery, 20.0)
        total = 60_000 + next(handled)
        assert total > 60_000
        counts = delivery.counts()
        assert (counts.accepted, counts.delivered, len(set(exporter.delivered))) == (total, total, total)


def test_recording_from_a_finaliser_neither_locks_up_nor_loses_a_count() -> None:
    class Recording:
        def __init__(self) -> None:
            self.itself = self  # only the collector ends it

        def __del__(self) -> None:
            delivery.accept("finaliser")

    with delivering(ScriptedExporter(), queue_size=1_000_000) as delivery:
        for _ in range(3000):
            Recording()
            delivery.accept("main")
        gc.collect()
        assert flush(delivery)
        assert delivery.counts().delivered == 6000


def test_a_reading_does_not_wait_for_an_attempt() -> None:
    gate = Gate()
    with delivering(ScriptedExporter(gate), batch_size=1) as delivery:
        delivery.accept(1)
        gate.entered.wait(5)
        started_at = time.monotonic()
        assert delivery.counts().pending == 1
        delivery.status()
        delivery.accept(2)
        assert time.monotonic() - started_at < 0.5
        gate.open()
        until(lambda: delivery.counts().delivered == 2)


FORKING = """
    import json, os, sys, threading, time, warnings
    from tests.support.deliveries import Gate, ScriptedExporter, delivering, end, flush

    warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what this is about
    gate = Gate()
    exporter = ScriptedExporter(gate)
    is_held, may_go = threading.Event(), threading.Event()

    def hold(delivery):
        with delivery._changed:
            is_held.set()
            may_go.wait(10)

    with delivering(exporter, batch_size=1) as delivery:
        for item in ("in flight", "waiting"):
            delivery.accept(item)
        gate.entered.wait(5)
        holder = threading.Thread(target=hold, args=(delivery,))
        holder.start()
        is_held.wait(5)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            delivery.after_fork_in_child()
            fresh = delivery.counts()
            delivery.accept("of the child")
            flushed = flush(delivery)
            said = [fresh.accepted, flushed, exporter.delivered, end(delivery, 2.0) < 2.0]
            os.write(writing, json.dumps(said).encode())
            os._exit(0)
        may_go.set()
        holder.join()
        os.waitpid(child, 0)
        gate.open()
        flushed = flush(delivery)
        print(os.read(reading, 10_000).decode())
        print(json.dumps([delivery.counts().accepted, flushed, exporter.delivered]))
"""


def test_a_forked_child_starts_empty_and_delivers_its_own_also_when_a_lock_was_held() -> None:
    out, _err = run_script(FORKING)
    of_child, of_parent = map(json.loads, out.splitlines())
    assert of_child == [0, True, ["of the child"], True]
    assert of_parent == [2, True, ["in flight", "waiting"]]


CLOSED_FORKING = """
    import os, warnings
    from tests.support.deliveries import ScriptedExporter, delivering, dropped, end

    warnings.simplefilter("ignore", DeprecationWarning)
    with delivering(ScriptedExporter()) as delivery:
        delivery.accept("of the parent")
        end(delivery, 2.0)
        child = os.fork()
        if child == 0:
            delivery.after_fork_in_child()
            delivery.accept("of the child")
            os._exit(0 if dropped(delivery) == {"shutdown": 1} else 1)
        print(os.waitpid(child, 0)[1])
"""


def test_a_delivery_that_was_closed_is_closed_in_a_forked_child_too() -> None:
    out, _err = run_script(CLOSED_FORKING)
    assert out.strip() == "0"
