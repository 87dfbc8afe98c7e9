"""heliograph: observability for Python services, jobs and LLM applications, on OpenTelemetry.

Importing it starts nothing and reads no environment; ``TelemetryManager.start(...)`` does.
"""

from heliograph.__about__ import __version__
from heliograph.errors import (
    AlreadyStartedError,
    HealthCheckError,
    HeliographError,
    InstrumentError,
    NotStartedError,
    SettingsError,
)
from heliograph.health.builtin import CallableHealthCheck, DiskSpaceHealthCheck, MemoryHealthCheck
from heliograph.health.check import HealthCheck, HealthCheckResult, HealthStatus
from heliograph.health.manager import HealthCheckManager, HealthReport
from heliograph.manager import TelemetryManager
from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.status import ExportState, ExportStatus, ShutdownReport
from heliograph.settings import TelemetrySettings

__all__ = [
    "AlreadyStartedError",
    "CallableHealthCheck",
    "DiskSpaceHealthCheck",
    "ExportState",
    "ExportStatus",
    "HealthCheck",
    "HealthCheckError",
    "HealthCheckManager",
    "HealthCheckResult",
    "HealthReport",
    "HealthStatus",
    "HeliographError",
    "InstrumentError",
    "LedgerCounts",
    "MemoryHealthCheck",
    "NotStartedError",
    "SettingsError",
    "ShutdownReport",
    "TelemetryManager",
    "TelemetrySettings",
    "__version__",
]
