"""Row "kill -9 mid-write": what was committed survives; with ``spool: always`` nothing is lost that was acknowledged."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig.receiving import Oracle
from tests.faults.rig.servers import exists
from tests.faults.rig.step import Step
from tests.faults.rig.subjects import Run, follow, running, subject
from tests.faults.rig.work import Work, otlp_settings
from tests.support.waiting import until


def settings_of(oracle: Oracle, folder: Path, mode: str) -> dict[str, Any]:
    delivery = {"spool": mode, "spool_directory": str(folder / "spool")}
    settings = otlp_settings(oracle.url, delivery=delivery)
    # Subjects of a nursery begin together with the tests that kill them: small batches make for many moments to be hit.
    settings["tracing"] = {**settings["tracing"], "batch_export": {"export_interval": "20ms", "max_batch_size": 64}}
    return settings


def acknowledged(nursery: Run, prefix: str) -> int:
    """How many items the subject of that prefix has called acknowledged."""
    lines = [line for line in list(nursery.said) if line["prefix"] == prefix]
    return max((line.get("acknowledged", 0) for line in lines), default=0)


def kill_one(nursery: Run, work: Work, after_s: float) -> None:
    """Fork a subject, let it record for ``after_s`` seconds from its first acknowledged item on, SIGKILL it."""
    assert nursery.process.stdin is not None
    nursery.process.stdin.write(work.as_json().encode() + b"\n")
    nursery.process.stdin.flush()
    born = until(lambda: [line["child"] for line in list(nursery.said) if line["prefix"] == work.prefix and "child" in line])
    try:
        until(lambda: acknowledged(nursery, work.prefix) > 0, timeout_s=15)
        time.sleep(after_s)
    finally:
        os.kill(born[0], signal.SIGKILL)
    until(lambda: not exists(born[0]))


def killed(oracle: Oracle, folder: Path, mode: str, times: int) -> dict[str, int]:
    """Kill so many subjects, one after the other, the receiver well for half of them; what each had called acknowledged."""
    chance, settings = random.Random(3), settings_of(oracle, folder, mode)
    command = [sys.executable, "-m", "tests.faults.rig.scripts.nursery"]
    with running(command, Work()) as nursery:
        for number in range(times):
            oracle.will(then=Step(status=503) if number % 2 else Step())
            kill_one(nursery, Work(settings=settings, prefix=f"k{number}"), chance.uniform(0.0, 0.15))
        time.sleep(0.1)  # the last lines of the last one
        drops = [line for line in nursery.said if line.get("dropped")]
        assert drops == []
        assert "Traceback" not in nursery.errors, nursery.errors
        return {f"k{number}": acknowledged(nursery, f"k{number}") for number in range(times)}


def lost(oracle: Oracle, promised: dict[str, int]) -> dict[str, int]:
    """How many more items of each subject were acknowledged than arrived. (The ledger says how many, not which: a batch that
    is on its way from memory may be older than what is on disk.)"""
    arrived = Counter(number.rpartition("-")[0] for number in oracle.received())
    return {prefix: promise - arrived[prefix] for prefix, promise in promised.items() if arrived[prefix] < promise}


def drain(oracle: Oracle, settings: dict[str, Any], promised: dict[str, int]) -> dict[str, Any]:
    """Start the next process on what lies there; it may take half a minute. What it made of it."""
    oracle.will()
    run = follow(settings, lambda: lost(oracle, promised) == {}, 30.0)
    assert run.exit_code == 0, run.errors
    assert "Traceback" not in run.errors, run.errors
    return run.account()


def assert_nothing_acknowledged_is_lost(oracle: Oracle, folder: Path, mode: str, times: int) -> None:
    promised = killed(oracle, folder, mode, times)
    drain(oracle, settings_of(oracle, folder, mode), promised)
    assert min(promised.values()) > 0
    assert lost(oracle, promised) == {}


@pytest.mark.parametrize("mode", ["always", "on_failure"])
def test_nothing_that_was_acknowledged_is_lost_in_20_kills(mode: str, oracle: Oracle, tmp_path: Path) -> None:
    assert_nothing_acknowledged_is_lost(oracle, tmp_path, mode, 20)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["always", "on_failure"])
def test_nothing_that_was_acknowledged_is_lost_in_200_kills(mode: str, oracle: Oracle, tmp_path: Path) -> None:
    assert_nothing_acknowledged_is_lost(oracle, tmp_path, mode, 200)


def test_with_always_an_item_is_on_disk_soon_after_it_was_recorded(oracle: Oracle, tmp_path: Path) -> None:
    # The receiver hangs, so nothing is delivered; what is acknowledged is on disk.
    oracle.will(then=Step(how="hang"))
    command = [sys.executable, "-m", "tests.faults.rig.scripts.nursery"]
    settings = settings_of(oracle, tmp_path, "always")
    settings["tracing"]["batch_export"] = {"export_interval": "5s", "max_batch_size": 512}
    with running(command, Work()) as nursery:
        kill_one(nursery, Work(settings=settings, prefix="k"), 0.3)
        promised = acknowledged(nursery, "k")
        times = [line["at"] for line in nursery.said if line["prefix"] == "k"]
        first = min(line["at"] for line in nursery.said if line.get("acknowledged"))
        assert first - min(times) < 0.5  # 0.1 s and some for a machine that is busy; the export interval is 5 s
    assert oracle.unique() == 0
    account = drain(oracle, settings, {"k": promised})
    assert account["recovered"] >= promised > 0
    assert lost(oracle, {"k": promised}) == {}


@pytest.mark.soak  # a sibling looks every twenty seconds, which no setting shortens
def test_a_living_sibling_delivers_what_a_killed_process_left(oracle: Oracle, tmp_path: Path) -> None:
    settings = settings_of(oracle, tmp_path, "always")
    command = [sys.executable, "-m", "tests.faults.rig.scripts.nursery"]
    with subject(Work(settings=settings, items=100, rate=2.0)) as sibling, running(command, Work()) as nursery:
        sibling.until(lambda sibling: sibling.now().get("delivered"))
        oracle.will(then=Step(status=503))
        kill_one(nursery, Work(settings=settings, prefix="killed"), 0.2)
        oracle.will()
        promised = {"killed": acknowledged(nursery, "killed")}
        until(lambda: lost(oracle, promised) == {}, timeout_s=35, every_s=0.2)
        sibling.until(lambda sibling: sibling.now()["recovered"] >= 1)
