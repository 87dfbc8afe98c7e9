"""Row "corrupt or truncated spool (every byte, flips)": never raises, intact records arrive, bad files are set aside.

The damaged files are copies of one that a real process wrote. Many of them lie in one folder, as if as many processes had
left them, so that one start reads them all; the counts of each item say whether every single one was read as it should.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heliograph import LedgerCounts, TelemetryManager, TelemetrySettings
from tests.faults.rig.receiving import Oracle
from tests.faults.rig.work import otlp_settings
from tests.support.waiting import until

RECORDS = 3
Damage = Callable[[bytes], Iterator[bytes]]


@dataclass
class Sample:
    """A spool file of three records of one span each (``n`` is 0, 1, 2), and where each ends. ``place`` is its path below
    the spool's folder."""

    place: Path
    data: bytes
    ends: list[int]


def settings_for(oracle: Oracle, folder: Path) -> TelemetrySettings:
    delivery = {"spool": "always", "spool_directory": str(folder), "shutdown_timeout": "1s", "queue_size": 100_000}
    return TelemetrySettings(**{**otlp_settings(oracle.url, delivery=delivery), "logs": {}})


def counts() -> LedgerCounts:
    return TelemetryManager.current().ledger()["traces", "otlp"]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in files_in(folder))


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """Copied from under a living process: what one that is killed leaves."""
    folder = tmp_path / "written"
    with Oracle(tmp_path) as nobody:
        nobody.kill()
        telemetry = TelemetryManager.start(settings=settings_for(nobody, folder))
        ends: list[int] = []
        for number in range(RECORDS):
            with telemetry.span("work", n=str(number)):
                pass
            ends.append(until(lambda: size_of(folder) if size_of(folder) > sum(ends[-1:]) else 0))
        (path,) = files_in(folder)
        found = Sample(path.relative_to(folder), path.read_bytes(), ends)
        telemetry.shutdown()
    assert len(found.data) == ends[-1] > ends[0] > 0
    return found


def lay_out(folder: Path, sample: Sample, damaged: list[bytes]) -> None:
    """Each of ``damaged`` as a file of its own, an hour old."""
    place = folder / sample.place
    place.parent.mkdir(parents=True, mode=0o700)
    for number, data in enumerate(damaged):
        # The name begins with a time and says who wrote it: another time makes another file.
        path = place.with_name(f"{number:06d}{place.name[6:]}")
        path.write_bytes(data)
        path.chmod(0o600)
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def read_back(oracle: Oracle, folder: Path, files: int) -> LedgerCounts:
    """Start on ``folder`` and let everything leave."""
    telemetry = TelemetryManager.start(settings=settings_for(oracle, folder))
    last: list[Any] = [None]

    def is_at_rest() -> bool:
        before, last[0] = last[0], counts()
        return last[0].pending == 0 and last[0] == before and last[0].recovered >= files

    until(is_at_rest, timeout_s=60, every_s=0.5)
    return telemetry.shutdown().ledger["traces", "otlp"]


def assert_next_start_finds_nothing(oracle: Oracle, folder: Path) -> None:
    telemetry = TelemetryManager.start(settings=settings_for(oracle, folder))
    with telemetry.span("work", n="last"):
        pass
    assert telemetry.force_flush()
    account = telemetry.shutdown().ledger["traces", "otlp"]
    assert (account.recovered, account.delivered, dict(account.dropped)) == (0, 1, {})


def test_an_undamaged_file_is_read_whole(sample: Sample, oracle: Oracle, tmp_path: Path) -> None:
    lay_out(tmp_path / "spool", sample, [sample.data])
    account = read_back(oracle, tmp_path / "spool", files=1)
    assert (account.recovered, account.delivered, dict(account.dropped)) == (3, 3, {})
    assert oracle.received() == {"0": 1, "1": 1, "2": 1}
    assert_next_start_finds_nothing(oracle, tmp_path / "spool")


def assert_each_truncation_is_read(sample: Sample, oracle: Oracle, folder: Path, lengths: list[int]) -> None:
    lay_out(folder, sample, [sample.data[:length] for length in lengths])
    is_torn = [length not in (0, *sample.ends) for length in lengths]
    whole = {str(number): sum(length >= end for length in lengths) for number, end in enumerate(sample.ends)}
    account = read_back(oracle, folder, files=sum(length > 0 for length in lengths))
    assert oracle.received() == {number: times for number, times in whole.items() if times}
    assert account.delivered == sum(whole.values())
    assert dict(account.dropped) == {"unreadable": sum(is_torn)}
    assert account.accepted == account.recovered == account.delivered + sum(is_torn)
    assert_next_start_finds_nothing(oracle, folder)


