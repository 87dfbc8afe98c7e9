"""The logging handler and events: what a log record becomes, and that neither raises."""

from __future__ import annotations

import logging
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import NoOpLogger, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from heliograph.recording.official.handoff import LogHandoff
from heliograph.recording.logs.handler import SEVERITIES, LoggingHandler, emit_event, severity_of
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.suppression import suppressed_instrumentation
from tests.support.recorded import RecordedSpans


class UnshowableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


class ShownError(Exception):
    pass


def fail(error):
    raise error


class Logs:
    """A logger with our handler, and everything that it handed over."""

    def __init__(self):
        self.mishaps = Mishaps()
        self.kept = []
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(LogHandoff(self.kept.append))
        self.handler = LoggingHandler(logging.NOTSET, lambda: self.provider, self.mishaps)
        self.logger = self.logger_named(f"app.{uuid.uuid4().hex}")

    def logger_named(self, name):
        logger = logging.Logger(name)  # noqa: LOG001 - not in the global tree: nothing to clean up
        logger.addHandler(self.handler)
        return logger

    @property
    def only(self):
        (item,) = self.kept
        return item.log_record

    def event(self, name="order.placed", severity="INFO", body=None, time_ns=1, **attributes):
        logger = self.provider.get_logger("test")
        emit_event(logger, name, severity=severity, body=body, attributes=attributes, time_ns=time_ns, mishaps=self.mishaps)


@pytest.fixture
def logs():
    return Logs()


def test_a_record_has_its_message_time_severity_logger_and_place(logs):
    logs.logger.warning("order %d of %s", 7, "ann")
    record = logs.only
    assert (record.body, record.severity_text, record.severity_number) == ("order 7 of ann", "WARN", SeverityNumber.WARN)
    assert record.timestamp > 1_700_000_000_000_000_000
    assert logs.kept[0].instrumentation_scope.name == logs.logger.name
    assert record.attributes["code.file.path"] == __file__
    assert record.attributes["code.function.name"].endswith("has_its_message_time_severity_logger_and_place")
    assert record.attributes["code.line.number"] > 0


def test_a_record_carries_the_ids_of_the_current_span(logs):
    recorded = RecordedSpans()
    with recorded.scope("work") as span:
        logs.logger.error("inside")
    logs.logger.error("outside")
    inside, outside = (item.log_record for item in logs.kept)
    assert (inside.trace_id, inside.span_id) == (span.get_span_context().trace_id, span.get_span_context().span_id)
    assert (outside.trace_id, outside.span_id) == (0, 0)


@pytest.mark.parametrize(
    ("level", "text", "number"),
    [
        (0, "TRACE", 1), (-5, "TRACE", 1), (5, "TRACE", 1), (9, "TRACE", 1), (10, "DEBUG", 5), (15, "DEBUG", 5),
        (20, "INFO", 9), (25, "INFO", 9), (30, "WARN", 13), (40, "ERROR", 17), (49, "ERROR", 17),
        (50, "FATAL", 21), (1000, "FATAL", 21),
    ],
)  # fmt: skip
def test_a_level_becomes_the_severity_of_the_log_data_model(level, text, number):
    assert severity_of(level) == (text, SeverityNumber(number))


@given(levels=st.tuples(st.integers(), st.integers()))
def test_a_higher_level_is_never_a_lower_severity(levels):
    lower, higher = sorted(levels)
    assert severity_of(lower)[1].value <= severity_of(higher)[1].value


def test_extra_values_become_attributes_and_standard_fields_do_not(logs):
    logs.logger.info("x", extra={"order_id": 7, "ratio": 0.5, "is_new": True, "items": ["a"], "customer": object})
    attributes = logs.only.attributes
    assert (attributes["order_id"], attributes["ratio"], attributes["is_new"]) == (7, 0.5, True)
    assert attributes["items"] == "['a']"
    ours = {"order_id", "ratio", "is_new", "items", "customer"}
    assert {name for name in attributes if not name.startswith("code.")} == ours


def test_an_exception_is_recorded_with_type_message_and_stack(logs):
    try:
        fail(ValueError("broken"))
    except ValueError:
        logs.logger.exception("failed")
    attributes = logs.only.attributes
    assert attributes["exception.type"] == "ValueError"
    assert "in test_an_exception_is_recorded" in attributes["exception.stacktrace"]


