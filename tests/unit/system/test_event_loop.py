"""A watched loop has its lateness recorded twice a second, without a thread; it is not kept alive nor kept from ending."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

from heliograph.catalog.rows.runtime import EVENT_LOOP_LAG
from heliograph.system.event_loop import LoopWatch, watch_event_loop


def test_a_loop_that_is_free_is_hardly_late() -> None:
    lags: list[float] = []

    async def run() -> None:
        LoopWatch(asyncio.get_running_loop(), lags.append, period_s=0.01).start()
        await asyncio.sleep(0.3)

    asyncio.run(run())
    assert len(lags) >= 5
    assert all(lag >= 0 for lag in lags)
    assert sorted(lags)[len(lags) // 2] < 0.05


def test_a_loop_that_is_blocked_is_late_by_as_much() -> None:
    lags: list[float] = []

    async def run() -> None:
        LoopWatch(asyncio.get_running_loop(), lags.append, period_s=0.1).start()
        await asyncio.sleep(0.05)
        time.sleep(0.4)  # noqa: ASYNC251  # what the measure is for
        await asyncio.sleep(0.05)

    asyncio.run(run())
    assert 0.3 <= lags[0] <= 0.6


def test_the_watch_is_for_the_running_loop_by_default_and_once_however_often_it_is_asked_for() -> None:
    lags: list[float] = []

    async def run() -> None:
        first = watch_event_loop(record=lags.append)
        assert watch_event_loop(asyncio.get_running_loop(), record=lags.append) is first
        await asyncio.sleep(0.6)

    asyncio.run(run())
    assert len(lags) == 1


def test_each_loop_has_a_watch_of_its_own() -> None:
    async def run() -> LoopWatch:
        return watch_event_loop(record=lambda _lag: None)

    assert asyncio.run(run()) is not asyncio.run(run())


def test_without_a_running_loop_one_must_be_given() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        watch_event_loop()


def test_a_loop_can_be_watched_before_it_runs_and_from_another_thread() -> None:
    lags: list[float] = []
    loop = asyncio.new_event_loop()
    watch_event_loop(loop, lags.append)
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_until_complete, args=(asyncio.sleep(0.7),))
    thread.start()
    watch_event_loop(other, lags.append)
    loop.run_until_complete(asyncio.sleep(0.6))
    thread.join()
    loop.close()
    other.close()
    assert len(lags) == 2


def test_a_closed_loop_is_not_watched_and_is_no_error() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert watch_event_loop(loop, lambda _lag: None).is_stopped


def test_a_stopped_watch_records_nothing_more_and_can_be_followed_by_another() -> None:
    first: list[float] = []
    second: list[float] = []

    async def run() -> None:
        watch_event_loop(record=first.append).stop()
        watch_event_loop(record=second.append)
        await asyncio.sleep(0.6)

    asyncio.run(run())
    assert (len(first), len(second)) == (0, 1)


def test_a_record_that_raises_is_reported_by_the_loop_and_ends_nothing() -> None:
    reported: list[object] = []
    lags: list[float] = []

    def record(lag: float) -> None:
        lags.append(lag)
        raise ValueError("no")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, about: reported.append(about["exception"]))
        LoopWatch(loop, record, period_s=0.01).start()
        await asyncio.sleep(0.2)

    asyncio.run(run())
    assert len(lags) == len(reported) >= 2


def test_a_watch_keeps_no_loop_alive() -> None:
    loop = asyncio.new_event_loop()
    watch = watch_event_loop(loop, lambda _lag: None)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    known = weakref.ref(loop)
    del loop
    gc.collect()
    assert known() is None
    assert not watch.is_stopped


def test_a_watch_does_not_keep_a_loop_from_ending() -> None:
    async def run() -> None:
        watch_event_loop(record=lambda _lag: None)

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 0.4


def test_a_watch_needs_no_thread() -> None:
    async def run() -> int:
        watch_event_loop(record=lambda _lag: None)
        await asyncio.sleep(0.01)
        return threading.active_count()

    before = threading.active_count()
    assert asyncio.run(run()) <= before


def test_the_buckets_go_from_one_millisecond_to_ten_seconds_and_have_the_bound_of_the_alert() -> None:
    bounds = EVENT_LOOP_LAG.buckets
    assert bounds is not None
    assert (bounds[0], bounds[-1]) == (0.001, 10.0)
    assert 0.25 in bounds
