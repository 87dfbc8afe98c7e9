"""The scheduler: jobs at intervals on one thread that nothing they do can end."""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.scheduler import Scheduler
from heliograph.recording.suppression import is_suppressed
from tests.support.deliveries import Gate
from tests.support.interpreter import run_script
from tests.support.waiting import until

# Under a clock that stands still the thread looks at it again after the interval in real time.
SHORT_S = 0.01


@contextmanager
def scheduling(clock: ManualClock | None = None) -> Iterator[Scheduler]:
    scheduler = Scheduler(clock)
    try:
        yield scheduler
    finally:
        scheduler.close(5.0)
        assert not _is_running()


def _is_running() -> bool:
    return any(thread.name == "heliograph-scheduler" for thread in threading.enumerate())


def test_a_job_runs_again_and_again() -> None:
    runs: list[float] = []
    with scheduling() as scheduler:
        scheduler.every(SHORT_S, lambda: runs.append(time.monotonic()), name="job")
        until(lambda: len(runs) >= 5)
    assert all(later - earlier >= SHORT_S * 0.99 for earlier, later in itertools.pairwise(runs))


def test_no_thread_starts_before_the_first_job() -> None:
    with scheduling() as scheduler:
        assert not _is_running()
        scheduler.every(60, lambda: None, name="job")
        assert _is_running()


def test_a_job_first_runs_after_its_interval_or_when_told() -> None:
    runs: list[str] = []
    with scheduling(ManualClock()) as scheduler:
        scheduler.every(SHORT_S, lambda: runs.append("later"), name="later")
        scheduler.every(SHORT_S, lambda: runs.append("at once"), name="at once", first_after_s=0)
        until(lambda: runs)
    assert runs == ["at once"]


def test_jobs_of_different_intervals_do_not_hold_each_other_up() -> None:
    runs: list[str] = []
    with scheduling() as scheduler:
        scheduler.every(3600, lambda: runs.append("rare"), name="rare")
        scheduler.every(SHORT_S, lambda: runs.append("often"), name="often")
        until(lambda: len(runs) >= 5)
    assert set(runs) == {"often"}


def test_a_job_that_raises_runs_again_and_so_do_the_others(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[str] = []

    def fail() -> None:
        runs.append("bad")
        raise ValueError("broken")

    with scheduling() as scheduler:
        scheduler.every(SHORT_S, fail, name="the bad job")
        scheduler.every(SHORT_S, lambda: runs.append("good"), name="good")
        until(lambda: runs.count("bad") >= 3 and runs.count("good") >= 3)
    assert [record.getMessage() for record in caplog.records] == ["the bad job failed; it runs again in 0.01 s"]
    assert caplog.records[0].exc_info is not None


def test_a_job_that_raises_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock, runs = ManualClock(), []

    def fail() -> None:
        runs.append(clock.monotonic_ns())
        raise ValueError("broken")

    with scheduling(clock) as scheduler:
        scheduler.every(SHORT_S, fail, name="job", first_after_s=0)
        for step_s in (0, SHORT_S, SHORT_S, 59.0, 1.0, SHORT_S):
            count = len(runs)
            clock.advance(step_s)
            until(lambda count=count: len(runs) > count)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]


def test_a_job_that_wants_to_end_the_process_ends_only_itself() -> None:
    runs: list[str] = []

    def leave() -> None:
        sys.exit("enough")

    with scheduling() as scheduler:
        scheduler.every(SHORT_S, leave, name="leaving", first_after_s=0)
        scheduler.every(SHORT_S, lambda: runs.append("good"), name="good")
        until(lambda: len(runs) >= 3, timeout_s=2)


def test_a_process_that_slept_does_not_catch_up_run_by_run() -> None:
    clock, runs = ManualClock(), []
    with scheduling(clock) as scheduler:
        scheduler.every(SHORT_S, lambda: runs.append(1), name="job")
        clock.advance(3600)
        until(lambda: runs)
        done = threading.Event()
        scheduler.every(3600, done.set, name="after it", first_after_s=0)
        assert done.wait(5)
    assert len(runs) == 1


def test_jobs_run_with_instrumentation_suppressed() -> None:
    seen: list[bool] = []
    with scheduling() as scheduler:
        scheduler.every(SHORT_S, lambda: seen.append(is_suppressed()), name="job")
        until(lambda: seen)
    assert seen[0] is True


def test_closing_waits_for_the_job_that_runs_and_starts_no_other() -> None:
    gate, runs = Gate(), []

    def job() -> None:
        gate()
        runs.append(1)

    with scheduling() as scheduler:
        scheduler.every(SHORT_S, job, name="job", first_after_s=0)
        gate.entered.wait(5)
        threading.Timer(0.05, gate.open).start()
        scheduler.close(5.0)
        assert runs == [1]
        assert not _is_running()
        scheduler.every(SHORT_S, lambda: runs.append(2), name="too late", first_after_s=0)
        assert not _is_running()


def test_closing_waits_no_longer_than_told_for_a_job_that_hangs() -> None:
    gate = Gate()
    with scheduling() as scheduler:
        scheduler.every(SHORT_S, gate, name="hanging", first_after_s=0)
        gate.entered.wait(5)
        started_at = time.monotonic()
        scheduler.close(0.1)
        assert time.monotonic() - started_at < 0.5
        gate.open()


def test_a_job_may_close_the_scheduler() -> None:
    done = threading.Event()
    with scheduling() as scheduler:
        scheduler.every(SHORT_S, lambda: (scheduler.close(5.0), done.set()), name="closing")
        assert done.wait(5)


def test_a_job_may_add_a_job() -> None:
    done = threading.Event()
    with scheduling() as scheduler:
        scheduler.every(60, lambda: scheduler.every(60, done.set, name="b", first_after_s=0), name="a", first_after_s=0)
        assert done.wait(5)


def test_closing_twice_or_without_a_job_does_nothing() -> None:
    scheduler = Scheduler()
    scheduler.close(1.0)
    scheduler.close(1.0)


def test_closing_works_also_when_no_thread_was_to_be_had() -> None:
    scheduler = Scheduler()
    threading.stack_size(1 << 46)  # the system really refuses: the stack would be larger than any memory
    try:
        with contextlib.suppress(RuntimeError):
            scheduler.every(60, lambda: None, name="job")
    finally:
        threading.stack_size(0)
    scheduler.close(1.0)


FORKING = """
    import os, threading, time, warnings
    from heliograph.pipeline.scheduler import Scheduler

    warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what this is about
    ran = threading.Event()
    scheduler = Scheduler()
    scheduler.every(0.01, ran.set, name="job")
    ran.wait(5)
    with scheduler._changed:
        child = os.fork()
        if child == 0:
            ran = threading.Event()
            scheduler.after_fork_in_child()
            scheduler.every(0.01, ran.set, name="job")
            os._exit(0 if ran.wait(5) else 1)
    print(os.waitpid(child, 0)[1])
    scheduler.close(2.0)
"""


def test_jobs_run_on_in_a_forked_child_also_when_the_lock_was_held() -> None:
    out, _err = run_script(FORKING)
    assert out.strip() == "0"
