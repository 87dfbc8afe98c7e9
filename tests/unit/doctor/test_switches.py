"""What is switched off, and what goes nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Severity
from heliograph.doctor.switches import examine_switches
from heliograph.settings import TelemetrySettings

Around = Callable[..., Circumstances]
EVERYWHERE = {"tracing": {"exporters": ["otlp"]}, "logs": {"exporters": ["otlp"]}}
OFF = {"enabled": False}


def test_a_set_up_that_sends_everything_somewhere_is_nothing_to_speak_of(around: Around) -> None:
    assert list(examine_switches(around(**EVERYWHERE))) == []


def test_what_is_switched_off_by_the_environment_is_said_once(around: Around) -> None:
    found = examine_switches(around({"OTEL_SDK_DISABLED": "true"}, enabled=False, **EVERYWHERE))
    assert [finding.fix for finding in found] == ["unset OTEL_SDK_DISABLED"]


@pytest.mark.parametrize(
    ("environ", "options", "severity", "what", "why"),
    [
        ({"OTEL_SDK_DISABLED": " True "}, {}, Severity.WARNING, "switched off: the application records", "OTEL_SDK_DISABLED"),
        ({}, {"enabled": False}, Severity.WARNING, "switched off: the application records nothing", "enabled is off"),
        ({"PYTEST_VERSION": "8"}, {}, Severity.INFO, "switched off under pytest", "PYTEST_VERSION"),
        ({}, {"logs": OFF}, Severity.INFO, "logs: switched off", "logs.enabled is off"),
        ({}, {"logs": {"exporters": []}}, Severity.INFO, "logs: no destination", "logs.exporters: nothing is in there"),
        (
            {},
            {"tracing": {"exporters": ["otlp"], "sample_rate": 0}},
            Severity.WARNING,
            "traces: none is kept",
            "tracing.sample_rate is 0",
        ),
        (
            {},
            {"tracing": {"exporters": ["otlp"], "sample_rate": 0.1}},
            Severity.INFO,
            "traces: 0.1 of them are kept, and those that failed or were slow",
            "tracing.sample_rate is 0.1",
        ),
        (
            {},
            {"tracing": {"exporters": ["otlp"], "sample_rate": 0.1, "keep_errors": False, "keep_slower_than": None}},
            Severity.INFO,
            "traces: 0.1 of them are kept",
            "one of the others",
        ),
    ],
)
def test_what_makes_telemetry_silent_is_named(
    environ: dict[str, str], options: dict[str, Any], severity: Severity, what: str, why: str, around: Around
) -> None:
    (finding,) = examine_switches(around(environ, **{**EVERYWHERE, **options}))
    assert (finding.severity, what in finding.what, why in finding.why) == (severity, True, True), finding


@pytest.mark.parametrize(
    ("environ", "options"), [({"HELIOGRAPH_ENABLED": "true"}, {}), ({}, {"enabled": True}), ({"OTEL_SDK_DISABLED": "no"}, {})]
)
def test_what_is_asked_for_is_on(environ: dict[str, str], options: dict[str, Any], around: Around) -> None:
    pytest_too = {"PYTEST_VERSION": "8"} if "OTEL_SDK_DISABLED" not in environ else {}
    assert list(examine_switches(around({**pytest_too, **environ}, **EVERYWHERE, **options))) == []


def test_when_no_signal_goes_anywhere_that_is_a_warning(around: Around) -> None:
    (finding,) = examine_switches(around(metrics={"exporters": []}))
    assert finding.severity is Severity.WARNING
    assert finding.what.startswith("traces, metrics and logs: no destination")


def test_a_service_without_a_name_is_told_how_to_get_one(around: Around, tmp_path: Any) -> None:
    nameless = TelemetrySettings(**EVERYWHERE)
    (finding,) = examine_switches(Circumstances(settings=nameless, environ={}, folder=tmp_path))
    assert (finding.severity, "service_name is not set" in finding.what) == (Severity.INFO, True)
    named = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}
    assert list(examine_switches(Circumstances(settings=nameless, environ=named, folder=tmp_path))) == []
