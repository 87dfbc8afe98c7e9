"""Row "clock jumps +-1 h, +-10 y": no retry that is stuck or comes at once, no duration below nought."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold, i1_every_item_is_accounted_for, i2_nothing_is_raised_into_the_application
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import run_to_end, subject
from tests.faults.rig.work import Work, otlp_settings

HOUR_S = 3600.0
TEN_YEARS_S = 10 * 365.25 * 24 * HOUR_S
JUMPS = {
    "an hour on": (HOUR_S,),
    "an hour back": (-HOUR_S,),
    "ten years on": (TEN_YEARS_S,),
    "ten years back": (-TEN_YEARS_S,),
    "to and fro": (HOUR_S, -2 * HOUR_S, TEN_YEARS_S, -2 * TEN_YEARS_S),
}

# The fast lane takes the two that hold the others: all four jumps in turn, and the farthest back alone.
_FAST = ("ten years back", "to and fro")
EACH_JUMP = pytest.mark.parametrize(
    "jumps_s", [pytest.param(jumps, id=name, marks=() if name in _FAST else pytest.mark.soak) for name, jumps in JUMPS.items()]
)


@EACH_JUMP
def test_a_jump_during_a_told_wait_neither_shortens_nor_lengthens_it(
    jumps_s: tuple[float, ...], oracle: Oracle, healthy: Healthy
) -> None:
    oracle.will(Step(status=503, headers={"Retry-After": "1"}))
    settings = otlp_settings(oracle.url)
    run = run_to_end(Work(settings=settings, clock_jumps_s=jumps_s, settle_s=15.0))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == run.final["recorded"]
    first, second, *_others = oracle.requests()
    assert 1.0 <= second.at - first.at < 3.0


def test_retries_of_our_own_choice_go_on_over_jumps_and_are_no_busy_loop(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(*[Step(status=503)] * 3)
    run = run_to_end(Work(settings=otlp_settings(oracle.url), clock_jumps_s=JUMPS["to and fro"], settle_s=30.0))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == run.final["recorded"]
    refused = [request.at for request in oracle.requests() if request.answer == "503"]
    assert refused[-1] - refused[0] > 0.01  # full jitter up to 1 and 2 s: below a hundredth once in forty thousand
    assert all(later > earlier for earlier, later in itertools.pairwise(refused))


@EACH_JUMP
def test_nothing_in_the_spool_expires_because_the_clock_jumped(
    jumps_s: tuple[float, ...], oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    oracle.kill()
    settings = otlp_settings(oracle.url, delivery={"spool_directory": str(tmp_path / "spool"), "spool_max_age": "1h"})
    with subject(Work(settings=settings, clock_jumps_s=jumps_s, flush_s=20.0)) as run:
        run.until(lambda run: run.now().get("accepted", 0) >= run.work.items - 100)
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["dropped"], account["delivered"]) == ({}, run.final["recorded"])


def test_a_machine_whose_clock_jumps_while_spans_are_open_reports_no_negative_duration(oracle: Oracle) -> None:
    work = Work(settings=otlp_settings(oracle.url), clock_jumps_s=JUMPS["to and fro"], items=400, settle_s=10.0)
    run = run_to_end(work, "jumping")
    i1_every_item_is_accounted_for([run], oracle)
    i2_nothing_is_raised_into_the_application(run)
    assert run.account()["delivered"] == oracle.unique() == 400
    assert sum(request.negative for request in oracle.requests()) == 0
