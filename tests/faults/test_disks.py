"""Row "disk full (bytes, inodes), read-only": fall back to memory, count, resume within 10 s."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Healthy
from tests.faults.rig.filesystem import SmallDisk, small_disk
from tests.faults.rig.invariants import hold
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.subjects import Run, run_to_end, subject
from tests.faults.rig.work import Work, otlp_settings

Break = Callable[[SmallDisk], None]
FAULTS: dict[str, tuple[tuple[str, ...], Break, Break]] = {
    "full": ((), SmallDisk.fill_bytes, SmallDisk.free),
    "nearly full": ((), lambda disk: disk.fill_bytes(leave=65_536), SmallDisk.free),
    "without inodes": (("nr_inodes=16",), SmallDisk.fill_inodes, SmallDisk.free),
    "read-only": ((), lambda disk: disk.remount("ro"), lambda disk: disk.remount("rw")),
}

_FAST = [("nearly full", "always"), ("without inodes", "on_failure"), ("read-only", "on_failure")]
MENDED = [
    pytest.param(fault, mode, marks=() if (fault, mode) in _FAST else pytest.mark.soak)
    for fault in FAULTS
    for mode in ("on_failure", "always")
]


def settings_on(folder: Path, oracle: Oracle, mode: str, **delivery: Any) -> dict[str, Any]:
    return otlp_settings(oracle.url, delivery={"spool_directory": str(folder / "spool"), "spool": mode, **delivery})


@contextlib.contextmanager
def recording_on_a_broken_disk(
    fault: str, oracle: Oracle, folder: Path, mode: str, **delivery: Any
) -> Iterator[tuple[Run, SmallDisk]]:
    """A subject that is in the middle of its work, its collector and its disk broken."""
    options, break_it, _mend = FAULTS[fault]
    with small_disk(folder / "disk", *options) as disk:
        break_it(disk)
        oracle.kill()
        work = Work(settings=settings_on(disk.folder, oracle, mode, **delivery), items=2000, rate=2500, flush_s=40.0)
        with subject(work) as run:
            run.until(lambda run: run.now().get("accepted", 0) >= 1900)
            yield run, disk


@pytest.mark.parametrize(("fault", "mode"), MENDED)
def test_items_wait_in_memory_while_the_disk_is_broken_and_go_to_it_within_10_s_when_it_is_mended(
    fault: str, mode: str, oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    with recording_on_a_broken_disk(fault, oracle, tmp_path, mode) as (run, disk):
        broken = run.now()
        assert broken["dropped"] == {}
        assert broken["pending"] - broken["spooled"] > 500  # in memory
        FAULTS[fault][2](disk)
        mended_at = time.monotonic()
        # One batch may be on its way: from memory it goes to the disk when its attempt has failed.
        run.until(lambda run: run.now()["pending"] - run.now()["spooled"] <= 256, timeout_s=12)
        assert time.monotonic() - mended_at < 10.5
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    account = run.account()
    assert (account["delivered"], account["dropped"], account["pending"]) == (2000, {}, 0)
    assert oracle.unique() == 2000


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_disk_holds_up_no_delivery_when_the_collector_is_well(
    fault: str, oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    options, break_it, _mend = FAULTS[fault]
    with small_disk(tmp_path / "disk", *options) as disk:
        break_it(disk)
        run = run_to_end(Work(settings=settings_on(disk.folder, oracle, "always"), flush_s=20.0))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == oracle.received().total() == 1000


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_what_neither_disk_nor_memory_can_hold_is_counted_to_the_item(
    fault: str, oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    with recording_on_a_broken_disk(fault, oracle, tmp_path, "on_failure", queue_size=500) as (run, _disk):
        assert sum(run.now()["dropped"].values()) > 500
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    account = run.account()
    assert set(account["dropped"]) <= {"queue_full", "spool_full"}
    assert oracle.unique() + sum(account["dropped"].values()) == account["accepted"] == 2000


def test_a_broken_disk_is_said_once_and_shown_in_the_status(oracle: Oracle, healthy: Healthy, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.fill_bytes()
        oracle.kill()
        run = run_to_end(Work(settings=settings_on(disk.folder, oracle, "on_failure")))
    hold(run, oracle, healthy)
    state, reason = run.final["status"]["otlp"]
    assert state != "healthy"
    assert "spool" in reason


@pytest.mark.parametrize("mode", ["on_failure", "always"])
def test_a_limit_on_the_size_of_files_is_a_broken_disk_too(
    mode: str, oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    oracle.kill()
    work = Work(settings=settings_on(tmp_path, oracle, mode), flush_s=30.0, kind="files of 32 KiB")
    with subject(work) as run:
        run.until(lambda run: run.now().get("accepted", 0) >= 900)
        assert run.now()["pending"] - run.now()["spooled"] > 100
        oracle.start()
        run.wait()
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000


def test_a_spool_in_a_place_where_no_folder_can_be_made_is_a_broken_disk_too(
    oracle: Oracle, healthy: Healthy, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    run = run_to_end(Work(settings=settings_on(tmp_path / "file", oracle, "always"), flush_s=20.0))
    hold(run, oracle, healthy)
    assert run.account()["delivered"] == oracle.unique() == 1000
