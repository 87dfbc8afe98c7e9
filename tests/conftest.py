"""What every test may use. Managers that a test leaves running are shut down after it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest
from opentelemetry import propagate

from heliograph import TelemetryManager, TelemetrySettings
from heliograph.errors import NotStartedError

# Tests say themselves what the environment holds.
for name in [name for name in os.environ if name.startswith(("HELIOGRAPH_", "OTEL_", "PROMETHEUS_", "TELEMETRY_"))]:
    del os.environ[name]
# Telemetry is off under pytest unless it is asked for, in the processes that tests start too.
os.environ["HELIOGRAPH_ENABLED"] = "true"


@pytest.fixture(autouse=True)
def _no_manager_survives_its_test() -> Iterator[None]:
    propagator = propagate.get_global_textmap()
    yield
    with contextlib.suppress(NotStartedError):
        TelemetryManager.current().shutdown(timeout_s=1.0)
    propagate.set_global_textmap(propagator)  # a manager that was told of others leaves them


@pytest.fixture
def start() -> Callable[..., TelemetryManager]:
    """Start a manager that keeps everything in memory and serves on any free port, unless told otherwise."""

    def start_with(**options: object) -> TelemetryManager:
        settings = TelemetrySettings(
            **{
                "service_name": "under-test",
                "tracing": {"exporters": ["memory"]},
                "metrics": {"exporters": ["prometheus", "memory"]},
                "logs": {"exporters": ["memory"]},
                "server": {"port": 0},
                **options,
            }
        )
        return TelemetryManager.start(settings=settings)

    return start_with
