"""A check runs on a thread of its own, never twice at once, and whatever it does becomes a result."""

import asyncio
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from heliograph.clock import ManualClock, SystemClock
from heliograph.health.check import HealthCheckResult, HealthStatus
from heliograph.health.runner import CheckRunner
from heliograph.recording.suppression import is_suppressed
from tests.support.waiting import until


class _Check:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.name = "probe"
        self.check = answer


class _Gate:
    """A check that waits until it is let go."""

    name = "gate"

    def __init__(self) -> None:
        self.calls = 0
        self.let_go = threading.Event()

    def check(self) -> HealthCheckResult:
        self.calls += 1
        self.let_go.wait(10)
        return HealthCheckResult.healthy(f"call {self.calls}")


def _run(answer: Callable[[], Any], timeout_s: float = 5.0) -> HealthCheckResult:
    runner = CheckRunner(_Check(answer), SystemClock())
    return runner.wait(runner.begin(), timeout_s)


def _raise(error: BaseException) -> Any:
    raise error


async def _cancelled() -> HealthCheckResult:
    raise asyncio.CancelledError


async def _later() -> HealthCheckResult:
    await asyncio.sleep(0)
    return HealthCheckResult.warning("later")


def test_a_result_is_stamped_with_when_it_was_found_and_how_long_it_took() -> None:
    clock = ManualClock(time_ns=1_000_000_000_000)

    def slow() -> HealthCheckResult:
        clock.advance(2.5)
        return replace(HealthCheckResult.healthy("fine", rows=1), timestamp=1.0, check_duration=9.0)

    runner = CheckRunner(_Check(slow), clock)
    result = runner.wait(runner.begin(), 60)
    assert (result.timestamp, result.check_duration) == (1002.5, 2.5)
    assert (result.message, result.metadata) == ("fine", {"rows": 1})


def test_an_async_check_is_awaited() -> None:
    assert _run(_later).message == "later"


def test_a_check_runs_on_a_daemon_thread_with_its_name() -> None:
    found: list[threading.Thread] = []
    _run(lambda: found.append(threading.current_thread()) or HealthCheckResult.healthy())
    assert (found[0].name, found[0].daemon) == ("heliograph-health-probe", True)


def test_what_a_check_does_is_not_instrumented() -> None:
    found: list[bool] = []
    _run(lambda: found.append(is_suppressed()) or HealthCheckResult.healthy())
    assert found == [True]


@pytest.mark.parametrize("error", [ValueError("bad"), OSError(5, "io"), ExceptionGroup("g", [ValueError("x")])], ids=repr)
def test_a_check_that_raises_is_unhealthy_and_says_what(error: Exception) -> None:
    result = _run(lambda: _raise(error))
    assert result.status is HealthStatus.UNHEALTHY
    assert result.message == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("answer", [lambda: sys.exit(2), _cancelled], ids=["sys.exit", "cancelled"])
def test_a_check_that_ends_its_own_thread_is_unhealthy_at_once_and_runs_again(answer: Callable[[], Any]) -> None:
    check = _Check(answer)
    runner = CheckRunner(check, SystemClock())
    first = runner.wait(runner.begin(), 0.5)
    assert first.status is HealthStatus.UNHEALTHY
    assert "no answer" not in first.message
    check.check = HealthCheckResult.healthy
    assert runner.wait(runner.begin(), 0.5).status is HealthStatus.HEALTHY


@pytest.mark.parametrize("said", [None, True, "healthy", {"status": "healthy"}, HealthStatus.HEALTHY], ids=repr)
def test_a_check_that_returns_no_result_is_unhealthy_and_says_what_it_returned(said: object) -> None:
    result = _run(lambda: said)
    assert result.status is HealthStatus.UNHEALTHY
    assert repr(said) in result.message


@pytest.mark.parametrize("status", [None, "bogus", 1])
def test_a_result_whose_status_is_none_of_ours_is_unhealthy(status: Any) -> None:
    assert _run(lambda: HealthCheckResult(status=status)).status is HealthStatus.UNHEALTHY


def test_a_status_spelled_as_text_never_leaves_as_text() -> None:
    assert isinstance(_run(lambda: HealthCheckResult(status="healthy")).status, HealthStatus)  # type: ignore[arg-type]


def test_a_check_that_takes_too_long_is_unhealthy() -> None:
    gate = _Gate()
    runner = CheckRunner(gate, SystemClock())
    result = runner.wait(runner.begin(), 0.05)
    assert (result.status, result.message, result.check_duration) == (HealthStatus.UNHEALTHY, "no answer within 0.05 s", 0.05)
    gate.let_go.set()


def test_a_hanging_check_is_not_started_again_until_it_ends() -> None:
    gate = _Gate()
    runner = CheckRunner(gate, SystemClock())
    hanging = runner.begin()
    assert runner.begin() is hanging
    assert runner.wait(hanging, 0.01).status is HealthStatus.UNHEALTHY
    gate.let_go.set()
    until(hanging.done.is_set)
    assert gate.calls == 1
    assert runner.wait(runner.begin(), 5).message == "call 2"


def test_the_time_out_counts_from_the_start_of_the_run_that_was_joined() -> None:
    gate, clock = _Gate(), ManualClock()
    runner = CheckRunner(gate, clock)
    run = runner.begin()
    clock.advance(60)
    assert runner.wait(run, 30).message == "no answer within 30 s"  # at once: nobody advances the clock
    gate.let_go.set()


@pytest.mark.parametrize("timeout_s", [float("inf"), 1e10, threading.TIMEOUT_MAX * 2])
def test_a_very_long_time_out_is_waited_for_like_any_other(timeout_s: float) -> None:
    gate = _Gate()
    runner = CheckRunner(gate, SystemClock())
    run = runner.begin()
    threading.Timer(0.05, gate.let_go.set).start()
    assert runner.wait(run, timeout_s).status is HealthStatus.HEALTHY


def test_callers_that_come_while_it_runs_share_one_run() -> None:
    gate = _Gate()
    runner = CheckRunner(gate, SystemClock())
    results: list[HealthCheckResult] = []
    callers = [threading.Thread(target=lambda: results.append(runner.wait(runner.begin(), 5))) for _ in range(8)]
    for caller in callers:
        caller.start()
    until(lambda: gate.calls)
    gate.let_go.set()
    for caller in callers:
        caller.join()
    assert len(results) == 8
    assert {result.status for result in results} == {HealthStatus.HEALTHY}


def test_a_forked_child_starts_a_run_of_its_own() -> None:
    gate = _Gate()
    runner = CheckRunner(gate, SystemClock())
    parents = runner.begin()
    runner.after_fork_in_child()
    assert runner.begin() is not parents
    gate.let_go.set()
