"""loguru's records on each recorder, with the real loguru."""

from __future__ import annotations

import contextlib
import logging
import time

import loguru
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import INVALID_SPAN

from heliograph.integrations.loguru import LoguruSink, add_trace_context
from heliograph.recording.suppression import suppressed_instrumentation
from tests.support.hostile import RaisesAlways
from tests.support.recorded import QUIET, RecordedSpans, delivered


@contextlib.contextmanager
def logging_to(sink, **options):
    """loguru's logger with only ``sink``; what a sink raises is raised here, not caught by loguru."""
    loguru.logger.remove()
    handler = loguru.logger.add(sink, **{"level": 0, "catch": False, **options})
    try:
        yield loguru.logger
    finally:
        loguru.logger.remove(handler)


@pytest.fixture
def logger(kept):
    with logging_to(LoguruSink(kept.provider)) as made:
        yield made


def test_a_message_has_its_text_time_severity_place_and_name(kept, logger):
    before_ns = time.time_ns()
    logger.warning("order {} of {who}", 7, who="ann")  # noqa: PLE1205 - loguru's own format
    record = kept.only
    assert (record.body, record.severity_text, record.severity_number) == ("order 7 of ann", "WARN", SeverityNumber.WARN)
    assert before_ns - 1000 <= record.timestamp <= time.time_ns()
    assert kept.scopes == [__name__]
    assert record.attributes["code.file.path"] == __file__
    assert record.attributes["code.function.name"] == "test_a_message_has_its_text_time_severity_place_and_name"
    assert record.attributes["code.line.number"] > 0


@pytest.mark.parametrize(
    ("level", "severity"),
    [("TRACE", "TRACE"), ("DEBUG", "DEBUG"), ("INFO", "INFO"), ("SUCCESS", "INFO"), ("WARNING", "WARN"), ("ERROR", "ERROR"),
     ("CRITICAL", "FATAL"), (35, "WARN")],
)  # fmt: skip
def test_each_level_becomes_a_severity_of_the_log_data_model(kept, logger, level, severity):
    logger.log(level, "x")
    assert (kept.only.severity_text, kept.only.severity_number) == (severity, SeverityNumber[severity])


def test_what_is_bound_becomes_attributes(kept, logger, own):
    with logger.contextualize(request_id="r1"):
        logger.bind(order_id=7, items=["a"]).info("x {n}", n=2.5)
    assert own(kept.only) == {"request_id": "r1", "order_id": 7, "items": ("a",), "n": 2.5}


def test_a_message_carries_the_ids_of_the_current_span(kept, logger):
    with RecordedSpans().scope("work") as span:
        logger.info("inside")
    logger.info("outside")
    inside, outside = (item.log_record for item in kept.items)
    context, nowhere = span.get_span_context(), INVALID_SPAN.get_span_context()
    assert (inside.trace_id, inside.span_id) == (context.trace_id, context.span_id)
    assert (outside.trace_id, outside.span_id) == (nowhere.trace_id, nowhere.span_id)


def test_an_exception_is_recorded_with_type_message_and_stack(kept, logger):
    with contextlib.suppress(ZeroDivisionError), logger.catch(reraise=True):
        1 / 0  # noqa: B018
    attributes = kept.only.attributes
    assert (attributes["exception.type"], attributes["exception.message"]) == ("ZeroDivisionError", "division by zero")
    assert "1 / 0" in attributes["exception.stacktrace"]


@pytest.mark.parametrize("value", [RaisesAlways(), object(), "\ud800", 10**400, {1: [RaisesAlways()]}], ids=range(5))
def test_a_bound_value_of_any_kind_costs_no_message(kept, logger, value):
    logger.bind(good=1, value=value).info("x")
    assert kept.only.attributes["good"] == 1


def test_a_patcher_that_breaks_the_record_raises_nothing(kept, logger):
    logger.patch(lambda record: record.update(file=None)).info("x")
    logger.info("y")
    assert [item.log_record.body for item in kept.items] == ["y"]


def test_a_provider_that_raises_does_not_raise_into_the_application(kept):
    class Broken(type(kept.provider)):
        def get_logger(self, *_arguments, **_options):
            raise RuntimeError("no logger")

    with logging_to(LoguruSink(Broken(shutdown_on_exit=False))) as logger:
        logger.info("x")


def test_records_of_heliograph_itself_do_not_come_back_through_loguru(kept, logger):
    # loguru's own recipe for taking over the standard library's records.
    class Intercept(logging.Handler):
        def emit(self, record):
            logger.patch(lambda taken: taken.update(name=record.name)).log(record.levelname, record.getMessage())

    handler = Intercept()
    for name in ("heliograph.recording", "app"):
        source = logging.Logger(name)  # noqa: LOG001 - not in the global tree: nothing to clean up
        source.addHandler(handler)
        source.warning("x")
    with suppressed_instrumentation():
        logger.info("while telemetry is at work")
    assert kept.scopes == ["app"]


def test_without_a_target_records_go_to_the_running_manager(start):
    with logging_to(LoguruSink()) as logger:
        logger.info("before")
        telemetry = start(**QUIET)
        with telemetry.span("work") as span:
            logger.info("during")
        records = [item.log_record for item in delivered(telemetry, "logs")]
        telemetry.shutdown()
        logger.info("after")
        again = start(**QUIET)
        logger.info("again")
        assert [item.log_record.body for item in delivered(again, "logs")] == ["again"]
    assert [record.body for record in records] == ["during"]
    assert records[0].span_id == span.get_span_context().span_id


def test_a_manager_can_be_the_target(start):
    telemetry = start(**QUIET)
    with logging_to(LoguruSink(telemetry)) as logger:
        logger.info("x")
    assert [item.log_record.body for item in delivered(telemetry, "logs")] == ["x"]


def test_a_target_of_another_kind_is_refused_at_once():
    with pytest.raises(TypeError, match="expected a TelemetryManager, a LoggerProvider, or None"):
        LoguruSink("app")


def test_a_line_has_the_ids_of_its_span_and_a_collected_record_has_them_once(kept, logger, own):
    lines = []
    patched = logger.patch(add_trace_context)
    sink = patched.add(lines.append, format="{message} {extra[trace_id]} {extra[span_id]} {extra[service_name]}")
    try:
        with RecordedSpans().scope("work") as span:
            patched.bind(item="lamp").info("inside")
        patched.info("outside")
        patched.bind(trace_id="mine", span_id="").info("bound")
    finally:
        patched.remove(sink)
    context = span.get_span_context()
    assert lines == [f"inside {context.trace_id:032x} {context.span_id:016x} \n", "outside   \n", "bound mine  \n"]
    assert [own(item.log_record).get("trace_id") for item in kept.items] == [None, None, "mine"]
    assert own(kept.items[0].log_record) == {"item": "lamp"}


def test_a_format_with_both_ids_loses_no_line_of_which_one_is_bound(kept):
    lines = []
    loguru.logger.configure(patcher=add_trace_context)
    try:
        with logging_to(lines.append, format="{extra[trace_id]}-{extra[span_id]} {message}") as logger:
            logger.bind(trace_id="mine").info("hello")
        with logging_to(LoguruSink(kept.provider)) as logger:
            logger.bind(trace_id="mine").info("hello")
    finally:
        loguru.logger.configure(patcher=lambda _record: None)
    assert [str(line) for line in lines] == ["mine- hello\n"]
    assert {name: kept.only.attributes.get(name) for name in ("trace_id", "span_id")} == {"trace_id": "mine", "span_id": None}
