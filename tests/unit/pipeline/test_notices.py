"""What the pipeline says in the log: at most one line a minute and cause, start and recovery both said."""

from __future__ import annotations

import logging

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.notices import Notices


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def notices(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> Notices:
    caplog.set_level(logging.INFO, logger="heliograph.delivery")
    return Notices("tower (traces)", clock)


def _levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_a_cause_is_said_at_once_with_its_consequence(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    notices.failing("HTTP 503", consequence="trying again")
    assert [record.getMessage() for record in caplog.records] == ["export to tower (traces): HTTP 503; trying again"]
    assert _levels(caplog) == ["WARNING"]


def test_a_cause_is_said_once_a_minute_however_often_it_occurs(
    notices: Notices, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(59):
        notices.failing("HTTP 503", consequence="trying again")
        clock.advance(1)
    assert len(caplog.records) == 1
    clock.advance(1)
    notices.failing("HTTP 503", consequence="trying again")
    assert len(caplog.records) == 2


def test_a_jump_of_the_wall_clock_neither_silences_nor_multiplies_notices(
    notices: Notices, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for jump_s in (-86400 * 3650, 86400 * 3650):
        clock.jump(jump_s)
        notices.failing("HTTP 503", consequence="trying again")
    assert len(caplog.records) == 1
    clock.jump(-86400)
    clock.advance(60)
    notices.failing("HTTP 503", consequence="trying again")
    assert len(caplog.records) == 2


def test_two_causes_are_both_said(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    for cause in ("HTTP 503", "the queue is full", "HTTP 503", "the queue is full"):
        notices.failing(cause, consequence="x")
    assert len(caplog.records) == 2


def test_a_recovery_is_said_once_and_only_after_a_failure(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    notices.recovered()
    assert caplog.records == []
    notices.failing("HTTP 503", consequence="trying again")
    notices.recovered()
    notices.recovered()
    assert _levels(caplog) == ["WARNING", "INFO"]
    assert caplog.records[-1].getMessage() == "export to tower (traces) works again"


def test_a_failure_long_after_a_recovery_is_said_again(
    notices: Notices, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        notices.failing("HTTP 503", consequence="trying again")
        notices.recovered()
        clock.advance(61)
    assert _levels(caplog) == ["WARNING", "INFO", "WARNING", "INFO"]


def test_a_destination_that_comes_and_goes_is_not_said_more_often(
    notices: Notices, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        notices.failing("HTTP 503", consequence="trying again")
        clock.advance(0.5)
        notices.recovered()
        clock.advance(0.5)
    assert _levels(caplog).count("WARNING") == 1
    assert _levels(caplog).count("INFO") <= 1


def test_any_number_of_causes_is_remembered_in_little_memory(notices: Notices) -> None:
    for number in range(10_000):
        notices.failing(f"cause {number}", consequence="x")
    assert len(notices._said_at_ns) <= 64
