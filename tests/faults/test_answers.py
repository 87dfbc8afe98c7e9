"""Rows "429/503 with Retry-After", "400/401/403 / 413 / 3xx / 500" and "partial success": what a collector says, and what
the ledger says of it."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.invariants import hold
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import Run, run_to_end
from tests.faults.rig.work import Work, otlp_settings

GRPC = {"UNAVAILABLE": 14, "RESOURCE_EXHAUSTED": 8, "UNAUTHENTICATED": 16, "INVALID_ARGUMENT": 3, "INTERNAL": 13}


def recorded_to(url: str, *, protocol: str = "http", **work: Any) -> Run:
    """One run of a subject against what listens at ``url``, to its end."""
    wanted = {"items": 800, "rate": 4000.0, "flush_s": 15.0, **work}
    return run_to_end(Work(settings=otlp_settings(url, protocol=protocol, timeout="4s"), **wanted))


@pytest.mark.parametrize(
    "status", [429, 503, pytest.param(502, marks=pytest.mark.soak), pytest.param(504, marks=pytest.mark.soak)]
)
def test_after_a_retryable_status_every_item_arrives_once(status: int, oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(Step(status=status), Step(status=status))
    run = recorded_to(oracle.url)
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["delivered"], account["dropped"], account["pending"]) == (800, {}, 0)
    assert oracle.unique() == 800


@pytest.mark.parametrize(
    ("status", "form"), [(429, "seconds"), pytest.param(503, "seconds", marks=pytest.mark.soak), (503, "date")]
)
def test_nothing_is_sent_again_earlier_than_the_collector_told(
    form: str, status: int, oracle: Oracle, healthy: Healthy
) -> None:
    # A date has no fractions: the wait may be up to a second shorter when it is rounded down here.
    told = "2" if form == "seconds" else formatdate(time.time() + 4, usegmt=True)
    until = time.monotonic() + 3
    oracle.will(Step(status=status, headers={"Retry-After": told}))
    run = recorded_to(oracle.url)
    hold(run, oracle, healthy)
    first, second, *_others = oracle.requests()
    assert second.at - first.at >= 2.0 if form == "seconds" else second.at >= until - 0.1
    assert second.at - first.at < 6.0
    assert run.account()["delivered"] == oracle.unique() == 800


def test_a_told_wait_beyond_the_shutdown_is_not_cut_short_and_what_is_left_is_counted(
    oracle: Oracle, healthy: Healthy
) -> None:
    oracle.will(then=Step(status=429, headers={"Retry-After": "30"}))
    run = recorded_to(oracle.url, flush_s=0.0)
    hold(run, oracle, healthy)
    assert oracle.answers() == ["429"]
    assert run.account()["dropped"] == {"shutdown": 800}


@pytest.mark.parametrize("status", [400, 401, 403, 500, 301])
def test_a_request_that_is_refused_for_good_is_made_once_and_counted(status: int, oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(then=Step(status=status))
    run = recorded_to(oracle.url)
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["delivered"], account["dropped"], account["retried"]) == (0, {"rejected": 800}, 0)
    # One request a batch: 800 spans at 4,000 a second with a batch each 100 ms are a handful.
    assert 1 <= len(oracle.requests()) <= 12
    assert run.final["status"]["otlp"][0] == "failed"
    assert str(status) in run.final["status"]["otlp"][1]


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(status: int, oracle: Oracle, healthy: Healthy, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Oracle(tmp_path / "elsewhere") as elsewhere:
        oracle.will(then=Step(status=status, headers={"Location": f"{elsewhere.url}/v1/traces"}))
        run = recorded_to(oracle.url)
        hold(run, oracle, healthy)
        assert elsewhere.requests() == []
        assert run.account()["dropped"] == {"rejected": 800}


def test_a_refusal_of_one_batch_leaves_the_next_ones_alone(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(Step(status=400))
    run = recorded_to(oracle.url, items=1600)
    hold(run, oracle, healthy)
    account = run.account()
    assert account["dropped"]["rejected"] == 1600 - account["delivered"] > 0
    assert account["delivered"] == oracle.unique() > 0
    assert run.final["status"]["otlp"][0] == "healthy"


def test_a_request_that_is_too_large_is_split_until_it_fits(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(then=Step(most_bytes=1500))
    run = recorded_to(oracle.url)
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 800
    assert "413" in oracle.answers()
    assert {request.answer for request in oracle.requests() if request.size_bytes <= 1500} == {"200"}


def test_an_item_that_is_too_large_by_itself_is_counted(oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(then=Step(most_bytes=1))
    run = recorded_to(oracle.url, items=300)
    hold(run, oracle, healthy)
    assert run.account()["dropped"] == {"rejected": 300}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_partial_success_of_7_counts_7_as_rejected_and_sends_none_again(
    protocol: str, healthy: Healthy, tmp_path: Path
) -> None:
    with Oracle(tmp_path, protocol=protocol) as oracle:
        oracle.will(Step(rejected=7, grpc_code=0))
        run = recorded_to(oracle.url, protocol=protocol)
        hold(run, oracle, healthy)
        account = run.account()
        assert (account["delivered"], account["dropped"], account["retried"]) == (793, {"rejected": 7}, 0)
        assert oracle.unique() == 793


@pytest.mark.parametrize("how", ["huge", "bomb"])
def test_an_answer_of_300_mib_takes_no_memory_and_its_status_counts(how: Any, oracle: Oracle, healthy: Healthy) -> None:
    oracle.will(then=Step(how=how))
    run = recorded_to(oracle.url)
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 800


@pytest.mark.parametrize("code", [pytest.param("UNAVAILABLE", marks=pytest.mark.soak), "RESOURCE_EXHAUSTED"])
def test_grpc_waits_as_long_as_it_is_told(code: str, healthy: Healthy, tmp_path: Path) -> None:
    with Oracle(tmp_path, protocol="grpc") as oracle:
        oracle.will(Step(grpc_code=GRPC[code], retry_info_s=2))
        run = recorded_to(oracle.url, protocol="grpc")
        hold(run, oracle, healthy)
        first, second, *_others = oracle.requests()
        assert 2.0 <= second.at - first.at < 6.0
        assert run.account()["delivered"] == oracle.unique() == 800


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "INTERNAL"])
def test_grpc_sends_what_is_refused_for_good_once(code: str, healthy: Healthy, tmp_path: Path) -> None:
    with Oracle(tmp_path, protocol="grpc") as oracle:
        oracle.will(then=Step(grpc_code=GRPC[code]))
        run = recorded_to(oracle.url, protocol="grpc")
        hold(run, oracle, healthy)
        account = run.account()
        assert (account["delivered"], account["dropped"], account["retried"]) == (0, {"rejected": 800}, 0)
        assert code in run.final["status"]["otlp"][1]


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_the_other_signals_are_sent_again_and_counted_alike(signal: str, oracle: Oracle, healthy: Healthy) -> None:
    settings = otlp_settings(oracle.url, timeout="4s")
    exporters = settings["tracing"]["exporters"]
    if signal == "metrics":
        settings["metrics"] = {"exporters": exporters, "collection_interval": "200ms"}
    oracle.will(Step(status=503), Step(rejected=3))
    run = run_to_end(Work(settings=settings, items=800, signals=(signal,), settle_s=15.0))
    account = run.account(signal)
    arrived = oracle.received(signal).total()
    assert account["accepted"] == account["delivered"] + 3
    assert account["delivered"] == arrived > 0
    assert account["dropped"] == {"rejected": 3}
