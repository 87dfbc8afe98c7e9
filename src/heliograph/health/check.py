"""What a health check is, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class HealthStatus(StrEnum):
    """How something is. ``number`` is the value of the health gauges."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    WARNING = "warning"
    UNHEALTHY = "unhealthy"

    @property
    def number(self) -> int:
        """0 unknown, 1 healthy, 2 warning, 3 unhealthy."""
        return _NUMBERS[self]


_NUMBERS = {status: number for number, status in enumerate(HealthStatus)}

# Worst last. A critical check that cannot say how it is does not let a service count as ready.
WORST_LAST = (HealthStatus.HEALTHY, HealthStatus.WARNING, HealthStatus.UNKNOWN, HealthStatus.UNHEALTHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckResult:
    """What one run of a check said. A check gives status, message and metadata; the manager fills in when it ran
    (``timestamp``, seconds since the Unix epoch) and how long it took (``check_duration``, seconds)."""

    status: HealthStatus
    message: str = ""
    timestamp: float = 0.0
    check_duration: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def healthy(cls, message: str = "", **metadata: Any) -> HealthCheckResult:
        """All is well."""
        return cls(status=HealthStatus.HEALTHY, message=message, metadata=metadata)

    @classmethod
    def warning(cls, message: str, **metadata: Any) -> HealthCheckResult:
        """It works, and somebody should look at it."""
        return cls(status=HealthStatus.WARNING, message=message, metadata=metadata)

    @classmethod
    def unhealthy(cls, message: str, **metadata: Any) -> HealthCheckResult:
        """It does not work."""
        return cls(status=HealthStatus.UNHEALTHY, message=message, metadata=metadata)

    @classmethod
    def unknown(cls, message: str, **metadata: Any) -> HealthCheckResult:
        """The check could not find out."""
        return cls(status=HealthStatus.UNKNOWN, message=message, metadata=metadata)


class HealthCheck(Protocol):
    """Something that can be asked how it is. A check that raises is unhealthy; so is one that takes too long."""

    @property
    def name(self) -> str:
        """Unique among the checks of a manager; the value of the label ``health_check_name``."""

    def check(self) -> HealthCheckResult | Awaitable[HealthCheckResult]:
        """Find out. May be a plain or an async method; runs on a thread of its own."""
