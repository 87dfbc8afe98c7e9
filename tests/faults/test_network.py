"""Rows "slow, half-open, resets mid-body" and "DNS black hole": the network is to blame."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold
from tests.faults.rig.proxy import Proxy
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import run_to_end, subject
from tests.faults.rig.work import Work, otlp_settings

TIMEOUT_S = 1.0


def work_for(url: str, **work: Any) -> Work:
    return Work(settings=otlp_settings(url, timeout=f"{TIMEOUT_S}s"), flush_s=15.0, **work)


@pytest.mark.parametrize("how", ["hang", "unread"])
def test_an_attempt_ends_with_its_time_out_and_the_items_arrive_with_the_next(
    how: Any, oracle: Oracle, healthy: Healthy
) -> None:
    oracle.will(Step(how=how))
    run = run_to_end(work_for(oracle.url))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000
    first, second, *_others = oracle.requests()
    assert second.at - first.at >= TIMEOUT_S - 0.1


def test_an_answer_that_never_ends_is_read_no_longer_than_the_time_out_and_its_status_counts(
    oracle: Oracle, healthy: Healthy
) -> None:
    oracle.will(Step(how="drip"))
    run = run_to_end(work_for(oracle.url))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == oracle.received().total() == 1000
    first, second, *_others = oracle.requests()
    assert TIMEOUT_S - 0.1 <= second.at - first.at < TIMEOUT_S + 1


@pytest.mark.parametrize("how", ["hang", pytest.param("unread", marks=pytest.mark.soak)])
def test_a_collector_that_never_answers_takes_no_more_memory_than_the_caps_and_holds_no_shutdown(
    how: Any, oracle: Oracle, healthy: Healthy
) -> None:
    oracle.will(then=Step(how=how))
    run = run_to_end(Work(settings=otlp_settings(oracle.url, timeout="1s", delivery={"queue_size": 500})))
    hold(run, oracle, healthy)
    account = run.account()
    assert account["delivered"] == 0
    assert account["dropped"]["queue_full"] + account["dropped"]["shutdown"] == 1000
    assert oracle.unique() == 0


def test_a_reset_in_the_middle_of_a_body_loses_and_doubles_nothing(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(Step(how="reset"), Step(how="reset"))
    run = run_to_end(work_for(oracle.url))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000
    assert oracle.received().total() == 1000


def test_a_lost_answer_doubles_at_most_what_the_ledger_says(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(Step(how="lost_answer"))
    run = run_to_end(work_for(oracle.url))
    hold(run, oracle, healthy)
    account, received = run.account(), oracle.received()
    assert account["delivered"] == len(received) == 1000
    assert 0 < received.total() - 1000 <= account["duplicated_at_most"]
    assert account["retried"] > 0


def test_a_proxy_that_resets_every_connection_in_its_body_is_outlived(oracle: Oracle, healthy: Healthy) -> None:
    with Proxy(oracle.port) as proxy:
        proxy.reset_after_bytes = 1000
        proxy.set("reset")
        with subject(work_for(proxy.url)) as run:
            run.until(lambda run: proxy.connections >= 2)
            proxy.set("pass")
            run.wait()
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000


def test_a_half_open_connection_is_given_up_for_a_new_one(oracle: Oracle, healthy: Healthy) -> None:
    with Proxy(oracle.port) as proxy, subject(work_for(proxy.url)) as run:
        run.until(lambda run: run.now().get("delivered"))
        proxy.set("black_hole")
        time.sleep(TIMEOUT_S + 0.6)
        delivered = run.now()["delivered"]
        proxy.set("pass")
        run.wait()
        assert delivered < 1000
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000
    assert proxy.connections >= 2


def test_a_slow_line_delays_and_loses_nothing(oracle: Oracle, healthy: Healthy) -> None:
    with Proxy(oracle.port) as proxy:
        proxy.bytes_per_s, proxy.delay_s = 50_000, 0.01
        run = run_to_end(work_for(proxy.url))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_line_that_breaks_and_heals_loses_nothing(protocol: str, healthy: Healthy, tmp_path: Path) -> None:
    with Oracle(tmp_path, protocol=protocol) as oracle, Proxy(oracle.port) as proxy:
        settings = otlp_settings(proxy.url, protocol=protocol, timeout="1s")
        with subject(Work(settings=settings, flush_s=15.0)) as run:
            run.until(lambda run: run.now().get("delivered"))
            proxy.set("refuse")
            time.sleep(0.3)
            proxy.set("pass")
            run.wait()
        hold(run, oracle, healthy)
        assert run.account()["delivered"] == oracle.unique() == 1000


def test_a_grpc_collector_that_hangs_is_given_up_after_the_time_out(healthy: Healthy, tmp_path: Path) -> None:
    with Oracle(tmp_path, protocol="grpc") as oracle:
        oracle.will(Step(how="hang"))
        settings = otlp_settings(oracle.url, protocol="grpc", timeout="1s")
        run = run_to_end(Work(settings=settings, flush_s=15.0))
        hold(run, oracle, healthy)
        assert run.account()["delivered"] == oracle.unique() == 1000


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_names_that_never_resolve_hold_no_application_thread_and_no_shutdown(
    protocol: str, oracle: Oracle, healthy: Healthy
) -> None:
    settings = otlp_settings(f"http://collector.invalid:{oracle.port}", protocol=protocol, timeout="1s")
    run = run_to_end(Work(settings=settings, names_hang=True))
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["accepted"], account["delivered"]) == (1000, 0)
    assert account["dropped"] == {"shutdown": 1000}


def test_a_name_that_does_not_resolve_is_told_as_such(oracle: Oracle, healthy: Healthy) -> None:
    run = run_to_end(Work(settings=otlp_settings(f"http://collector.invalid:{oracle.port}"), items=400))
    hold(run, oracle, healthy)
    assert "dns" in str(run.final["status"]["otlp"][1]).lower()
    assert "dns" in run.errors.lower()
