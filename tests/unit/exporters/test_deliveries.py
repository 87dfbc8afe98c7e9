"""From the settings of an exporter to its delivery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heliograph.clock import SystemClock
from heliograph.exporters.deliveries import build_delivery, exporters_of, limits_of
from heliograph.exporters.span_log import SpanLog
from heliograph.pipeline.ledger import Signal
from heliograph.settings import TelemetrySettings

OTLP = {"type": "otlp", "endpoint": "http://collector:4318"}


def delivery(settings: TelemetrySettings) -> Any:
    return build_delivery(settings, Signal.TRACES, settings.tracing.exporters[0], SystemClock())


def test_only_signals_that_are_switched_on_go_anywhere() -> None:
    settings = TelemetrySettings(tracing={"exporters": [OTLP]}, metrics={"enabled": False}, logs={"exporters": ["memory"]})
    found = {signal.value: [wanted.destination for wanted in exporters] for signal, exporters in exporters_of(settings)}
    assert found == {"traces": ["otlp"], "logs": ["memory"]}


@pytest.mark.parametrize(("is_on", "expected"), [(True, ["memory", "heliograph.spans"]), (False, ["memory"])])
def test_the_log_of_spans_is_a_destination_when_it_is_asked_for(is_on: bool, expected: list[str]) -> None:
    settings = TelemetrySettings(tracing={"exporters": ["memory"], "log_spans": is_on})
    exporters = dict(exporters_of(settings))[Signal.TRACES]
    assert [wanted.destination for wanted in exporters] == expected
    assert isinstance(exporters[-1], SpanLog) is is_on


@pytest.mark.parametrize("is_on", [True, False])
def test_only_the_debug_mode_narrates(is_on: bool) -> None:
    settings = TelemetrySettings(tracing={"exporters": [OTLP], "debug_mode": is_on})
    assert (delivery(settings).narrate is not None) is is_on


def test_what_is_reached_over_the_network_has_the_disk_behind_it(tmp_path: Path) -> None:
    options = {"spool_directory": str(tmp_path), "spool": "always"}
    kept = delivery(TelemetrySettings(tracing={"exporters": [OTLP]}, delivery=options))
    local = delivery(TelemetrySettings(tracing={"exporters": ["memory"]}, delivery=options))
    assert (kept.spool is not None, kept.is_spooled_first) == (True, True)
    assert (local.spool, local.is_spooled_first) == (None, False)


def test_an_attempt_takes_as_long_as_the_shorter_of_its_two_limits() -> None:
    exporters = [{**OTLP, "timeout": "3s"}, {**OTLP, "name": "slow", "timeout": "1m"}]
    settings = TelemetrySettings(tracing={"exporters": exporters, "batch_export": {"max_export_timeout": "7s"}})
    found = [limits_of(settings, Signal.TRACES, wanted).attempt_timeout_s for wanted in settings.tracing.exporters]
    assert found == [3.0, 7.0]
