"""structlog's events on each recorder, with the real structlog."""

from __future__ import annotations

import logging
import sys
import time

import pytest
import structlog
from opentelemetry._logs import SeverityNumber

from heliograph.integrations.structlog import StructlogProcessor, add_trace_context
from heliograph.recording.suppression import suppressed_instrumentation
from tests.support.hostile import RaisesAlways
from tests.support.interpreter import run_script
from tests.support.recorded import QUIET, RecordedSpans, delivered


def logger_with(processor, *before, name=None, **bound):
    """A logger whose chain has ``processor`` after those ``before`` it, and ends in nothing."""
    return structlog.wrap_logger(
        logging.Logger(name) if name else None,  # noqa: LOG001 - not in the global tree: nothing to clean up
        processors=[*before, processor, drop],
        wrapper_class=structlog.stdlib.BoundLogger,
        **bound,
    )


def drop(_logger, _method, _event):
    raise structlog.DropEvent


@pytest.fixture
def logger(kept):
    return logger_with(StructlogProcessor(kept.provider), name="app.orders")


def test_an_event_has_its_text_time_severity_place_and_name(kept, logger):
    before_ns = time.time_ns()
    logger.warning("order placed")
    record = kept.only
    assert (record.body, record.severity_text, record.severity_number) == ("order placed", "WARN", SeverityNumber.WARN)
    assert before_ns <= record.timestamp <= time.time_ns()
    assert kept.scopes == ["app.orders"]
    assert record.attributes["code.file.path"] == __file__
    assert record.attributes["code.function.name"] == "test_an_event_has_its_text_time_severity_place_and_name"
    assert record.attributes["code.line.number"] > 0


@pytest.mark.parametrize(
    ("method", "severity"),
    [("debug", "DEBUG"), ("info", "INFO"), ("warning", "WARN"), ("warn", "WARN"), ("error", "ERROR"), ("exception", "ERROR"),
     ("critical", "FATAL"), ("fatal", "FATAL"), ("msg", "INFO"), ("notset", "TRACE")],
)  # fmt: skip
def test_each_method_becomes_a_severity_of_the_log_data_model(kept, method, severity):
    StructlogProcessor(kept.provider)(None, method, {"event": "x"})
    assert (kept.only.severity_text, kept.only.severity_number) == (severity, SeverityNumber[severity])


def test_a_level_in_the_event_counts_more_than_the_method(kept):
    logger = logger_with(StructlogProcessor(kept.provider), lambda _logger, _method, event: {**event, "level": "critical"})
    logger.info("x")
    assert kept.only.severity_text == "FATAL"


def test_what_is_bound_becomes_attributes_and_what_structlog_adds_does_not(kept, own):
    logger = logger_with(
        StructlogProcessor(kept.provider),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        name="named",
    )
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logger.bind(order_id=7).info("x", items=["a"], customer={"id": 1})
    assert own(kept.only) == {"request_id": "r1", "order_id": 7, "items": ("a",), "customer": {"id": 1}}
    assert kept.scopes == ["named"]


def test_a_callsite_in_the_event_is_taken_over(kept):
    StructlogProcessor(kept.provider)(None, "info", {"event": "x", "pathname": "/app.py", "func_name": "f", "lineno": 3})
    attributes = kept.only.attributes
    assert [attributes[f"code.{name}"] for name in ("file.path", "function.name", "line.number")] == ["/app.py", "f", 3]
    assert not {"pathname", "func_name", "lineno"} & set(attributes)


def test_an_event_carries_the_ids_of_the_current_span(kept, logger):
    with RecordedSpans().scope("work") as span:
        logger.info("inside")
    assert (kept.only.trace_id, kept.only.span_id) == (span.get_span_context().trace_id, span.get_span_context().span_id)


@pytest.mark.parametrize("how", ["exception", "true", "instance", "tuple", "text"])
def test_an_exception_is_recorded_however_it_is_given(kept, logger, how):
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        if how == "exception":
            logger.exception("failed")
        elif how == "text":
            logger_with(StructlogProcessor(kept.provider), structlog.processors.format_exc_info).exception("failed")
        else:
            given = {"true": True, "instance": error, "tuple": sys.exc_info()}
            logger.error("failed", exc_info=given[how])  # noqa: TRY400 - what this test is about
    attributes = kept.only.attributes
    assert "1 / 0" in attributes["exception.stacktrace"]
    assert how == "text" or attributes["exception.type"] == "ZeroDivisionError"
    assert "exc_info" not in attributes


@pytest.mark.parametrize("exc_info", [True, (None, None, None), None, False])
def test_no_exception_adds_nothing(kept, logger, exc_info):
    logger.error("x", exc_info=exc_info)
    assert not [name for name in kept.only.attributes if name.startswith("exception.")]


def test_the_event_goes_on_through_the_chain_unchanged(kept):
    event = {"event": "x", "a": 1, "exc_info": None}
    assert StructlogProcessor(kept.provider)(None, "info", event) is event
    assert event == {"event": "x", "a": 1, "exc_info": None}


@pytest.mark.parametrize("value", [RaisesAlways(), object(), "\ud800", 10**400, {1: [RaisesAlways()]}], ids=range(5))
def test_a_value_of_any_kind_costs_no_event(kept, logger, value):
    logger.info("x", good=1, value=value)
    assert kept.only.attributes["good"] == 1


@pytest.mark.parametrize("event", [{}, {"event": RaisesAlways()}, {"event": "x", "level": 5}, {"event": "x", "logger": 7}])
def test_an_event_of_any_shape_raises_nothing(kept, event):
    StructlogProcessor(kept.provider)(None, "info", event)
    assert len(kept.items) == 1


def test_an_event_that_is_none_raises_nothing(kept):
    assert StructlogProcessor(kept.provider)(None, "info", ["no", "mapping"]) == ["no", "mapping"]
    assert kept.items == []


def test_events_of_heliograph_itself_are_left_alone(kept):
    processor = StructlogProcessor(kept.provider)
    logger_with(processor, name="heliograph.recording").warning("x")
    with suppressed_instrumentation():
        logger_with(processor, name="app").warning("while telemetry is at work")
    assert kept.items == []


def test_without_a_target_events_go_to_the_running_manager(start):
    logger = logger_with(StructlogProcessor())
    logger.info("before")
    telemetry = start(**QUIET)
    logger.info("during")
    assert [item.log_record.body for item in delivered(telemetry, "logs")] == ["during"]


def test_without_structlog_the_error_names_the_extra_to_install():
    out, _err = run_script(
        """
        import sys
        sys.modules["structlog"] = None
        try:
            import heliograph.integrations.structlog
        except ImportError as error:
            print(error)
        """
    )
    assert "heliograph[structlog]" in out


def test_an_event_within_a_span_gets_the_ids_and_the_service_for_what_renders_it(start):
    telemetry = start(**QUIET)
    with telemetry.span("work") as span:
        event = add_trace_context(None, "info", {"event": "x"})
    context = span.get_span_context()
    assert event == {
        "event": "x",
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "service_name": "under-test",
    }
    assert add_trace_context(None, "info", {"event": "outside"}) == {"event": "outside"}


def test_ids_that_the_application_bound_stay():
    with RecordedSpans().scope("work"):
        assert add_trace_context(None, "info", {"event": "x", "trace_id": "mine"}) == {"event": "x", "trace_id": "mine"}
