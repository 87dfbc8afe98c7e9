"""Row "interpreter exit": flushed in time, nothing of ours on standard error, the exit code kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import (
    i1_every_item_is_accounted_for,
    i4_memory_stays_within_its_caps,
    i5_the_shutdown_keeps_its_deadline,
    i6_log_lines_are_few,
    log_lines,
)
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import Run, run_to_end
from tests.faults.rig.work import Work, otlp_settings

BOTH = ("traces", "logs")
ENDS = [("return", 0, 0), ("exit", 3, 0), ("raise", 1, 1), ("thread", 0, 1)]


def ended(oracle: Oracle, end: Any, **delivery: Any) -> Run:
    return run_to_end(Work(settings=otlp_settings(oracle.url, delivery=delivery), items=800, rate=4000, end=end, signals=BOTH))


def assert_only_the_application_speaks(run: Run, code: int, tracebacks: int) -> None:
    assert run.exit_code == code
    assert run.errors.count("Traceback") == tracebacks, run.errors
    assert run.errors.count("RuntimeError: of the application") + run.errors.count("ZeroDivisionError:") == tracebacks, (
        run.errors
    )
    assert run.final["raised"] == []


@pytest.mark.parametrize(("end", "code", "tracebacks"), ENDS)
def test_however_a_process_ends_everything_was_delivered_and_nothing_of_ours_was_said(
    end: str, code: int, tracebacks: int, oracle: Oracle, healthy: Healthy
) -> None:
    run = ended(oracle, end)
    assert_only_the_application_speaks(run, code, tracebacks)
    assert log_lines(run) == []
    i1_every_item_is_accounted_for([run], oracle, BOTH)
    i4_memory_stays_within_its_caps(run, healthy(run))
    i5_the_shutdown_keeps_its_deadline(run)
    assert [run.account(signal)["delivered"] for signal in BOTH] == [800, 800]
    assert run.final["report"]["is_complete"] is True


@pytest.mark.parametrize(("end", "code", "tracebacks"), ENDS[1:3])
def test_an_end_with_a_collector_that_hangs_comes_in_time_and_counts_what_is_left(
    end: str, code: int, tracebacks: int, oracle: Oracle
) -> None:
    oracle.will(then=Step(how="hang"))
    run = ended(oracle, end, shutdown_timeout="1s")
    assert_only_the_application_speaks(run, code, tracebacks)
    i1_every_item_is_accounted_for([run], oracle, BOTH)
    i5_the_shutdown_keeps_its_deadline(run)
    i6_log_lines_are_few(run)
    assert [run.account(signal)["dropped"] for signal in BOTH] == [{"shutdown": 800}] * 2
    assert run.final["report"]["is_complete"] is False


@pytest.mark.parametrize(
    ("end", "code", "tracebacks", "how"), [*((*end, "down") for end in ENDS), (*ENDS[0], "hang"), (*ENDS[1], "hang")]
)
def test_an_end_without_a_collector_leaves_everything_in_the_spool(
    end: str, code: int, tracebacks: int, how: str, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.kill() if how == "down" else oracle.will(then=Step(how="hang"))
    run = ended(oracle, end, shutdown_timeout="1s", spool_directory=str(tmp_path / "spool"))
    assert_only_the_application_speaks(run, code, tracebacks)
    i1_every_item_is_accounted_for([run], oracle, BOTH)
    i5_the_shutdown_keeps_its_deadline(run)
    i6_log_lines_are_few(run)
    for signal in BOTH:
        account = run.account(signal)
        assert (account["pending"], account["spooled"], account["dropped"]) == (800, 800, {})
