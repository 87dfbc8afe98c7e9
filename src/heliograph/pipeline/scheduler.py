"""The one thread for what has to happen again and again: metric collection, health checks.

A job that raises is logged at most once a minute and runs again at its next time; a slow job delays the others, so jobs
hand long work to threads of their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from heliograph.clock import Clock, SystemClock
from heliograph.recording.suppression import suppressed_instrumentation
from heliograph.recording.threads import own_thread

_QUIET_NS = 60 * 1_000_000_000

logger = logging.getLogger("heliograph.scheduler")


@dataclass(slots=True)
class _Job:
    name: str
    interval_ns: int
    run: Callable[[], None]
    due_ns: int
    silent_until_ns: int = 0


class Scheduler:
    """Runs jobs at intervals on a daemon thread that starts with the first job. Thread-safe."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._jobs: list[_Job] = []
        self._is_closed = False
        self._start_over()

    def _start_over(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def after_fork_in_child(self) -> None:
        """Threads do not survive a fork: start a new one for the jobs that there are."""
        self._start_over()
        self._start_thread()

    def every(self, interval_s: float, run: Callable[[], None], *, name: str, first_after_s: float | None = None) -> None:
        """Run ``run`` each ``interval_s`` seconds, first after ``first_after_s`` (by default one interval)."""
        first_ns = round((interval_s if first_after_s is None else first_after_s) * 1e9)
        with self._changed:
            self._jobs.append(_Job(name, round(interval_s * 1e9), run, self._clock.monotonic_ns() + first_ns))
            self._start_thread()
            self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Run no job any more; wait at most ``timeout_s`` seconds for one that is running."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _start_thread(self) -> None:
        if self._thread is None and self._jobs and not self._is_closed:
            thread = own_thread(self._run, "heliograph-scheduler")
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no more threads, or the interpreter is exiting
                logger.warning("no thread for what runs at intervals (%s): metrics are pushed at a flush only", error)
                return
            self._thread = thread

    def _run(self) -> None:
        with suppressed_instrumentation():
            while job := self._next():
                self._run_job(job)

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._is_closed:
                job = min(self._jobs, key=lambda job: job.due_ns)
                now_ns = self._clock.monotonic_ns()
                if job.due_ns <= now_ns:
                    # From now, not from when it was due: a process that slept does not catch up run by run.
                    job.due_ns = now_ns + job.interval_ns
                    return job
                self._changed.wait((job.due_ns - now_ns) / 1e9)
            return None

    def _run_job(self, job: _Job) -> None:
        try:
            job.run()
        except BaseException:  # a job may fail in any way, and this thread is ours; the others must still run
            now_ns = self._clock.monotonic_ns()
            if now_ns >= job.silent_until_ns:
                job.silent_until_ns = now_ns + _QUIET_NS
                with suppress(Exception):  # a log handler of the application's may raise anything
                    logger.exception("%s failed; it runs again in %g s", job.name, job.interval_ns / 1e9)
