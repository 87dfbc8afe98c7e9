"""The queue of a signal: chunks, their age, its bounds, and who may call it when."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.queue import ItemQueue


def _queue(clock: ManualClock | None = None, **options: Any) -> ItemQueue[Any]:
    wanted: dict[str, Any] = {
        "room": 100,
        "chunk_size": 4,
        "most_chunks": 3,
        "weigh": None,
        "is_oldest_dropped": False,
        "wake": lambda: None,
    }
    return ItemQueue(clock=clock or ManualClock(), **{**wanted, **options})


def _fill(queue: ItemQueue[Any], count: int) -> None:
    for number in range(count):
        queue.accept(number)


def test_a_chunk_is_due_when_it_is_full_or_its_first_item_is_old_enough() -> None:
    clock = ManualClock()
    queue = _queue(clock)
    assert queue.due_in_s(clock.monotonic_ns(), linger_s=5.0) is None
    _fill(queue, 3)
    clock.advance(2.0)
    assert queue.due_in_s(clock.monotonic_ns(), linger_s=5.0) == 3.0
    queue.accept("fourth")
    assert queue.due_in_s(clock.monotonic_ns(), linger_s=5.0) == 0.0


def test_what_is_left_behind_a_chunk_is_as_old_as_its_own_first_item() -> None:
    clock = ManualClock()
    queue = _queue(clock)
    _fill(queue, 4)
    clock.advance(1.0)
    _fill(queue, 2)
    clock.advance(1.0)
    assert queue.take().items == [0, 1, 2, 3]
    assert queue.due_in_s(clock.monotonic_ns(), linger_s=5.0) == 4.0


@pytest.mark.parametrize(("waiting", "taken"), [(1, 1), (4, 4), (7, 4), (8, 8), (15, 12), (40, 12)])
def test_a_worker_that_is_behind_takes_several_chunks_at_once(waiting: int, taken: int) -> None:
    queue = _queue()
    _fill(queue, waiting)
    chunk = queue.take()
    assert (len(chunk.items), chunk.count, chunk.last_entry) == (taken, taken, taken)
    assert queue.waiting == waiting - taken


def test_the_worker_is_woken_by_the_first_item_of_a_chunk_and_by_the_last() -> None:
    woken: list[int] = []
    queue = _queue(wake=lambda: woken.append(queue.entered))
    _fill(queue, 9)
    assert woken == [1, 4, 5, 8, 9]


def test_without_room_the_newest_is_refused_and_counted_with_its_weight() -> None:
    queue = _queue(room=2, weigh=len)
    for text in ("a", "bb", "ccc"):
        queue.accept(text)
    assert (queue.accepted, queue.waiting, dict(queue.refused)) == (6, 3, {"queue_full": 3})


def test_where_the_oldest_goes_the_newest_stay() -> None:
    queue = _queue(room=3, is_oldest_dropped=True)
    _fill(queue, 10)
    assert queue.take().items == [7, 8, 9]
    assert dict(queue.refused) == {"queue_full": 7}


def test_a_closed_queue_refuses_and_says_why() -> None:
    queue = _queue()
    queue.is_closed = True
    queue.accept("late")
    assert (queue.waiting, dict(queue.refused)) == (0, {"shutdown": 1})


def test_recording_while_recording_on_the_same_thread_does_not_lock() -> None:
    class Nosy(ManualClock):
        def monotonic_ns(self) -> int:  # as a finaliser or a signal handler may come in the middle
            if queue.entered == 1:
                queue.accept("inner")
            return 0

    queue = _queue(Nosy())
    thread = threading.Thread(target=queue.accept, args=("outer",), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert (queue.accepted, queue.waiting) == (2, 2)


@pytest.mark.parametrize("threads", [2, 8])
def test_no_item_is_lost_between_threads(threads: int) -> None:
    queue = _queue(room=10**9)
    workers = [threading.Thread(target=_fill, args=(queue, 5000)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert queue.accepted == queue.entered == queue.waiting == threads * 5000


@pytest.mark.parametrize("room", [50, 10**9])
def test_nothing_gets_into_a_queue_that_another_thread_has_closed_and_every_item_is_counted(room: int) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):
            queue = _queue(room=room)
            workers = [threading.Thread(target=_fill, args=(queue, 1000)) for _ in range(4)]
            for worker in workers:
                worker.start()
            taken = 0
            while taken < 500 and queue.refused.total() < 500:
                with queue._lock:
                    taken += queue.take().count if queue.waiting else 0
            queue.is_closed = True
            left = queue.waiting
            for worker in workers:
                worker.join()
            assert queue.waiting == left
            assert queue.accepted == 4000
            assert left <= room + 4
    finally:
        sys.setswitchinterval(before)


def test_an_exception_of_a_signal_handler_in_the_middle_of_accept_leaves_no_wrong_count() -> None:
    class Breaking(ManualClock):
        def monotonic_ns(self) -> int:
            raise KeyboardInterrupt

    queue = _queue(Breaking())
    with pytest.raises(KeyboardInterrupt):
        queue.accept("first")
    assert (queue.accepted, queue.waiting, queue.entered) == (1, 1, 1)
    assert queue.due_in_s(0, linger_s=5.0) == 0.0  # nobody knows since when it waits


def test_what_gave_way_to_newer_ones_costs_no_memory_and_is_known_to_a_flush() -> None:
    queue = _queue(room=5, is_oldest_dropped=True)
    _fill(queue, 10_000)
    assert len(queue._began_at_ns) <= 2
    assert (queue.entered, queue.waiting, queue.turned_away) == (10_000, 5, 0)
    assert queue.losses.forget(9_995)
