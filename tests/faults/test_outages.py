"""Rows "collector down at start" and "down, then back": with a spool nothing is lost, without one what is lost is counted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold, i1_every_item_is_accounted_for
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import run_to_end, subject
from tests.faults.rig.work import Work, otlp_settings
from tests.support.processes import free_port

BOTH = ("traces", "logs")


def spooling(url: str, folder: Path, **more: Any) -> dict[str, Any]:
    delivery = {"spool_directory": str(folder / "spool"), **more.pop("delivery", {})}
    return otlp_settings(url, delivery=delivery, **more)


def test_without_a_collector_the_start_succeeds_and_what_cannot_leave_is_counted(oracle: Oracle, healthy: Healthy) -> None:
    oracle.kill()
    run = run_to_end(Work(settings=otlp_settings(oracle.url), rate=1000, signals=BOTH))
    assert run.exit_code == 0
    hold(run, oracle, healthy)
    for signal in BOTH:
        account = run.account(signal)
        assert (account["accepted"], account["delivered"], account["dropped"]) == (1000, 0, {"shutdown": 1000})


def test_a_collector_that_comes_up_after_the_start_gets_everything(oracle: Oracle, healthy: Healthy) -> None:
    oracle.kill()
    with subject(Work(settings=otlp_settings(oracle.url), rate=1000, signals=BOTH, flush_s=20.0)) as run:
        run.until(lambda run: run.now().get("accepted", 0) >= 500)
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    assert [run.account(signal)["delivered"] for signal in BOTH] == [1000, 1000]
    assert [oracle.unique(signal) for signal in BOTH] == [1000, 1000]


def test_a_queue_that_is_too_small_for_an_outage_without_spool_drops_to_the_item(oracle: Oracle, healthy: Healthy) -> None:
    oracle.kill()
    settings = otlp_settings(oracle.url, delivery={"queue_size": 300})
    with subject(Work(settings=settings, flush_s=20.0)) as run:
        run.until(lambda run: run.now().get("dropped"))
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    account = run.account()
    assert set(account["dropped"]) == {"queue_full"}
    assert oracle.unique() + account["dropped"]["queue_full"] == account["accepted"] == 1000


@pytest.mark.parametrize("mode", ["on_failure", "always"])
def test_a_collector_down_at_the_start_loses_nothing_with_a_spool(
    mode: str, oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    oracle.kill()
    settings = spooling(oracle.url, tmp_path, delivery={"spool": mode, "queue_size": 300})
    with subject(Work(settings=settings, rate=1000, signals=BOTH, flush_s=30.0)) as run:
        run.until(lambda run: run.now().get("accepted", 0) >= 800 and run.now()["spooled"] > 256)
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    for signal in BOTH:
        account = run.account(signal)
        assert (account["delivered"], account["dropped"], account["pending"]) == (1000, {}, 0)
        assert oracle.unique(signal) == 1000


def test_what_never_left_waits_in_the_spool_for_the_next_process(oracle: Oracle, healthy: Healthy, tmp_path: Path) -> None:
    oracle.kill()
    settings = spooling(oracle.url, tmp_path)
    first = run_to_end(Work(settings=settings, rate=1000, signals=BOTH))
    hold(first, oracle, healthy)
    for signal in BOTH:
        account = first.account(signal)
        assert (account["delivered"], account["dropped"]) == (0, {})
        assert account["pending"] == account["spooled"] == 1000
    oracle.start()
    second = run_to_end(Work(settings=settings, items=500, rate=1000, signals=BOTH, flush_s=20.0))
    i1_every_item_is_accounted_for([first, second], oracle, BOTH)
    for signal in BOTH:
        account = second.account(signal)
        assert (account["accepted"], account["recovered"], account["delivered"]) == (1500, 1000, 1500)
        assert oracle.unique(signal) == oracle.received(signal).total() == 1500


def killed_and_restarted(work: Work, oracle: Oracle, *, times: int, down_s: float, up_s: float) -> Any:
    """Record while the receiver is killed and comes back, some times over; returns the run at its end."""
    with subject(work) as run:
        run.until(lambda run: run.now().get("delivered"))
        for _ in range(times):
            oracle.kill()
            time.sleep(down_s)
            oracle.start()
            time.sleep(up_s)
        return run.wait(600)


def test_a_receiver_that_is_killed_and_restarted_while_5000_spans_are_recorded_misses_none(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    work = Work(settings=spooling(oracle.url, tmp_path), items=5000, rate=3000, flush_s=30.0)
    run = killed_and_restarted(work, oracle, times=2, down_s=0.4, up_s=0.3)
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["accepted"], account["delivered"], account["dropped"], account["pending"]) == (5000, 5000, {}, 0)
    assert oracle.unique() == 5000
    assert oracle.received().total() - 5000 <= account["duplicated_at_most"]


def test_a_spool_that_is_too_small_drops_to_the_item_what_it_cannot_hold(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    capped = {"spool_max_bytes": 16 * 1024, "queue_size": 512}
    oracle.kill()
    with subject(Work(settings=spooling(oracle.url, tmp_path, delivery=capped), items=5000, rate=3000, flush_s=30.0)) as run:
        run.until(lambda run: run.now().get("dropped"))
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    account = run.account()
    assert set(account["dropped"]) == {"spool_full"}
    assert account["pending"] == 0
    assert oracle.unique() + account["dropped"]["spool_full"] == account["accepted"] == 5000


def test_what_is_older_than_the_spool_keeps_it_is_counted_as_expired(oracle: Oracle, healthy: Healthy, tmp_path: Path) -> None:
    oracle.kill()
    settings = spooling(oracle.url, tmp_path, delivery={"spool_max_age": "1s"})
    first = run_to_end(Work(settings=settings, items=500))
    assert first.account()["spooled"] == 500
    time.sleep(1.5)
    oracle.start()
    second = run_to_end(Work(settings=settings, items=100, flush_s=20.0))
    account = second.account()
    assert account["dropped"] == {"expired": 500}
    assert (account["recovered"], account["delivered"], oracle.unique()) == (500, 100, 100)


def test_what_is_on_disk_is_called_spooled_also_while_it_is_on_its_way(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    oracle.will(then=Step(how="hang"))
    settings = spooling(oracle.url, tmp_path, delivery={"spool": "always"})
    with subject(Work(settings=settings, items=1000, end="wait")) as run:
        run.until(lambda run: run.said)
        run.until(lambda run: run.now()["spooled"] == run.now()["pending"] == 1000, timeout_s=5)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_300000_spans_at_5000_a_second_reach_a_receiver_that_is_killed_and_restarted(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    work = Work(settings=spooling(oracle.url, tmp_path), items=300_000, rate=5000, tick_s=1.0, settle_s=120.0)
    run = killed_and_restarted(work, oracle, times=5, down_s=4, up_s=5)
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["accepted"], account["delivered"], account["dropped"]) == (300_000, 300_000, {})
    assert oracle.unique() == 300_000


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_300000_spans_with_a_spool_that_is_too_small_are_accounted_for_to_the_item(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    settings = spooling(oracle.url, tmp_path, delivery={"spool_max_bytes": 256 * 1024, "queue_size": 2048})
    work = Work(settings=settings, items=300_000, rate=5000, tick_s=1.0, settle_s=120.0)
    run = killed_and_restarted(work, oracle, times=5, down_s=6, up_s=4)
    hold(run, oracle, healthy)
    account = run.account()
    assert set(account["dropped"]) == {"spool_full"}
    assert oracle.unique() + account["dropped"]["spool_full"] == account["accepted"] == 300_000


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_ten_minutes_down_at_500_a_second_are_drained_within_two_once_it_is_back(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    oracle.kill()
    items = 300_000
    work = Work(settings=spooling(oracle.url, tmp_path), items=items, rate=500, tick_s=1.0, settle_s=180.0)
    with subject(work) as run:
        run.until(lambda run: run.now().get("accepted", 0) >= items - 500, timeout_s=700)
        oracle.start()
        back_at = time.monotonic()
        run.wait(150)  # it ends as soon as nothing is pending
        assert time.monotonic() - back_at < 120
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == items


def test_a_port_where_nobody_ever_listened_is_told_as_refused(healthy: Healthy, tmp_path: Path, oracle: Oracle) -> None:
    run = run_to_end(Work(settings=otlp_settings(f"http://127.0.0.1:{free_port()}"), items=400))
    hold(run, oracle, healthy)
    state, reason = run.final["status"]["otlp"]
    assert state in ("degraded", "failed")
    assert "refused" in reason
