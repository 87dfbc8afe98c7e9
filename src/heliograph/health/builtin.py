"""The checks that come with heliograph."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from heliograph.health.check import HealthCheckResult, HealthStatus

# A warning is given this far below the limit, as a share of it.
_WARN_FROM = 0.9


class DiskSpaceHealthCheck:
    """Unhealthy when more than ``threshold`` (0 to 1) of the file system that holds ``path`` is used, a warning from 90%
    of that on. Used space is counted as ``df`` does: used / (used + available to this user)."""

    name = "disk_space"

    def __init__(self, path: str = Path.cwd().anchor, threshold: float = 0.9) -> None:
        self._path = path
        self._threshold = _share(threshold, "DiskSpaceHealthCheck")

    def check(self) -> HealthCheckResult:
        usage = psutil.disk_usage(self._path)
        share = usage.used / (usage.used + usage.free)
        return _against(share, self._threshold, f"{self._path} is {share:.1%} full", path=self._path)


class MemoryHealthCheck:
    """Unhealthy when more than ``threshold`` (0 to 1) of the machine's memory is in use, a warning from 90% of that on."""

    name = "memory"

    def __init__(self, threshold: float = 0.8) -> None:
        self._threshold = _share(threshold, "MemoryHealthCheck")

    def check(self) -> HealthCheckResult:
        memory = psutil.virtual_memory()
        share = 1 - memory.available / memory.total
        return _against(share, self._threshold, f"{share:.1%} of memory is in use")


class CallableHealthCheck:
    """Asks a function, plain or async. It may return a result, a status, or something true (also None) or false."""

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self.name = name
        self._function = function

    def check(self) -> HealthCheckResult | Awaitable[HealthCheckResult]:
        answer = self._function()
        return self._later(answer) if inspect.isawaitable(answer) else _result(answer)

    async def _later(self, answer: Awaitable[Any]) -> HealthCheckResult:
        return _result(await answer)


def _result(answer: object) -> HealthCheckResult:
    if isinstance(answer, HealthCheckResult):
        return answer
    if isinstance(answer, HealthStatus):
        return HealthCheckResult(status=answer)
    if answer is None or answer:
        return HealthCheckResult.healthy()
    return HealthCheckResult.unhealthy(f"returned {answer!r}")


def _against(share: float, threshold: float, message: str, **metadata: Any) -> HealthCheckResult:
    status = HealthStatus.HEALTHY
    if share > threshold:
        status = HealthStatus.UNHEALTHY
    elif share > threshold * _WARN_FROM:
        status = HealthStatus.WARNING
    return HealthCheckResult(
        status=status, message=message, metadata={"used": round(share, 4), "threshold": threshold, **metadata}
    )


def _share(threshold: float, who: str) -> float:
    if not 0 < threshold <= 1:
        raise ValueError(f"{who} was given threshold {threshold!r}, expected a share above 0 and at most 1, such as 0.9")
    return threshold