def test_a_file_that_ends_at_any_byte_gives_the_records_that_are_whole(
    sample: Sample, oracle: Oracle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lengths = sorted({*range(0, len(sample.data), 4), *sample.ends, *(end - 1 for end in sample.ends)})
    assert_each_truncation_is_read(sample, oracle, tmp_path / "spool", lengths)
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 0


@pytest.mark.soak
def test_a_file_that_ends_at_each_byte_gives_the_records_that_are_whole(
    sample: Sample, oracle: Oracle, tmp_path: Path
) -> None:
    assert_each_truncation_is_read(sample, oracle, tmp_path / "spool", list(range(len(sample.data) + 1)))


def flipped(data: bytes, bits: Callable[[int], list[int]]) -> list[bytes]:
    """Copies of ``data`` with one bit changed in each: for each position those of ``bits(position)``."""
    return [
        data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]
        for position in range(len(data))
        for bit in bits(position)
    ]


def assert_each_flip_is_read(sample: Sample, oracle: Oracle, folder: Path, damaged: list[bytes]) -> None:
    lay_out(folder, sample, damaged)
    account = read_back(oracle, folder, files=len(damaged))
    received = oracle.received()
    assert set(received) == {"0", "1", "2"}  # nothing that was never recorded
    starts = [0, *sample.ends[:-1]]
    in_each = len(damaged) // len(sample.data)
    for number, (begin, end) in enumerate(zip(starts, sample.ends, strict=True)):
        untouched = len(damaged) - (end - begin) * in_each
        assert untouched <= received[str(number)] <= len(damaged), f"record {number}"
    unreadable = account.dropped["unreadable"]
    assert set(account.dropped) == {"unreadable"}
    assert account.delivered == received.total()
    # Each record of each file is there once: delivered, or counted as unreadable.
    assert account.recovered == account.delivered + unreadable == RECORDS * len(damaged)
    assert_next_start_finds_nothing(oracle, folder)


def test_a_file_with_any_byte_changed_gives_all_other_records(sample: Sample, oracle: Oracle, tmp_path: Path) -> None:
    damaged = flipped(sample.data, lambda position: [position * 5 % 8])
    assert_each_flip_is_read(sample, oracle, tmp_path / "spool", damaged)


@pytest.mark.soak
@pytest.mark.parametrize("bit", range(8))
def test_a_file_with_any_bit_changed_gives_all_other_records(bit: int, sample: Sample, oracle: Oracle, tmp_path: Path) -> None:
    assert_each_flip_is_read(sample, oracle, tmp_path / "spool", flipped(sample.data, lambda _position: [bit]))


@pytest.mark.parametrize(
    "garbage", [b"\0" * 4096, b"\xff" * 4096, bytes(range(256)) * 16, b"no spool at all"], ids=["0", "255", "all", "text"]
)
def test_a_file_of_anything_else_is_counted_and_set_aside(
    garbage: bytes, sample: Sample, oracle: Oracle, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    lay_out(folder, sample, [garbage, sample.data + garbage, garbage + sample.data, sample.data])
    account = read_back(oracle, folder, files=4)
    assert oracle.received() == {"0": 3, "1": 3, "2": 3}
    assert account.delivered == 9
    assert account.dropped["unreadable"] >= 3
    kept = [path.read_bytes() for path in files_in(folder)]
    assert garbage in kept  # for whoever wants to look at it
    assert_next_start_finds_nothing(oracle, folder)


def test_a_folder_a_link_and_a_file_of_another_name_in_the_spool_are_left_alone(
    sample: Sample, oracle: Oracle, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    lay_out(folder, sample, [sample.data])
    place = (folder / sample.place).parent
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    (place / f"000001{sample.place.name[6:]}").symlink_to(secret)
    (place / f"000002{sample.place.name[6:]}").mkdir()
    (place / "notes.txt").write_text("mine")
    account = read_back(oracle, folder, files=1)
    assert (account.delivered, dict(account.dropped)) == (3, {})
    assert secret.read_text() == "untouched"
    assert (place / "notes.txt").read_text() == "mine"


def test_a_spool_that_vanishes_under_a_process_costs_only_what_was_in_it(oracle: Oracle, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    oracle.kill()
    telemetry = TelemetryManager.start(settings=settings_for(oracle, folder))
    for number in range(20):
        with telemetry.span("work", n=str(number)):
            pass
    until(lambda: size_of(folder) > 1000)
    time.sleep(0.3)
    shutil.rmtree(folder)
    oracle.start()
    with telemetry.span("work", n="after"):
        pass
    telemetry.force_flush(10)
    account = telemetry.shutdown().ledger["traces", "otlp"]
    assert account.accepted == 21 == account.delivered + sum(account.dropped.values()) + account.pending
    assert "after" in oracle.received()
    assert account.delivered == oracle.unique()
