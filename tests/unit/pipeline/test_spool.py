"""The spool of one destination: bounds, age, what other processes left, and disks that misbehave."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from heliograph.clock import ManualClock
from heliograph.pipeline.spool import Kept, folder_name
from tests.support.limited_files import files_no_larger_than
from tests.support.spools import body_batch, end_process, make_spool, segments, take_all


def test_batches_come_back_oldest_first_and_joined_up_to_the_limits(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for number in range(6):
        assert spool.append(body_batch(b"%d" % number, count=2, last_entry=number + 1)) is Kept.YES
    first = spool.take(max_count=5, max_bytes=100)
    assert (first.body, first.count, first.last_entry) == (b"01", 4, 2)
    second = spool.take(max_count=100, max_bytes=3)
    assert (second.body, second.count, second.last_entry) == (b"234", 6, 5)
    assert spool.take(max_count=1, max_bytes=1).body == b"5"
    assert not spool.take(max_count=1, max_bytes=1).records


def test_a_spool_that_was_emptied_holds_no_bytes_and_leaves_no_file(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for _ in range(3):
        spool.append(body_batch(b"x" * 1000))
        take_all(spool)
        assert [path.stat().st_size for path in segments(tmp_path)] == [0]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_settled_when_the_process_ends_is_the_next_ones(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for body in (b"settled", b"taken", b"waiting"):
        spool.append(body_batch(body))
    spool.settle(spool.take(1, 1))
    spool.take(1, 1)
    spool.close()
    after = make_spool(tmp_path)
    assert after.adopt() == 2
    assert [taken.body for taken in take_all(after)] == [b"taken", b"waiting"]
    after.close()
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_living_process_are_left_to_it(tmp_path: Path) -> None:
    living, other = make_spool(tmp_path), make_spool(tmp_path)
    living.append(body_batch(b"mine"))
    assert other.adopt() == 0
    end_process(living)
    assert other.adopt() == 1
    assert [taken.body for taken in take_all(other)] == [b"mine"]


def test_of_two_that_adopt_one_gets_it(tmp_path: Path) -> None:
    gone, *others = make_spool(tmp_path), make_spool(tmp_path), make_spool(tmp_path)
    gone.append(body_batch(b"left"))
    end_process(gone)
    assert sorted(other.adopt() for other in others) == [0, 1]


def test_a_full_spool_takes_nothing_more_until_a_file_of_it_is_done(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, max_bytes=2000)
    written = 0
    while spool.append(body_batch(b"x" * 200)) is Kept.YES:
        written += 1
    assert 0 < sum(path.stat().st_size for path in segments(tmp_path)) <= 2000
    assert spool.append(body_batch(b"x" * 200)) is Kept.FULL
    for _ in range(written):
        spool.settle(spool.take(1, 1))
    assert spool.append(body_batch(b"x" * 200)) is Kept.YES


def test_the_bound_is_for_the_files_of_all_processes_together(tmp_path: Path) -> None:
    other = make_spool(tmp_path)
    other.append(body_batch(b"x" * 900))
    spool = make_spool(tmp_path, max_bytes=1000)
    assert spool.append(body_batch(b"x" * 100)) is Kept.FULL


def test_records_that_are_too_old_are_counted_and_not_given_back(tmp_path: Path) -> None:
    clock = ManualClock()
    spool = make_spool(tmp_path, max_age_s=60, clock=clock)
    spool.append(body_batch(b"old", count=3))
    clock.advance(61)
    spool.append(body_batch(b"new", count=2))
    taken = spool.take(100, 100)
    assert (taken.body, taken.count, taken.expired) == (b"new", 2, 3)


def test_the_age_of_what_others_left_is_by_wall_time(tmp_path: Path) -> None:
    clock = ManualClock()
    gone = make_spool(tmp_path, clock=clock)
    gone.append(body_batch(b"left", count=4))
    end_process(gone)
    later = ManualClock(clock.time_ns() + 61 * 10**9)
    spool = make_spool(tmp_path, max_age_s=60, clock=later)
    assert spool.adopt() == 4
    taken = spool.take(100, 100)
    assert (taken.count, taken.expired) == (0, 4)


@pytest.mark.parametrize("jump_s", [3600, -3600, 10 * 365 * 86400, -10 * 365 * 86400])
def test_a_clock_that_jumps_makes_no_record_of_this_process_old(tmp_path: Path, jump_s: float) -> None:
    clock = ManualClock()
    spool = make_spool(tmp_path, max_age_s=60, clock=clock)
    spool.append(body_batch(b"before"))
    clock.jump(jump_s)
    spool.append(body_batch(b"after"))
    assert [taken.body for taken in take_all(spool)] == [b"before", b"after"]


def test_a_damaged_file_gives_back_what_is_whole_and_is_set_aside(tmp_path: Path) -> None:
    gone = make_spool(tmp_path)
    for body in (b"first", b"second", b"third"):
        gone.append(body_batch(body, count=7))
    end_process(gone)
    (path,) = segments(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"second", b"sEcond"))
    spool = make_spool(tmp_path)
    assert spool.adopt() == 21
    taken = spool.take(100, 100)
    assert (taken.body, taken.count) == (b"firstthird", 14)
    spool.settle(taken)
    assert spool.take(100, 100).unreadable == 7 or taken.unreadable == 7
    assert [path.suffix for path in tmp_path.iterdir()] == [".bad"]


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.spool").write_bytes(b"no record")
    spool = make_spool(tmp_path)
    while spool.adopt():
        spool.take(100, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number:02}.bad" for number in range(4, 12)]


def test_a_full_disk_is_said_and_left_alone_for_some_seconds_then_used_again(tmp_path: Path) -> None:
    clock = ManualClock()
    spool = make_spool(tmp_path, clock=clock)
    assert spool.append(body_batch(b"a" * 100)) is Kept.YES
    with files_no_larger_than(180):
        assert spool.append(body_batch(b"b" * 100)) is Kept.NO
    assert (spool.trouble, spool.failures) == ("spool: File too large", 1)
    assert spool.append(body_batch(b"c" * 100)) is Kept.NO  # it was not asked again
    clock.advance(10)
    assert spool.append(body_batch(b"d" * 100)) is Kept.YES
    assert (spool.trouble, [taken.body[:1] for taken in take_all(spool)]) == ("", [b"a", b"d"])


def test_a_folder_that_cannot_be_made_is_a_disk_that_does_not_take_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = make_spool(tmp_path / "file" / "folder")
    assert spool.append(body_batch(b"a")) is Kept.NO
    assert "spool:" in spool.trouble
    assert spool.adopt() == 0
    assert not spool.take(1, 1).records


def test_folders_and_files_are_their_owners_only(tmp_path: Path) -> None:
    spool = make_spool(tmp_path / "deep" / "folder")
    spool.append(body_batch(b"a"))
    for path in (tmp_path / "deep", tmp_path / "deep" / "folder"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (file,) = segments(tmp_path / "deep" / "folder")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("destination", "expected"),
    [("otlp", "traces-otlp"), ("../../etc", "traces-.._2f_.._2f_etc"), ("a b", "traces-a_20_b"), ("..", "traces-..")],
)
def test_a_destination_becomes_a_folder_of_plain_characters(destination: str, expected: str) -> None:
    assert folder_name("traces", destination) == expected


def test_different_destinations_have_different_folders() -> None:
    names = ["a b", "a_b", "a_20_b", "a/b", "a%b", "é", "e", "A", "a"]
    assert len({folder_name("traces", name) for name in names}) == len(names)
