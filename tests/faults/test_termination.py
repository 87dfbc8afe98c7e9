"""Row "SIGTERM": the handler is chained, what was recorded is delivered or spooled, the exit status is kept, 0 lost."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig.invariants import (
    i1_every_item_is_accounted_for,
    i2_nothing_is_raised_into_the_application,
    i6_log_lines_are_few,
)
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.servers import Traffic, celery_worker, send_tasks, web_server
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import Run, follow, subject
from tests.faults.rig.work import Work, otlp_settings
from tests.support.waiting import until


def terminated(run: Run, timeout_s: float = 10.0) -> float:
    """Send SIGTERM and wait for the end; returns how long it took, in seconds."""
    sent_at = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    run.wait(timeout_s)
    return time.monotonic() - sent_at


def numbers_of(run: Run) -> set[str]:
    """The numbers that a subject recorded which said how many."""
    return {f"{run.final['pid']}-{count}" for count in range(run.final["recorded"])}


def test_a_plain_process_delivers_and_dies_of_the_signal(oracle: Oracle) -> None:
    with subject(Work(settings=otlp_settings(oracle.url), items=1500, end="wait", prefix="p")) as run:
        run.until(lambda run: run.said)
        assert terminated(run) < 2.5
    assert run.exit_code == -signal.SIGTERM
    assert oracle.received() == Counter(f"p-{count}" for count in range(1500))
    i1_every_item_is_accounted_for([run], oracle)
    i2_nothing_is_raised_into_the_application(run)
    i6_log_lines_are_few(run)


def test_a_signal_in_the_middle_of_recording_loses_nothing_that_was_recorded(oracle: Oracle) -> None:
    with subject(Work(settings=otlp_settings(oracle.url), items=10**6, prefix="p")) as run:
        run.until(lambda run: run.now().get("accepted", 0) > 500)
        accepted = run.now()["accepted"]
        terminated(run)
    assert run.exit_code == -signal.SIGTERM
    received = oracle.received()
    assert received == Counter(f"p-{count}" for count in range(len(received)))  # in order, none missing, none twice
    assert len(received) >= accepted
    i2_nothing_is_raised_into_the_application(run)


@pytest.mark.parametrize("handler", ["exit", "flag"])
def test_a_handler_of_the_application_decides_how_the_process_ends(handler: Any, oracle: Oracle) -> None:
    work = Work(settings=otlp_settings(oracle.url), items=10**6, sigterm=handler, end="return")
    with subject(work) as run:
        run.until(lambda run: run.now().get("accepted", 0) > 500)
        terminated(run)
    assert run.exit_code == 0
    assert "Traceback" not in run.errors
    received = oracle.received()
    if handler == "flag":
        assert set(received) == numbers_of(run)
        assert run.account()["delivered"] == run.final["recorded"]
    assert received == Counter(f"{run.final['pid']}-{count}" for count in range(len(received)))
    assert run.account()["delivered"] == run.account()["accepted"] == len(received)


@pytest.mark.parametrize("handler", ["none", "exit", "flag"])
def test_with_the_collector_down_everything_is_in_the_spool_and_the_next_process_delivers_it(
    handler: Any, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.kill()
    settings = otlp_settings(oracle.url, delivery={"spool_directory": str(tmp_path / "spool")})
    with subject(Work(settings=settings, items=10**6, sigterm=handler, end="return", prefix="p")) as run:
        run.until(lambda run: run.now().get("accepted", 0) > 1000)
        accepted = run.now()["accepted"]
        assert terminated(run) < 1.0 + 0.5 + 0.5  # the shutdown's time-out, its grace, the end of the interpreter
    assert run.exit_code == (-signal.SIGTERM if handler == "none" else 0)
    oracle.start()
    following = follow(settings, lambda: oracle.unique() > accepted, 10.0, items=100, prefix="q")
    received = oracle.received()
    recovered = sum(number.startswith("p-") for number in received)
    assert recovered == following.account()["recovered"] >= accepted
    expected = {f"p-{count}" for count in range(recovered)} | {f"q-{count}" for count in range(100)}
    assert received == Counter(expected)
    for each in (run, following):
        i2_nothing_is_raised_into_the_application(each)
        i6_log_lines_are_few(each)


def test_a_collector_that_hangs_does_not_hold_the_process(oracle: Oracle) -> None:
    oracle.will(then=Step(how="hang"))
    with subject(Work(settings=otlp_settings(oracle.url), items=500, end="wait")) as run:
        run.until(lambda run: run.said)
        assert terminated(run) < 1.0 + 0.5 + 0.5
    assert run.exit_code == -signal.SIGTERM
    i2_nothing_is_raised_into_the_application(run)


@pytest.mark.parametrize("kind", [pytest.param("gunicorn", marks=pytest.mark.soak), "gunicorn --preload", "uvicorn"])
def test_a_web_server_that_is_ended_under_traffic_loses_no_span_of_an_answered_request(kind: str, oracle: Oracle) -> None:
    with web_server(kind, Work(settings=otlp_settings(oracle.url))) as (run, url):
        traffic = Traffic(url)
        asking = threading.Thread(target=traffic.run, args=(4000,))
        asking.start()
        until(lambda: len(traffic.answered) >= 300, timeout_s=20)
        if kind != "uvicorn":  # gunicorn leaves a worker behind that it boots while it is told to end
            run.until(lambda run: run.errors.count("Booting worker") == 4)
        terminated(run, 20)
        traffic.stop()
        asking.join()
    received = oracle.received()
    assert set(traffic.answered) - set(received) == set()
    assert received.total() == len(received)
    assert len(received) - len(traffic.answered) <= 4  # one request a thread may have been cut off behind its span
    assert run.exit_code in ((0,) if kind != "uvicorn" else (0, -signal.SIGTERM))
    if kind != "uvicorn":
        assert len(set(traffic.answered.values())) >= 2  # several workers did it
    i2_nothing_is_raised_into_the_application(run)
    i6_log_lines_are_few(run)


@pytest.mark.soak  # the fast lane ends the celery of test_forked.py by the same signal
def test_celery_that_is_ended_after_its_tasks_loses_no_span_of_them(oracle: Oracle, tmp_path: Path) -> None:
    send_tasks(tmp_path / "broker", 12)
    with celery_worker(Work(settings=otlp_settings(oracle.url)), tmp_path / "broker") as run:
        run.until(lambda run: len(run.said) == 12, timeout_s=40)
        terminated(run, 20)
    assert oracle.received() == Counter(f"task-{task}.{part}" for task in range(12) for part in range(5))
    i2_nothing_is_raised_into_the_application(run)
