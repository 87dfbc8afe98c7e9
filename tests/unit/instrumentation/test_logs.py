"""The application's own log lines with the ids of the current span, and its records collected, whatever it sets up."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heliograph import TelemetryManager
from tests.support.recorded import QUIET, RECORDERS, delivered

FORMAT = "%(message)s trace=%(trace_id)s span=%(span_id)s service=%(service_name)s"


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> Iterator[TelemetryManager]:
    started = start(**QUIET, recorder=request.param)
    assert started.instrument(logging=True) == ("logging",)
    yield started
    started.uninstrument()


class Lines:
    """A logger of its own that writes lines."""

    def __init__(self, name: str) -> None:
        self.written = io.StringIO()
        self.logger = logging.Logger(name)  # noqa: LOG001  # not in the global tree: nothing to clean up
        self.handler = logging.StreamHandler(self.written)
        self.handler.setFormatter(logging.Formatter(FORMAT))
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.written.getvalue().splitlines()


@pytest.fixture
def shop() -> Lines:
    return Lines("shop")


def bodies(telemetry: TelemetryManager) -> list[Any]:
    return [item.log_record.body for item in delivered(telemetry, "logs")]


def test_a_line_has_the_ids_of_its_span_and_the_service(telemetry: TelemetryManager, shop: Lines) -> None:
    with telemetry.span("work") as span:
        shop.logger.warning("inside")
    shop.logger.warning("outside")
    context = span.get_span_context()
    assert shop.lines == [
        f"inside trace={context.trace_id:032x} span={context.span_id:016x} service=under-test",
        "outside trace= span= service=under-test",
    ]


def test_a_record_is_collected_once_with_its_ids_in_their_places(telemetry: TelemetryManager, shop: Lines) -> None:
    with telemetry.span("work") as span:
        shop.logger.warning("low stock", extra={"item": "lamp"})
    (record,) = [item.log_record for item in delivered(telemetry, "logs")]
    assert (record.body, record.trace_id) == ("low stock", span.get_span_context().trace_id)
    assert "trace_id" not in record.attributes
    assert record.attributes["item"] == "lamp"


def test_fields_that_the_application_gives_stay_and_raise_nothing(telemetry: TelemetryManager, shop: Lines) -> None:
    with telemetry.span("work"):
        shop.logger.warning("x", extra={"trace_id": "mine", "service_name": "till"})
    assert shop.lines == ["x trace=mine span= service=till"]
    (record,) = [item.log_record for item in delivered(telemetry, "logs")]
    assert record.attributes["trace_id"] == "mine"


def test_a_handler_of_the_applications_that_collects_is_enough(telemetry: TelemetryManager, shop: Lines) -> None:
    shop.logger.addHandler(telemetry.logging_handler())
    shop.logger.warning("once")
    assert bodies(telemetry) == ["once"]


def test_records_below_the_level_of_the_logs_are_not_collected(telemetry: TelemetryManager, shop: Lines) -> None:
    shop.logger.setLevel(logging.DEBUG)
    shop.logger.debug("detail")
    assert bodies(telemetry) == []
    assert len(shop.lines) == 1


def test_what_the_application_sets_up_later_is_as_it_asked(telemetry: TelemetryManager) -> None:
    before = logging.Logger.root.handlers[:]
    assert not [handler for handler in before if type(handler).__module__.startswith("heliograph")]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"null": {"class": "logging.NullHandler"}},
            "loggers": {"shop.configured": {"handlers": ["null"], "propagate": False}},
        }
    )
    logging.getLogger("shop.configured").warning("after the set-up")
    assert bodies(telemetry) == ["after the set-up"]


def test_after_uninstrument_records_are_left_alone(telemetry: TelemetryManager) -> None:
    telemetry.uninstrument()
    lines = Lines("shop")
    lines.handler.setFormatter(logging.Formatter("%(message)s"))
    record = lines.logger.makeRecord("shop", logging.WARNING, "f", 1, "x", (), None)
    lines.logger.handle(record)
    assert lines.lines == ["x"]
    assert not hasattr(record, "trace_id")
    assert bodies(telemetry) == []


def test_whoever_came_over_it_stays(telemetry: TelemetryManager, shop: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    below, seen = logging.Logger.callHandlers, []

    def theirs(logger: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        below(logger, record)

    with monkeypatch.context() as patched:
        patched.setattr(logging.Logger, "callHandlers", theirs)
        telemetry.uninstrument()
        shop.handler.setFormatter(None)
        shop.logger.warning("x")
        assert (seen, shop.lines, bodies(telemetry)) == (["x"], ["x"], [])


def test_our_own_records_are_not_collected(telemetry: TelemetryManager) -> None:
    Lines("heliograph.pipeline").logger.warning("x")
    assert bodies(telemetry) == []
