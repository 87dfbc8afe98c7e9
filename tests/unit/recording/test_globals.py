"""Registration as OpenTelemetry's global providers. A process has each global once, so most of it runs in others."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import _logs, metrics, trace

from heliograph import TelemetrySettings
from heliograph.recording.globals import register
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.providers import build as build_providers
from tests.support.interpreter import run_script


def providers(**settings):
    nowhere = [].append
    return build_providers(
        TelemetrySettings(**settings), accept_span=nowhere, accept_log=nowhere, readers=[], mishaps=Mishaps()
    )


def test_a_later_registration_of_ours_takes_the_place_of_an_earlier_one(caplog):
    for _ in range(3):
        ours = providers()
        assert register(ours) == ()
        assert trace.get_tracer_provider() is ours.tracer
        assert metrics.get_meter_provider() is ours.meter
        assert _logs.get_logger_provider() is ours.logger
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_what_the_global_api_handed_out_before_the_start_records_after_it():
    run_script("""
        from opentelemetry import _logs, metrics, trace
        from opentelemetry._logs import LogRecord
        tracer, counter = trace.get_tracer("library"), metrics.get_meter("library").create_counter("c")
        logger = _logs.get_logger("library")
        from heliograph import TelemetryManager
        memory = {"exporters": ["memory"]}
        telemetry = TelemetryManager.start("x", tracing=memory, metrics=memory, logs=memory, **QUIET)
        tracer.start_span("work").end()
        counter.add(3)
        logger.emit(LogRecord(body="said"))
        assert telemetry.force_flush()
        counts = {signal: counts.delivered for (signal, _name), counts in telemetry.ledger().items()}
        own = counts.pop("metrics")  # those about telemetry itself come to them
        assert own > 1
        assert counts == {"traces": 1, "logs": 1}, counts
    """)


SET_UP = """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
MADE = {"tracing": TracerProvider, "metrics": MeterProvider, "logs": LoggerProvider}
SET = {"tracing": trace.set_tracer_provider, "metrics": metrics.set_meter_provider, "logs": _logs.set_logger_provider}
GET = {"tracing": trace.get_tracer_provider, "metrics": metrics.get_meter_provider, "logs": _logs.get_logger_provider}
def set_foreign(signal):
    provider = MADE[signal](shutdown_on_exit=False)
    SET[signal](provider)
    return provider
def get(signal):
    return GET[signal]()
import logging, sys
logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stdout)
from heliograph import TelemetryManager
signal = sys.argv[1]
"""


@pytest.mark.parametrize(
    ("signal", "noun", "kind"),
    [
        ("tracing", "TracerProvider", "opentelemetry.sdk.trace.TracerProvider"),
        ("metrics", "MeterProvider", "opentelemetry.sdk.metrics._internal.MeterProvider"),
        ("logs", "LoggerProvider", "opentelemetry.sdk._logs._internal.LoggerProvider"),
    ],
)
def test_a_provider_that_something_else_set_stays_and_is_named_in_one_warning(signal, noun, kind):
    out, _err = run_script(
        SET_UP
        + """
foreign = set_foreign(signal)
memory = {"exporters": ["memory"]}
with TelemetryManager.start("x", tracing=memory, metrics=memory, logs=memory, **QUIET) as telemetry:
    assert get(signal) is foreign
    with telemetry.span("ours"):  # what goes through the manager is recorded all the same
        telemetry.increment_counter("c")
        telemetry.event("e")
    assert telemetry.force_flush()
    counts = {signal: counts.delivered for (signal, _name), counts in telemetry.ledger().items()}
    assert counts.pop("metrics") > 1  # those about telemetry itself come to them
    assert counts == {"traces": 1, "logs": 1}, counts
assert get(signal) is foreign
""",
        signal,
    )
    (warning,) = out.splitlines()
    assert warning.startswith(f"heliograph: the global OpenTelemetry {noun} is {kind} already, set by something else")


@pytest.mark.parametrize("signal", ["tracing", "metrics", "logs"])
@pytest.mark.parametrize("order", ["foreign first", "foreign later"])
def test_a_signal_that_is_switched_off_leaves_its_global_to_others_without_a_word(signal, order):
    out, _err = run_script(
        SET_UP
        + """
if sys.argv[2] == "foreign first":
    foreign = set_foreign(signal)
telemetry = TelemetryManager.start("x", **QUIET, **{signal: {"enabled": False}})
if sys.argv[2] == "foreign later":
    foreign = set_foreign(signal)
assert get(signal) is foreign, get(signal)
telemetry.shutdown()
assert get(signal) is foreign
""",
        signal,
        order,
    )
    assert out == ""


@pytest.mark.parametrize(
    ("settings", "environ"),
    [({"enabled": False}, {}), ({}, {"OTEL_SDK_DISABLED": "true"}), ({}, {"OTEL_SDK_DISABLED": " TRUE "})],
)
def test_a_disabled_manager_registers_nothing_and_starts_nothing(settings, environ):
    run_script(
        """
        import sys, threading
        from opentelemetry import _logs, metrics, trace
        before = [trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()]
        from heliograph import TelemetryManager
        telemetry = TelemetryManager.start("x", **eval(sys.argv[1]))
        assert not telemetry.is_enabled
        assert TelemetryManager.current() is telemetry
        after = [trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()]
        assert before == after, after
        assert threading.active_count() == 1, threading.enumerate()
        assert telemetry.endpoint_url is None
        from opentelemetry.sdk.trace import TracerProvider
        foreign = TracerProvider()
        trace.set_tracer_provider(foreign)
        assert trace.get_tracer_provider() is foreign
        """,
        repr(settings),
        environ=environ,
    )
