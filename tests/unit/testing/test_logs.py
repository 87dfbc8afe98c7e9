"""Events and log records as a test sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from opentelemetry import _logs
from opentelemetry._logs import SeverityNumber

from heliograph.testing import CapturedTelemetry, captured


@pytest.fixture
def telemetry() -> Iterator[CapturedTelemetry]:
    with captured() as found:
        yield found


def test_an_event_has_name_severity_body_attributes_and_the_span_around_it(telemetry: CapturedTelemetry) -> None:
    with telemetry.span("take order"):
        telemetry.event("order.placed", severity="warning", body="one lamp", order=7)
    telemetry.event("closed")
    placed = telemetry.events["order.placed"]
    assert (placed.name, placed.severity, placed.body, placed.attributes) == (
        "order.placed",
        "WARNING",
        "one lamp",
        {"order": 7},
    )
    assert (placed.trace_id, placed.span_id, placed.time_ns) == (1, 1, telemetry.clock.time_ns())
    assert telemetry.events.names == ["order.placed", "closed"]
    assert (telemetry.events["closed"].span_id, telemetry.events["closed"].body, telemetry.logs) == (0, None, [])


def test_log_records_are_no_events(telemetry: CapturedTelemetry) -> None:
    logger = logging.getLogger("tests.shop")
    handler = telemetry.logging_handler()
    logger.addHandler(handler)
    try:
        with telemetry.span("work"):
            logger.error("%s is gone", "stock", extra={"sku": "lamp"})
    finally:
        logger.removeHandler(handler)
    _logs.get_logger("api").emit(body={"a": 1}, severity_number=SeverityNumber.INFO)
    assert telemetry.logs.bodies == ["stock is gone", {"a": 1}]
    line = telemetry.logs["tests.shop"]
    assert (line.severity, line.body, line.attributes["sku"], line.span_id) == ("ERROR", "stock is gone", "lamp", 1)
    assert telemetry.logs["api"].severity == "INFO"
    assert telemetry.events == []


def test_they_are_shown_a_line_each(telemetry: CapturedTelemetry) -> None:
    telemetry.event("order.placed", severity="WARN", body="one lamp", order=7)
    assert repr(telemetry.events) == "Recorded events:\n  WARN order.placed one lamp order=7"
    assert repr(telemetry.logs) == "No log records."
    with pytest.raises(
        LookupError, match=r"no events are named 'order.paid', expected one\. Recorded events:\n  WARN order\.placed"
    ):
        telemetry.events["order.paid"]


def test_everything_is_shown_together(telemetry: CapturedTelemetry) -> None:
    assert telemetry.shown() == "Nothing was recorded."
    with telemetry.span("work"):
        telemetry.event("done")
    telemetry.counter("orders").add(2, {"shop": "a"})
    telemetry.logger.emit(body="a line", severity_text="INFO")
    assert telemetry.shown().splitlines() == [
        "Recorded spans:",
        "  work",
        "Recorded events:",
        "  INFO done",
        "Recorded log records:",
        "  INFO heliograph a line",
        "Metrics:",
        "  orders 2 shop='a'",
    ]
    assert repr(telemetry) == "<CapturedTelemetry spans=1 events=1 logs=1>"
