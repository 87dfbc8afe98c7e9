"""The logging handler: what a log record becomes on each recorder, and that it never raises."""

from __future__ import annotations

import logging
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import NoOpLoggerProvider, SeverityNumber
from opentelemetry.sdk._logs import LogRecordLimits

from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.logs.severity import severity_of
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.suppression import suppressed_instrumentation
from tests.support.interpreter import run_script
from tests.support.recorded import RecordedSpans


class UnshowableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


class ShownError(Exception):
    pass


def fail(error):
    raise error


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


@pytest.mark.parametrize("level", [None, "INFO", object()])
def test_what_is_no_level_is_a_record_of_unspecified_severity(logs, level):
    logs.handler.handle(logging.makeLogRecord({"name": "app", "msg": "x", "levelno": level}))
    assert (logs.only.body, logs.only.severity_number) == ("x", SeverityNumber.UNSPECIFIED)


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


def test_importing_the_handler_does_not_touch_the_root_logger():
    assert not any(isinstance(handler, LoggingHandler) for handler in logging.getLogger().handlers)
    assert sys.modules["heliograph.recording.logs.handler"].LoggingHandler is LoggingHandler


def test_the_time_of_a_record_is_that_of_logging_to_the_last_bit(logs):
    for created_s in (1_700_000_000.1234567, 1_799_999_999.9999998, 0.5, 2_000_000_000.0):
        logs.handler.handle(logging.makeLogRecord({"name": "app", "levelno": 20, "created": created_s}))
    assert [item.log_record.timestamp for item in logs.kept] == [
        int(created_s * 2**22) * 10**9 // 2**22
        for created_s in (1_700_000_000.1234567, 1_799_999_999.9999998, 0.5, 2_000_000_000.0)
    ]


def test_the_time_lies_between_those_around_the_call(logs):
    before_ns = time.time_ns()
    logs.logger.info("x")
    assert before_ns - 1000 <= logs.only.timestamp <= logs.only.observed_timestamp + 1000
    assert logs.only.observed_timestamp <= time.time_ns()


def test_extra_values_are_found_on_a_record_of_a_class_of_its_own_that_another_handler_formatted(logs):
    class Record(logging.LogRecord):
        def __init__(self, *arguments, **options):
            self.before = 1
            super().__init__(*arguments, **options)
            self.after = 2

        def getMessage(self):
            return f"<{super().getMessage()}>"

    record = Record("app", logging.INFO, __file__, 1, "x %s", (7,), None, "here")
    record.extra = 3
    logging.Formatter("%(asctime)s %(message)s").format(record)
    logs.handler.handle(record)
    attributes = {name: value for name, value in logs.only.attributes.items() if not name.startswith("code.")}
    assert (logs.only.body, attributes) == ("<x 7>", {"before": 1, "after": 2, "extra": 3})


@pytest.mark.parametrize("is_formatted", [False, True])
@pytest.mark.parametrize("extra", [{}, {"a": 1}, {"a": 1, "b": "x", "process_name": 2}])
def test_a_record_that_another_handler_formatted_before_has_the_same_attributes(logs, extra, is_formatted):
    record = logging.makeLogRecord({"name": "app", "msg": "x", "levelno": logging.INFO, **extra})
    if is_formatted:
        logging.Formatter("%(asctime)s %(message)s").format(record)
    logs.handler.handle(record)
    assert {name: value for name, value in logs.only.attributes.items() if not name.startswith("code.")} == extra


def test_an_extra_value_whose_name_is_no_text_has_its_text_as_name(logs):
    logs.logger.info("x", extra={1: "one"})
    assert logs.only.attributes["1"] == "one"


def test_a_filter_of_the_handler_decides_and_may_change_the_record(logs):
    logs.handler.addFilter(lambda record: setattr(record, "seen", 1) is None and record.levelno > logging.INFO)
    logs.logger.info("x")
    logs.logger.error("y")
    assert (logs.only.body, logs.only.attributes["seen"]) == ("y", 1)


def test_a_filter_that_raises_costs_no_record_and_is_counted(logs):
    def refuse(record):
        raise RuntimeError("filter")

    logs.handler.addFilter(refuse)
    logs.logger.info("x")
    assert logs.only.body == "x"
    assert logs.mishaps.counts() == {"logging filter": 1}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="since 3.12 a filter may give another record")
