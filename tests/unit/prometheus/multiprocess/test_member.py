"""A member when the disk fails, when its directory is taken from it, when it ends, and what it costs others."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from heliograph.clock import ManualClock
from heliograph.prometheus.multiprocess.member import Member
from heliograph.prometheus.table import Collected, Family, Numbers, Table
from tests.support.limited_files import files_no_larger_than


class _Jobs:
    """What a process counts."""

    def __init__(self, done: float = 1.0) -> None:
        self.done = done
        self.failure: Exception | None = None

    def __call__(self) -> Collected:
        if self.failure is not None:
            raise self.failure
        family = Family(name="jobs", kind="counter")
        return Collected([Numbers(family=family, labels=[""], values=[self.done])], {"service_name": "shop"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "shared"


def _member(path: Path, jobs: _Jobs, clock: ManualClock | None = None) -> Member:
    return Member(path, jobs, pytest.fail, clock)


def _jobs(tables: Sequence[Table]) -> float:
    (table,) = tables
    assert isinstance(table, Numbers)
    return table.values[0]


def _tables_file(path: Path) -> Path:
    (found,) = path.glob("heliograph-*.tables")
    return found


def test_a_new_directory_is_for_nobody_else(path: Path) -> None:
    _member(path, _Jobs()).publish()

    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(_tables_file(path).stat().st_mode) == 0o600


def test_nothing_is_written_while_nothing_changes(path: Path) -> None:
    jobs = _Jobs()
    member = _member(path, jobs)
    member.publish()
    before = _tables_file(path).stat().st_ino

    member.publish()
    member.scrape()
    unchanged = _tables_file(path).stat().st_ino
    jobs.done = 2
    member.publish()

    assert unchanged == before
    assert _tables_file(path).stat().st_ino != before


def test_a_lone_process_says_what_it_has(path: Path) -> None:
    found = _member(path, _Jobs(3)).scrape()

    assert (_jobs(found.tables), found.resource) == (3, {"service_name": "shop"})


def test_a_disk_that_takes_nothing_costs_no_scrape_and_is_said_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    jobs = _Jobs()
    member, other = _member(path, jobs), _member(path, _Jobs(10))
    other.publish()
    member.publish()
    jobs.done = 5

    with files_no_larger_than(100):
        assert [_jobs(member.scrape().tables) for _scrape in range(3)] == [15] * 3
    assert member.failures == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "publishing failed" in caplog.text

    assert _jobs(other.scrape().tables) == 11
    member.publish()
    assert _jobs(other.scrape().tables) == 15
    assert not list(path.glob("*.new"))


def test_a_failure_after_a_time_without_is_said_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    jobs = _Jobs()
    member = _member(path, jobs)

    for done in range(2):
        jobs.done = done
        with files_no_larger_than(10):
            member.publish()
        member.publish()

    assert len(caplog.records) == 2


def test_a_disk_that_fails_from_the_start_leaves_nothing_behind(path: Path) -> None:
    member = _member(path, _Jobs())
    with files_no_larger_than(10):
        for _try in range(3):
            member.publish()

    assert [entry.name for entry in path.iterdir()] == ["heliograph-lock"]
    assert _jobs(member.scrape().tables) == 1


def test_a_path_that_is_no_directory_costs_no_scrape(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    member = _member(tmp_path / "file", _Jobs(3))

    assert _jobs(member.scrape().tables) == 3
    assert member.failures > 0


def test_a_directory_that_was_removed_is_made_again(path: Path) -> None:
    member, other = _member(path, _Jobs(1)), _member(path, _Jobs(10))
    member.publish()
    other.publish()

    shutil.rmtree(path)

    assert _jobs(member.scrape().tables) == 1
    other.publish()
    assert _jobs(member.scrape().tables) == 11
    assert (member.failures, other.failures) == (0, 0)


def test_a_file_that_somebody_cleaned_away_is_written_again(path: Path) -> None:
    member, other = _member(path, _Jobs(1)), _member(path, _Jobs(10))
    member.publish()
    for entry in path.iterdir():
        entry.unlink()

    member.publish()

    assert _jobs(other.scrape().tables) == 11
    assert len(list(path.glob("*.alive"))) == 2


@pytest.mark.parametrize("content", [b"", b"heliograph tables 9\n and so on", os.urandom(100)])
def test_files_that_cannot_be_read_are_left_out_and_said_once(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    member = _member(path, _Jobs(3))
    member.publish()
    (path / "heliograph-000-1-odd.tables").write_bytes(content)

    assert [_jobs(member.scrape().tables) for _scrape in range(3)] == [3] * 3
    assert "heliograph-000-1-odd.tables" in caplog.text
    assert len(caplog.records) == 1


def test_an_archive_that_cannot_be_read_is_not_overwritten(path: Path) -> None:
    member, ended = _member(path, _Jobs(3)), _member(path, _Jobs(10))
    member.publish()
    ended.publish()
    (path / "heliograph-archive").write_bytes(b"heliograph tables 9\n and so on")
    ended.close()

    assert [_jobs(member.scrape().tables) for _scrape in range(3)] == [13] * 3
    assert (path / "heliograph-archive").read_bytes() == b"heliograph tables 9\n and so on"


def test_a_failing_collection_costs_no_publication_of_others_and_is_told_to_who_scrapes(path: Path) -> None:
    jobs = _Jobs()
    member = _member(path, jobs)
    jobs.failure = RuntimeError("no")

    member.publish()

    assert member.failures == 1
    with pytest.raises(RuntimeError):
        member.scrape()
    jobs.failure = None
    assert _jobs(member.scrape().tables) == 1


def test_a_member_that_has_ended_counts_once_and_publishes_no_more(path: Path) -> None:
    jobs = _Jobs(10)
    member, other = _member(path, jobs), _member(path, _Jobs(1))
    other.publish()
    member.publish()
    jobs.done = 12

    member.close()
    jobs.done = 99
    member.publish()
    member.close()

    assert [_jobs(asked.scrape().tables) for asked in (other, member, other, member)] == [13] * 4


def test_a_member_that_ends_before_it_published_is_counted(path: Path) -> None:
    _member(path, _Jobs(10)).close()

    assert _jobs(_member(path, _Jobs(1)).scrape().tables) == 11


def test_a_member_that_is_started_again_in_its_process_goes_on(path: Path) -> None:
    for number in range(1, 4):
        member = _member(path, _Jobs(10))
        assert _jobs(member.scrape().tables) == 10 * number
        member.close()


def test_one_that_is_closed_while_it_publishes_has_still_ended(path: Path) -> None:
    """As a signal handler does it: on the same thread, in the middle."""
    jobs = _Jobs(10)

    def close_meanwhile() -> Collected:
        found = jobs()
        if threading.current_thread() is threading.main_thread() and jobs.done == 11:
            jobs.done = 12
            member.close()
        return found

    member = Member(path, close_meanwhile, pytest.fail)
    member.publish()
    jobs.done = 11
    member.publish()

    other = _member(path, _Jobs(1))
    assert _jobs(other.scrape().tables) == 13
    assert len(list(path.glob("*.alive"))) == 1, "the one that has ended is in the archive"


def test_ids_in_the_archive_are_forgotten_when_nobody_can_need_them(path: Path) -> None:
    clock = ManualClock()
    member = _member(path, _Jobs(1), clock)
    for number in range(5):
        _member(path, _Jobs(10), clock).close()
        clock.advance(1000)
        assert _jobs(member.scrape().tables) == 11 + 10 * number

    assert (path / "heliograph-archive").read_bytes().count(b":17000") == 1


def test_an_archive_that_was_written_just_before_a_kill_does_not_count_twice(path: Path) -> None:
    member, ended = _member(path, _Jobs(1)), _member(path, _Jobs(10))
    member.publish()
    ended.close()
    left = {entry: entry.read_bytes() for entry in path.glob("*.tables")}
    member.scrape()
    assert len(list(path.glob("*.tables"))) == 1
    for entry, content in left.items():
        if not entry.exists():
            entry.write_bytes(content)  # as if it had not been removed

    assert [_jobs(member.scrape().tables) for _scrape in range(3)] == [11] * 3


def test_the_directory_of_prometheus_client_is_shared_in_peace(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "counter_1.db").write_bytes(b"x")

    member = _member(path, _Jobs(3))

    assert _jobs(member.scrape().tables) == 3
    assert (path / "counter_1.db").read_bytes() == b"x"
