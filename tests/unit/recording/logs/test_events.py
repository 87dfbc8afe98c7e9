"""Events: log records with a name, on each recorder, that never raise."""

from __future__ import annotations

import logging

import pytest
from opentelemetry._logs import NoOpLogger, SeverityNumber

from heliograph.recording.logs.events import emit_event
from heliograph.recording.logs.severity import SEVERITIES
from tests.support.recorded import RecordedSpans


class UnshowableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


def test_an_event_has_its_name_time_severity_body_attributes_and_span(logs):
    recorded = RecordedSpans()
    with recorded.scope("work") as span:
        logs.event("order.placed", severity="WARN", body="placed", time_ns=42, order_id=7)
    record = logs.only
    assert (record.event_name, record.timestamp, record.body) == ("order.placed", 42, "placed")
    assert (record.severity_text, record.severity_number) == ("WARN", SeverityNumber.WARN)
    assert dict(record.attributes) == {"order_id": 7}
    assert record.span_id == span.get_span_context().span_id


@pytest.mark.parametrize(
    ("severity", "number"),
    [(text, number) for _level, text, number in SEVERITIES]
    + [("warning", SeverityNumber.WARN), ("critical", SeverityNumber.FATAL), ("error", SeverityNumber.ERROR)],
)
def test_an_event_takes_each_severity_in_any_case(logs, severity, number):
    logs.event(severity=severity)
    assert logs.only.severity_number is number
    assert logs.mishaps.counts() == {}


@pytest.mark.parametrize("severity", ["LOUD", "", " info", None, logging.ERROR, ["INFO"], UnshowableError()], ids=range(7))
def test_an_event_of_an_unknown_severity_is_kept_as_info_and_noted(logs, severity):
    logs.event(severity=severity)
    assert (logs.only.severity_text, logs.only.severity_number) == ("INFO", SeverityNumber.INFO)
    assert sum(logs.mishaps.counts().values()) == 1


@pytest.mark.parametrize("value", [UnshowableError(), object(), "\ud800", 10**5000, {1: 2}, [[]], {1, 2}, None], ids=range(8))
def test_an_event_with_any_value_does_not_raise_and_reaches_the_log(logs, value):
    logs.event(good=1, value=value)
    assert logs.only.attributes["good"] == 1


@pytest.mark.parametrize("name", [None, 5, b"x", "", "\ud800", UnshowableError()], ids=range(6))
def test_an_event_of_any_name_does_not_raise(logs, name):
    logs.event(name)


def test_an_event_without_a_recording_logger_does_nothing(logs):
    emit_event(NoOpLogger("x"), "e", severity="INFO", body=None, attributes={}, time_ns=1, mishaps=logs.mishaps)
    assert logs.mishaps.counts() == {}