def test_a_filter_may_give_another_record(logs):
    logs.handler.addFilter(lambda record: logging.makeLogRecord({"name": "other", "msg": "instead"}))
    logs.logger.info("x")
    assert logs.only.body == "instead"


def test_records_go_to_the_provider_of_the_moment(logs):
    other = []
    logs.logger.info("first")
    logs.provider = LoggerProvider(shutdown_on_exit=False, accept=other.append)
    logs.logger.info("second")
    logs.provider = NoOpLoggerProvider()
    logs.logger.info("third")
    assert [item.log_record.body for item in (*logs.kept, *other)] == ["first", "second"]


def test_a_name_for_each_record_does_not_keep_a_logger_for_each(logs):
    for number in range(3000):
        logs.handler.handle(logging.makeLogRecord({"name": f"app.{number}", "levelno": 20}))
    assert len(logs.kept) == 3000
    assert len(logs.handler._loggers) <= 1024


def test_two_threads_do_not_wait_for_each_other(logs):
    entered, left = threading.Event(), threading.Event()

    class Slow:
        def __str__(self):
            entered.set()
            assert left.wait(10)
            return "slow"

    thread = threading.Thread(target=lambda: logs.logger.info("%s", Slow()))
    thread.start()
    assert entered.wait(10)
    logs.logger.info("fast")
    left.set()
    thread.join()
    assert [item.log_record.body for item in logs.kept] == ["fast", "slow"]


def test_limits_of_the_native_provider_hold_for_records_of_logging():
    kept = []
    limits = LogRecordLimits(max_log_record_attributes=2, max_log_record_attribute_length=3)
    provider = LoggerProvider(shutdown_on_exit=False, log_record_limits=limits, accept=kept.append)
    LoggingHandler(0, lambda: provider, None).handle(
        logging.makeLogRecord({"name": "app", "levelno": 20, "a": "abcdef", "b": 1, "c": 2})
    )
    (record,) = kept
    assert (record.attributes, record.dropped_attributes) == ({"a": "abc", "b": 1}, 4)


def test_a_failure_that_is_logged_by_heliograph_itself_does_not_come_back(logs):
    # Through the root logger, where an application puts the handler, and a provider that fails for each record.
    root = logging.getLogger()
    root.addHandler(logs.handler)
    calls = []

    def fail_always():
        calls.append(1)
        raise RuntimeError("no provider")

    logs.handler._provider = fail_always
    try:
        logging.getLogger("app").error("x")
    finally:
        root.removeHandler(logs.handler)
    assert logs.mishaps.counts() == {"logging": 1}
    assert len(calls) == 1


def test_what_a_factory_of_the_application_puts_on_each_record_becomes_an_attribute():
    out, _err = run_script(
        """
        import logging
        def factory(*arguments, **options):
            record = logging.LogRecord(*arguments, **options)
            record.request_id = "r1"
            return record
        logging.setLogRecordFactory(factory)  # before heliograph is imported
        from heliograph.recording.logs.handler import LoggingHandler
        from heliograph.recording.logs.provider import LoggerProvider
        from heliograph.recording.mishaps import Mishaps
        items = []
        provider = LoggerProvider(shutdown_on_exit=False, accept=items.append)
        logging.getLogger().addHandler(LoggingHandler(0, lambda: provider, Mishaps()))
        logging.getLogger("app").error("x")
        print(items[0].attributes["request_id"])
        """
    )
    assert out == "r1\n"


@pytest.mark.parametrize(("created_s", "expected_ns"), [(1_700_000_000, 1_700_000_000 * 10**9), (None, None), ("soon", None)])
def test_a_time_that_is_no_float_costs_no_record(logs, created_s, expected_ns):
    logs.handler.handle(logging.makeLogRecord({"name": "app", "levelno": 20, "created": created_s}))
    assert logs.only.timestamp == expected_ns
    assert logs.only.observed_timestamp


def test_a_value_that_logs_while_it_is_shown_does_not_lock_itself_out(logs):
    class Talkative:
        def __str__(self):
            logs.logger.info("inner")
            return "shown"

    logs.logger.info("outer %s", Talkative())
    assert [item.log_record.body for item in logs.kept] == ["inner", "outer shown"]
