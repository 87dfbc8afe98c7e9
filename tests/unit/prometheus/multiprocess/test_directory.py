"""The shared directory: its lock, what is left behind there, and who lives."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from heliograph.prometheus.multiprocess.archive import Archive
from heliograph.prometheus.multiprocess.compaction import compact
from heliograph.prometheus.multiprocess.directory import Directory
from heliograph.prometheus.multiprocess.process import Process, is_running, this_process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.table import Family, Numbers


def _directory(path: Path) -> Directory:
    return Directory(path, pytest.fail)


def _snapshot(member: str, process: Process | None = None) -> Snapshot:
    return Snapshot(member=member, process=process or this_process(), parent=None, published_at_s=1.0)


def test_only_one_has_the_lock_and_nobody_waits_for_long(tmp_path: Path) -> None:
    with _directory(tmp_path).lock(0.0) as first:
        started_s = time.monotonic()
        with _directory(tmp_path).lock(0.1) as second:
            waited_s = time.monotonic() - started_s
    with _directory(tmp_path).lock(0.0) as third:
        pass

    assert (first, second, third) == (True, False, True)
    assert 0.1 <= waited_s < 1.0


def test_a_member_of_elsewhere_lives_as_long_as_its_lock_is_held(tmp_path: Path) -> None:
    elsewhere = _snapshot("1", Process(1, 1.0, "another namespace"))
    holder, reader = _directory(tmp_path), _directory(tmp_path)

    holder.join("1")
    before = reader.is_alive(elsewhere), reader.is_any_locked()
    holder.leave("1")

    assert before == (True, True)
    assert (reader.is_alive(elsewhere), reader.is_any_locked()) == (False, False)


def test_a_child_does_not_hold_what_its_parent_held(tmp_path: Path) -> None:
    directory, reader = _directory(tmp_path), _directory(tmp_path)
    directory.join("1")

    directory.after_fork_in_child()

    assert not reader.is_any_locked()


def test_a_descriptor_that_belongs_to_something_else_by_now_is_not_closed(tmp_path: Path) -> None:
    directory = _directory(tmp_path)
    directory.join("1")
    (opened,) = [
        int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.resolve() == tmp_path / "heliograph-1.alive"
    ]
    os.close(opened)  # as daemons close everything
    other = os.open(tmp_path / "mine", os.O_CREAT | os.O_RDWR)
    assert other == opened

    directory.leave("1")

    os.close(other)  # raises when it was closed already


def test_what_somebody_left_who_was_killed_at_its_first_words_is_removed_later(tmp_path: Path) -> None:
    directory = _directory(tmp_path)
    killed = _directory(tmp_path)
    killed.join("1")
    killed.leave("1")
    (tmp_path / "heliograph-1.tables.1.0.new").touch()
    directory.join("2")
    now_s = time.time()

    directory.remove_abandoned(now_s)
    soon = sorted(path.name for path in tmp_path.iterdir())
    directory.remove_abandoned(now_s + 100)

    assert soon == ["heliograph-1.alive", "heliograph-1.tables.1.0.new", "heliograph-2.alive"]
    assert [path.name for path in tmp_path.iterdir()] == ["heliograph-2.alive"]


def test_the_oldest_member_comes_first_and_the_own_one_is_left_out(tmp_path: Path) -> None:
    directory = _directory(tmp_path)
    for member in ("2", "1", "3"):
        directory.write(_snapshot(member), _snapshot(member).encoded(pytest.fail))

    assert [snapshot.member for snapshot in directory.snapshots(without="3")] == ["1", "2"]


class _Disturbed(Directory):
    """One in which somebody else compacts at a given moment of another's reading."""

    moment = ""

    def _disturb(self, moment: str) -> None:
        if moment == self.moment:
            compact(_directory(self.path), 1.0, pytest.fail)

    def snapshots(self, *, without: str = "") -> list[Snapshot]:
        self._disturb("before snapshots")
        found = super().snapshots(without=without)
        self._disturb("after snapshots")
        return found

    def archive(self) -> Archive | None:
        self._disturb("before archive")
        found = super().archive()
        self._disturb("after archive")
        return found


@pytest.mark.parametrize("moment", ["before snapshots", "after snapshots", "before archive", "after archive"])
def test_whoever_is_compacted_while_somebody_reads_is_seen_exactly_once(tmp_path: Path, moment: str) -> None:
    directory = _Disturbed(tmp_path, pytest.fail)
    directory.moment = moment
    ended = replace(_snapshot("1"), is_ended=True)
    directory.write(ended, ended.encoded(pytest.fail))

    snapshots, archive = directory.everyone()

    assert [*archive.members, *(snapshot.member for snapshot in snapshots)] == ["1"]
    assert not directory.is_written("1")


class _Dying(Directory):
    """One whose member publishes for the last time, and dies, when somebody has just read what it had published before."""

    def is_alive(self, snapshot: Snapshot) -> bool:
        last = replace(snapshot, tables=[Numbers(family=Family(name="jobs", kind="counter"), labels=[""], values=[7.0])])
        self.write(last, last.encoded(pytest.fail))
        return False


def test_the_last_publication_of_one_that_dies_meanwhile_is_what_is_kept(tmp_path: Path) -> None:
    directory = _Dying(tmp_path, pytest.fail)
    directory.write(_snapshot("1"), _snapshot("1").encoded(pytest.fail))

    compact(directory, 1.0, pytest.fail)

    archive = directory.archive()
    assert archive is not None
    assert [table.values for table in archive.tables if isinstance(table, Numbers)] == [[7.0]]


def test_a_file_that_has_not_changed_is_not_parsed_again(tmp_path: Path) -> None:
    directory = _directory(tmp_path)
    directory.write(_snapshot("1"), _snapshot("1").encoded(pytest.fail))

    (first,) = directory.snapshots()
    (second,) = directory.snapshots()
    directory.write(_snapshot("1"), _snapshot("1", Process(1, 1.0, "")).encoded(pytest.fail))
    (third,) = directory.snapshots()

    assert second is first
    assert third.process.pid == 1


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = this_process()

    assert is_running(me) is True
    assert is_running(me._replace(started=me.started - 1)) is False
    assert is_running(me._replace(namespace="another")) is None
    assert is_running(me._replace(started=0.0)) is None
