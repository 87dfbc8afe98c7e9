"""Runs one check on a thread of its own, with a time-out, and never twice at once.

A check that hangs costs one thread: until it ends, further runs say so and start nothing.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Awaitable, Mapping
from dataclasses import replace

from heliograph.clock import Clock
from heliograph.health.check import HealthCheck, HealthCheckResult, HealthStatus
from heliograph.recording.suppression import suppressed_instrumentation, suppressed_spans


class _Run:
    """One run of a check; ``result`` is there when ``done`` is set."""

    def __init__(self, started_ns: int) -> None:
        self.started_ns = started_ns
        self.done = threading.Event()
        self.result = HealthCheckResult.unknown("the check has not finished")


class CheckRunner:
    """Runs ``check``. Thread-safe: callers that come while it runs wait for the same run."""

    def __init__(self, check: HealthCheck, clock: Clock) -> None:
        self.check = check
        self._clock = clock
        self._start_over()

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._current: _Run | None = None

    def after_fork_in_child(self) -> None:
        """A run of the parent does not go on in the child."""
        self._start_over()

    def begin(self) -> _Run:
        """Start a run, or join the one that is going on."""
        with self._lock:
            if self._current is None or self._current.done.is_set():
                self._current = _Run(self._clock.monotonic_ns())
                threading.Thread(
                    target=self._execute, args=(self._current,), name=f"heliograph-health-{self.check.name}", daemon=True
                ).start()
            return self._current

    def wait(self, run: _Run, timeout_s: float) -> HealthCheckResult:
        """The result of ``run``; unhealthy when it is not there within ``timeout_s`` seconds of its start."""
        left_s = timeout_s - (self._clock.monotonic_ns() - run.started_ns) / 1e9
        if run.done.wait(min(max(0.0, left_s), threading.TIMEOUT_MAX)):
            return run.result
        return HealthCheckResult(
            status=HealthStatus.UNHEALTHY,
            message=f"no answer within {timeout_s:g} s",
            timestamp=self._clock.time_ns() / 1e9,
            check_duration=timeout_s,
        )

    def _execute(self, run: _Run) -> None:
        try:
            # What a check does is no work of the application: it makes no spans and no client metrics.
            with suppressed_instrumentation(), suppressed_spans():
                result = self._ask()
        except BaseException as error:  # a check may fail in any way, sys.exit() and cancellation too; failing is what it says
            result = HealthCheckResult.unhealthy(f"{type(error).__name__}: {error}")
        run.result = replace(
            result,
            timestamp=self._clock.time_ns() / 1e9,
            check_duration=(self._clock.monotonic_ns() - run.started_ns) / 1e9,
        )
        run.done.set()

    def _ask(self) -> HealthCheckResult:
        said = self.check.check()
        answer = _awaited(said) if inspect.isawaitable(said) else said
        if not isinstance(answer, HealthCheckResult):
            raise TypeError(f"check() of {self.check.name!r} returned {answer!r}, expected a HealthCheckResult")
        if not isinstance(answer.status, HealthStatus):
            raise TypeError(f"check() of {self.check.name!r} gave status {answer.status!r}, expected a HealthStatus")
        if not isinstance(answer.metadata, Mapping):
            raise TypeError(f"check() of {self.check.name!r} gave metadata {answer.metadata!r}, expected a mapping")
        return answer


def _awaited(answer: Awaitable[object]) -> object:
    import asyncio  # noqa: PLC0415  # who has no asynchronous check does not need it

    async def wait() -> object:
        return await answer

    return asyncio.run(wait())
