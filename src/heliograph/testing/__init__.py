"""For tests of what uses heliograph: captured telemetry, and what exporters and health checks have to keep.

The fixture ``telemetry`` comes by pytest's entry point (`plugin.py`). Names are loaded when they are used: pytest imports this
package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from heliograph.testing.capture import captured
    from heliograph.testing.checks import HealthCheckConformance
    from heliograph.testing.clock import SettableClock
    from heliograph.testing.exporters import ExporterConformance, ExporterSubject
    from heliograph.testing.logs import RecordedEvents, RecordedLog, RecordedLogs
    from heliograph.testing.metrics import Measured, Series
    from heliograph.testing.spans import RecordedSpan, RecordedSpanEvent, RecordedSpans
    from heliograph.testing.telemetry import CapturedTelemetry

__all__ = [
    "CapturedTelemetry",
    "ExporterConformance",
    "ExporterSubject",
    "HealthCheckConformance",
    "Measured",
    "RecordedEvents",
    "RecordedLog",
    "RecordedLogs",
    "RecordedSpan",
    "RecordedSpanEvent",
    "RecordedSpans",
    "Series",
    "SettableClock",
    "captured",
]

_MODULES: Final = {
    "CapturedTelemetry": "telemetry",
    "ExporterConformance": "exporters",
    "ExporterSubject": "exporters",
    "HealthCheckConformance": "checks",
    "Measured": "metrics",
    "RecordedEvents": "logs",
    "RecordedLog": "logs",
    "RecordedLogs": "logs",
    "RecordedSpan": "spans",
    "RecordedSpanEvent": "spans",
    "RecordedSpans": "spans",
    "Series": "metrics",
    "SettableClock": "clock",
    "captured": "capture",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
