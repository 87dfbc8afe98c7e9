"""The clock of a test, and that everything that is recorded reads it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from opentelemetry import metrics, trace

import heliograph.integrations.loguru
import heliograph.integrations.structlog  # noqa: F401  # both read the time as well
from heliograph.testing import SettableClock, captured

BEGIN_NS = round(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_it_stands_still_until_it_is_told() -> None:
    clock = SettableClock()
    assert (clock.time_ns(), clock.time_ns(), clock.monotonic_ns()) == (BEGIN_NS, BEGIN_NS, 0)
    clock.advance(1.5)
    assert (clock.time_ns(), clock.monotonic_ns()) == (BEGIN_NS + 1_500_000_000, 1_500_000_000)


@pytest.mark.parametrize(
    "time",
    [
        BEGIN_NS + 10**9,
        datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 2, 0, 1, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_setting_it_forward_lets_so_much_time_pass(time: Any) -> None:
    clock = SettableClock()
    clock.set(time)
    assert (clock.time_ns(), clock.monotonic_ns()) == (BEGIN_NS + 10**9, 10**9)


def test_setting_it_back_is_no_time_that_passes() -> None:
    clock = SettableClock()
    clock.set(5)
    assert (clock.time_ns(), clock.monotonic_ns()) == (5, 0)


def test_microseconds_are_kept() -> None:
    clock = SettableClock()
    clock.set(datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert clock.time_ns() % 10**9 == 999_999_000


@pytest.mark.parametrize("time", [datetime(2024, 1, 1), "2024", 1.5, None])  # noqa: DTZ001  # without a time zone, on purpose
def test_a_time_that_says_not_when_is_refused(time: Any) -> None:
    with pytest.raises(ValueError, match="expected a datetime with a time zone"):
        SettableClock().set(time)


def test_with_a_tick_what_is_later_has_a_later_time() -> None:
    with captured() as telemetry:
        telemetry.clock.tick_s = 1
        with telemetry.span("outer") as outer:
            outer.add_event("between")
            with telemetry.span("inner"):
                pass
        telemetry.event("afterwards")
    outer_found, inner = telemetry.spans["outer"], telemetry.spans["inner"]
    times_ns = [outer_found.started_at_ns, outer_found.events[0].time_ns, inner.started_at_ns, telemetry.events[0].time_ns]
    assert times_ns == [BEGIN_NS + number * 10**9 for number in range(4)]
    assert (inner.duration_s, outer_found.duration_s) == (1, 3)


def test_spans_logs_events_and_metrics_are_on_the_clock() -> None:
    noon = datetime(2031, 3, 4, 12, tzinfo=UTC)
    noon_ns = round(noon.timestamp()) * 10**9
    logger = logging.getLogger("tests.clock")
    with captured() as telemetry:
        handler = telemetry.logging_handler()
        logger.addHandler(handler)
        telemetry.clock.set(noon)
        try:
            with trace.get_tracer("api").start_as_current_span("work", attributes={"a": 1}) as span:
                span.add_event("half")
                metrics.get_meter("api").create_counter("done").add(1)
                logger.warning("a line")
            telemetry.logger.emit(body="by the API")
            telemetry.event("happened")
        finally:
            logger.removeHandler(handler)
        began_ns = [cell.started_at_ns for stream in telemetry._streams() if stream.name == "done" for cell in stream.cells]
        assert began_ns == [noon_ns]
    (work,) = telemetry.spans
    assert {work.started_at_ns, work.ended_at_ns, work.events[0].time_ns} == {noon_ns}
    assert {log.observed_at_ns for log in telemetry.logs} == {noon_ns}
    assert telemetry.events["happened"].time_ns == noon_ns


def test_afterwards_time_is_real_again() -> None:
    with captured() as telemetry:
        telemetry.clock.set(1)
    from heliograph.recording.traces.provider import TracerProvider  # noqa: PLC0415

    before_ns = round(datetime.now(UTC).timestamp() * 1e9)
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("now")
    assert before_ns - 10**9 <= span.start_time <= before_ns + 60 * 10**9
    assert span.get_span_context().span_id > 1000