@pytest.mark.parametrize(
    "error", [ValueError("broken"), ShownError("x"), KeyError("k"), OSError(2, "no"), ValueError()], ids=repr
)
def test_an_exception_has_the_same_type_and_message_in_a_log_as_on_a_span(logs, error):
    # OpenTelemetry semantic conventions, "Exceptions": the fully qualified type, and the message without it.
    recorded = RecordedSpans()
    try:
        with recorded.scope("work"):
            fail(error)
    except Exception:
        logs.logger.exception("failed")
    (event,) = recorded.named("work").events
    for name in ("exception.type", "exception.message"):
        assert logs.only.attributes[name] == event.attributes[name]


def test_exc_info_without_an_exception_adds_nothing(logs):
    logs.logger.error("failed", exc_info=True)  # noqa: LOG014 - what this test is about
    assert not [name for name in logs.only.attributes if name.startswith("exception.")]


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("%d", ("x",)),
        ("%s %s", ("x",)),
        ("no place", ("x",)),
        ("%s", (UnshowableError(),)),
        (UnshowableError(), ()),
        (None, ()),
        ("%", (1,)),
    ],
    ids=range(7),
)
def test_a_message_that_cannot_be_formatted_is_recorded_all_the_same(logs, message, arguments):
    logs.logger.info(message, *arguments)
    assert logs.only.body
    assert logs.mishaps.counts() == {}


@pytest.mark.parametrize(
    "extra",
    [
        {"a": UnshowableError()},
        {"a": "\ud800"},
        {"a": 10**5000},
        {"a": float("nan")},
        {"a": b"\xff"},
        {"a": None},
        {"a": {1: [UnshowableError()]}},
    ],
    ids=range(7),
)
def test_an_extra_value_of_any_kind_does_not_cost_the_record(logs, extra):
    logs.logger.info("x", extra=extra)
    assert "a" in logs.only.attributes


def test_an_exception_that_cannot_be_shown_does_not_cost_the_record(logs):
    try:
        fail(UnshowableError())
    except UnshowableError:
        logs.logger.exception("failed")
    assert logs.only.attributes["exception.type"].endswith("UnshowableError")


@pytest.mark.parametrize(
    ("name", "count"), [("heliograph", 0), ("heliograph.delivery", 0), ("heliographic", 1), ("app.heliograph", 1)]
)
def test_records_of_heliograph_itself_are_left_alone(logs, name, count):
    logs.logger_named(name).error("x")
    assert len(logs.kept) == count


def test_records_made_while_telemetry_is_at_work_are_left_alone(logs):
    with suppressed_instrumentation():
        logs.logger.error("x")
    assert logs.kept == []


def test_records_below_the_level_of_the_handler_are_left_alone(logs):
    logs.handler.setLevel(logging.WARNING)
    logs.logger.info("x")
    logs.logger.warning("y")
    assert logs.only.body == "y"


def test_a_provider_that_raises_is_counted_and_the_application_goes_on():
    mishaps = Mishaps()

    def no_provider():
        raise RuntimeError("no provider")

    LoggingHandler(logging.INFO, no_provider, mishaps).handle(logging.makeLogRecord({"name": "app"}))
    assert mishaps.counts() == {"logging": 1}


@pytest.mark.parametrize("fields", [{}, {"name": None}, {"name": "app", "created": None}, {"name": "app", "levelno": None}])
def test_a_record_that_lacks_fields_does_not_raise(logs, fields):
    logs.handler.handle(logging.makeLogRecord({"levelno": 20, **fields}))


def test_records_of_many_loggers_each_name_their_own(logs):
    names = [f"app.{number}" for number in range(5)]
    for name in names:
        logs.logger_named(name).info("x")
    assert [item.instrumentation_scope.name for item in logs.kept] == names


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


def test_importing_the_handler_does_not_touch_the_root_logger():
    assert not any(isinstance(handler, LoggingHandler) for handler in logging.getLogger().handlers)
    assert sys.modules["heliograph.recording.logs.handler"].LoggingHandler is LoggingHandler
