"""Row "64 threads x 10k spans; asyncio cancel at each await": exact counts, every span ended once."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold, i1_every_item_is_accounted_for, i2_nothing_is_raised_into_the_application
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import Run, run_to_end
from tests.faults.rig.work import Work, otlp_settings

THREADS = 64


def recorded_by_threads(oracle: Oracle, each: int, queue_size: int) -> Run:
    delivery = {"queue_size": queue_size, "queue_max_bytes": 64 * 2**20, "shutdown_timeout": "20s"}
    settings = otlp_settings(oracle.url, timeout="10s", delivery=delivery)
    work = Work(settings=settings, items=THREADS * each, rate=0, threads=THREADS, signals=("traces", "logs"))
    return run_to_end(work, timeout_s=300)


def test_64_threads_at_once_are_counted_exactly(oracle: Oracle) -> None:
    run = recorded_by_threads(oracle, 500, queue_size=100_000)
    i1_every_item_is_accounted_for([run], oracle, ("traces", "logs"))
    i2_nothing_is_raised_into_the_application(run)
    for signal in ("traces", "logs"):
        assert run.account(signal)["accepted"] == run.account(signal)["delivered"] == oracle.unique(signal) == 32_000
        assert oracle.received(signal).total() == 32_000


def test_64_threads_that_are_faster_than_their_queue_are_counted_exactly(oracle: Oracle) -> None:
    oracle.will(then=Step(delay_s=0.05))
    run = recorded_by_threads(oracle, 500, queue_size=1000)
    i1_every_item_is_accounted_for([run], oracle, ("traces", "logs"))
    i2_nothing_is_raised_into_the_application(run)
    for signal in ("traces", "logs"):
        account = run.account(signal)
        assert account["accepted"] == 32_000
        assert set(account["dropped"]) == {"queue_full"}
        assert oracle.unique(signal) + account["dropped"]["queue_full"] == 32_000


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_64_threads_of_10000_spans_each_are_counted_exactly(oracle: Oracle) -> None:
    run = recorded_by_threads(oracle, 10_000, queue_size=20_000)
    i1_every_item_is_accounted_for([run], oracle, ("traces", "logs"))
    i2_nothing_is_raised_into_the_application(run)
    for signal in ("traces", "logs"):
        account = run.account(signal)
        assert account["accepted"] == 640_000
        assert oracle.unique(signal) + sum(account["dropped"].values()) == 640_000


def test_an_application_of_several_threads_is_not_delayed_by_an_outage(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(then=Step(how="hang"))
    run = run_to_end(Work(settings=otlp_settings(oracle.url, timeout="1s"), items=1000, rate=2000, threads=4))
    hold(run, oracle, healthy)
    assert run.account()["dropped"] == {"shutdown": 1000}


def test_a_task_that_is_cancelled_at_any_of_its_awaits_ends_each_span_once_and_stays_cancelled(oracle: Oracle) -> None:
    run = run_to_end(Work(settings=otlp_settings(oracle.url), items=10), "tasks")
    assert run.exit_code == 0, run.errors
    i1_every_item_is_accounted_for([run], oracle)
    i2_nothing_is_raised_into_the_application(run)
    (cancelled,) = [line["cancelled"] for line in run.said if "cancelled" in line]
    assert cancelled > 10 * 8  # at ten awaits or so in each of ten turns; CancelledError came out each time
    assert run.account()["delivered"] == oracle.unique() == oracle.received().total() == run.final["recorded"]
