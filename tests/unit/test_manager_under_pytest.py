"""Telemetry is off where pytest runs, and in what it starts, unless somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from heliograph import TelemetryManager, TelemetrySettings
from tests.support.interpreter import run_script

UNDER_PYTEST = {"PYTEST_VERSION": "9.0"}


@pytest.mark.parametrize(
    ("environ", "options", "is_enabled"),
    [
        ({}, {}, True),
        (UNDER_PYTEST, {}, False),
        (UNDER_PYTEST, {"preset": "production"}, False),
        (UNDER_PYTEST, {"enabled": True}, True),
        (UNDER_PYTEST, {"enabled": False}, False),
        ({**UNDER_PYTEST, "HELIOGRAPH_ENABLED": "true"}, {}, True),
        ({**UNDER_PYTEST, "HELIOGRAPH_ENABLED": " ON "}, {}, True),
        ({**UNDER_PYTEST, "HELIOGRAPH_ENABLED": "false"}, {}, False),
        ({**UNDER_PYTEST, "HELIOGRAPH_ENABLED": "true"}, {"enabled": False}, False),
        ({**UNDER_PYTEST, "HELIOGRAPH_ENABLED": "true", "OTEL_SDK_DISABLED": "true"}, {"enabled": True}, False),
    ],
)
def test_who_asks_has_it(environ: Mapping[str, str], options: dict[str, Any], is_enabled: bool) -> None:
    assert TelemetryManager(TelemetrySettings(**options), environ=environ).is_enabled is is_enabled


def test_a_manager_that_is_off_runs_listens_nowhere_and_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELIOGRAPH_ENABLED")
    out, _ = run_script(
        """
        import threading
        from opentelemetry import trace
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start("shop", server={"port": 0})
        with telemetry.span("work") as span, trace.get_tracer("x").start_as_current_span("api") as other:
            telemetry.counter("orders").add(1)
        print(TelemetryManager.current() is telemetry, telemetry.endpoint_url, telemetry.ledger(), threading.active_count())
        print(span.is_recording(), other.is_recording(), telemetry.shutdown().is_complete)
        """,
        environ=UNDER_PYTEST,
    )
    assert out.splitlines() == ["True None {} 1", "False False True"]


@pytest.mark.parametrize("options", [{"enabled": True}, {}], ids=["on", "off"])
def test_one_that_is_off_stands_in_nobodys_way(options: dict[str, Any]) -> None:
    off = TelemetryManager(TelemetrySettings(service_name="imported"), environ=UNDER_PYTEST).initialize()
    wanted = TelemetrySettings(service_name="asked for", server={"port": 0}, **options)
    telemetry = TelemetryManager(wanted, environ=UNDER_PYTEST).initialize()
    assert TelemetryManager.current() is telemetry is not off
    assert (telemetry.settings.service_name, telemetry.is_enabled) == ("asked for", bool(options))
