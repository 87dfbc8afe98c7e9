"""The built-in checks: the disk and the memory of this machine, and any function."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import psutil
import pytest

from heliograph.clock import SystemClock
from heliograph.health.builtin import CallableHealthCheck, DiskSpaceHealthCheck, MemoryHealthCheck
from heliograph.health.check import HealthCheck, HealthCheckResult, HealthStatus
from heliograph.health.runner import CheckRunner


def _run(check: HealthCheck) -> HealthCheckResult:
    runner = CheckRunner(check, SystemClock())
    return runner.wait(runner.begin(), 5.0)


def _raises() -> None:
    raise ConnectionError("refused")


async def _async_status() -> HealthStatus:
    await asyncio.sleep(0)
    return HealthStatus.WARNING


async def _async_false() -> bool:
    return False


async def _async_raises() -> None:
    raise ConnectionError("refused")


class _NoTruth:
    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


def test_the_disk_is_measured_as_df_does(tmp_path: Path) -> None:
    result = DiskSpaceHealthCheck(str(tmp_path), threshold=1).check()
    usage = psutil.disk_usage(str(tmp_path))
    assert result.metadata["used"] == pytest.approx(usage.used / (usage.used + usage.free), abs=0.02)
    assert (result.metadata["threshold"], result.metadata["path"]) == (1, str(tmp_path))
    assert f"{tmp_path} is" in result.message


def test_the_memory_in_use_is_what_is_not_available() -> None:
    result = MemoryHealthCheck(threshold=1).check()
    memory = psutil.virtual_memory()
    assert result.metadata["used"] == pytest.approx(1 - memory.available / memory.total, abs=0.1)


@pytest.mark.parametrize("kind", [DiskSpaceHealthCheck, MemoryHealthCheck])
def test_use_above_the_threshold_is_unhealthy(kind: Any) -> None:
    assert kind(threshold=1e-6).check().status is HealthStatus.UNHEALTHY


@pytest.mark.parametrize("kind", [DiskSpaceHealthCheck, MemoryHealthCheck])
def test_use_from_nine_tenths_of_the_threshold_on_is_a_warning(kind: Any) -> None:
    used = kind(threshold=1).check().metadata["used"]
    assert kind(threshold=min(1.0, used * 1.05)).check().status is HealthStatus.WARNING
    assert kind(threshold=1).check().status is (HealthStatus.HEALTHY if used <= 0.9 else HealthStatus.WARNING)


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, 90, float("nan")])
@pytest.mark.parametrize("kind", [DiskSpaceHealthCheck, MemoryHealthCheck])
def test_a_threshold_that_is_no_share_is_refused(kind: Any, threshold: float) -> None:
    with pytest.raises(ValueError, match=rf"{kind.__name__} was given threshold {threshold!r}, expected a share"):
        kind(threshold=threshold)


def test_a_path_that_is_not_there_is_unhealthy(tmp_path: Path) -> None:
    result = _run(DiskSpaceHealthCheck(str(tmp_path / "missing")))
    assert result.status is HealthStatus.UNHEALTHY
    assert result.message.startswith("FileNotFoundError")


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (lambda: True, HealthStatus.HEALTHY),
        (lambda: None, HealthStatus.HEALTHY),
        (lambda: {"rows": 3}, HealthStatus.HEALTHY),
        (lambda: False, HealthStatus.UNHEALTHY),
        (lambda: 0, HealthStatus.UNHEALTHY),
        (list, HealthStatus.UNHEALTHY),
        (lambda: HealthStatus.UNKNOWN, HealthStatus.UNKNOWN),
        (lambda: HealthCheckResult.warning("slow"), HealthStatus.WARNING),
        (_async_status, HealthStatus.WARNING),
        (_async_false, HealthStatus.UNHEALTHY),
        (_raises, HealthStatus.UNHEALTHY),
        (_async_raises, HealthStatus.UNHEALTHY),
        (_NoTruth, HealthStatus.UNHEALTHY),
    ],
)
def test_what_a_function_says_or_raises_becomes_a_result(function: Any, status: HealthStatus) -> None:
    assert _run(CallableHealthCheck("function", function)).status is status


def test_a_false_answer_is_shown() -> None:
    assert _run(CallableHealthCheck("queue", lambda: 0)).message == "returned 0"


def test_an_exception_is_shown_with_its_type() -> None:
    assert _run(CallableHealthCheck("db", _raises)).message == "ConnectionError: refused"


def test_a_result_of_the_function_is_passed_on_whole() -> None:
    result = _run(CallableHealthCheck("db", lambda: HealthCheckResult.warning("slow", latency_s=2)))
    assert (result.message, result.metadata) == ("slow", {"latency_s": 2})


def test_an_async_function_is_awaited_by_whoever_runs_the_check() -> None:
    answer = CallableHealthCheck("later", _async_status).check()
    assert inspect.isawaitable(answer)

    async def awaited() -> HealthCheckResult:
        return await answer

    assert asyncio.run(awaited()).status is HealthStatus.WARNING
