"""The recording calls of a TelemetryManager, and its looks at itself."""

from __future__ import annotations

import asyncio
import logging

import pytest
from opentelemetry import trace

from heliograph import InstrumentError, TelemetryManager, TelemetrySettings
from heliograph.clock import ManualClock
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names, values

MEMORY = {"exporters": ["memory"]}


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


def settings(**options):
    return TelemetrySettings(**{"tracing": MEMORY, "metrics": MEMORY, "logs": MEMORY, **QUIET, **options})


def test_instruments_made_before_initialize_record_after_it(recorder):
    telemetry = TelemetryManager(settings(recorder=recorder))
    counter, bound = telemetry.counter("c"), telemetry.gauge("g").bind(disk="a")
    histogram = telemetry.histogram("h", unit="s", buckets=[1, 2])
    counter.add(100)
    telemetry.increment_counter("c", 100)
    telemetry.initialize()
    counter.add(2)
    bound.set(7)
    histogram.record(1.5)
    recorded = values(telemetry)
    assert (recorded["c"], recorded["g"], recorded["h"]) == ({(): 2}, {(("disk", "a"),): 7}, {(): 1.5})


def test_calls_by_name_use_the_instrument_of_that_name_whatever_its_unit(start, recorder):
    telemetry = start(**QUIET, recorder=recorder)
    telemetry.histogram("h", unit="s", buckets=[1])
    telemetry.record_histogram("h", 2)
    telemetry.increment_counter("c")
    telemetry.increment_counter_with_attributes("c", 2, {"a": 1})
    telemetry.set_gauge("g", 3, {"a": 1})
    telemetry.increment_counter("h")  # taken by another kind: noted, not raised
    recorded = values(telemetry)
    assert recorded == {"h": {(): 2}, "c": {(): 1, (("a", 1),): 2}, "g": {(("a", 1),): 3}}
    with pytest.raises(InstrumentError):
        telemetry.counter("h")


def test_trace_names_the_span_after_the_function(start):
    telemetry = start(**QUIET)

    @telemetry.trace
    def work():
        return 5

    assert work() == 5
    (name,) = span_names(telemetry)
    assert name == f"{__name__}.test_trace_names_the_span_after_the_function.<locals>.work"
    with pytest.raises(TypeError, match=r"use @telemetry.span\('work'\)"):
        telemetry.trace("work")


def test_trace_async_runs_functions_coroutine_functions_and_awaitables_in_a_span(start, recorder):
    telemetry = start(**QUIET, recorder=recorder)

    async def current(value=1):
        await asyncio.sleep(0)
        assert trace.get_current_span().is_recording()
        return value

    async def fail():
        raise KeyError("k")

    async def work():
        got = [await telemetry.trace_async("a", current), await telemetry.trace_async("b", current(2), {"n": 1})]
        got.append(await telemetry.trace_async("c", lambda: 3))
        with pytest.raises(KeyError):
            await telemetry.trace_async("d", fail)
        return got

    assert asyncio.run(work()) == [1, 2, 3]
    assert [(span.name, span.status.is_ok) for span in delivered(telemetry, "traces")] == [
        ("a", True), ("b", True), ("c", True), ("d", False)]  # fmt: skip


def test_an_event_has_the_time_of_the_managers_clock(recorder):
    clock = ManualClock(time_ns=42)
    telemetry = TelemetryManager(settings(recorder=recorder), clock=clock).initialize()
    telemetry.event("order.placed", severity="WARN", body="x", order_id=7, name="attribute")
    telemetry.shutdown(timeout_s=1)
    (item,) = telemetry.exporter("logs", "memory").items()
    assert item.log_record.timestamp == 42
    assert dict(item.log_record.attributes) == {"order_id": 7, "name": "attribute"}


@pytest.mark.parametrize(
    ("given", "level"), [(None, logging.WARNING), (logging.DEBUG, 10), ("ERROR", 40), (0, 0), (logging.NOTSET, 0)]
)
def test_the_logging_handler_has_the_level_given_else_that_of_the_settings(start, given, level):
    telemetry = start(**QUIET, logs={"exporters": ["memory"], "level": "WARNING"})
    assert telemetry.logging_handler(given).level == level


def test_an_exporter_that_is_not_there_is_refused_naming_those_that_are(start):
    telemetry = start(**QUIET)
    with pytest.raises(LookupError, match=r"there are: traces/memory, metrics/memory, logs/memory"):
        telemetry.exporter("traces", "otlp")
