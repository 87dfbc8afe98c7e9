"""system-metrics: all that the package observes about this machine and process by default."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor


def run(_argument: str) -> Any:
    # Not taken off again: what it observes is collected after this function has returned.
    SystemMetricsInstrumentor().instrument()
