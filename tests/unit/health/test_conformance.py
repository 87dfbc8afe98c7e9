"""Every check of ours keeps what the conformance suite says."""

from __future__ import annotations

from pathlib import Path

from heliograph import CallableHealthCheck, DiskSpaceHealthCheck, HealthCheck, MemoryHealthCheck
from heliograph.testing import HealthCheckConformance

ALMOST_NOTHING = 1e-9  # any machine uses more than this share


class TestDiskSpace(HealthCheckConformance):
    def well(self) -> HealthCheck:
        return DiskSpaceHealthCheck("/dev/shm" if Path("/dev/shm").is_dir() else "/", threshold=1)

    def broken(self) -> HealthCheck:
        return DiskSpaceHealthCheck("/", threshold=ALMOST_NOTHING)


class TestMemory(HealthCheckConformance):
    def well(self) -> HealthCheck:
        return MemoryHealthCheck(threshold=1)

    def broken(self) -> HealthCheck:
        return MemoryHealthCheck(threshold=ALMOST_NOTHING)


class TestCallable(HealthCheckConformance):
    def well(self) -> HealthCheck:
        return CallableHealthCheck("database", lambda: True)

    def broken(self) -> HealthCheck:
        return CallableHealthCheck("database", lambda: False)


class TestAsynchronousCallable(HealthCheckConformance):
    def well(self) -> HealthCheck:
        async def ask() -> None:
            return None

        return CallableHealthCheck("database", ask)

    def broken(self) -> HealthCheck:
        async def ask() -> None:
            raise ConnectionError("refused")

        return CallableHealthCheck("database", ask)
