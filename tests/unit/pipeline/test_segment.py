"""One file of the spool: whole records survive whatever happens to the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.pipeline.segment import Record, Segment

BODIES = [b"first" * 3, b"second" * 20, b"", b"fourth\xf5HG1 with a mark inside", b"last"]


def _fill(path: Path, bodies: list[bytes]) -> Segment:
    segment = Segment.create(path)
    for number, body in enumerate(bodies, start=1):
        segment.append(body, count=number, last_entry=10 * number, time_ns=100 + number)
    return segment


def _left(path: Path, bodies: list[bytes]) -> bytes:
    """What a process that wrote ``bodies`` left."""
    _fill(path, bodies).close()
    return path.read_bytes()


def _adopted(path: Path) -> Segment:
    segment = Segment.adopt(path)
    assert segment is not None
    return segment


def _rest(segment: Segment) -> list[tuple[Record, bytes]]:
    found = []
    while (record := segment.peek()) is not None:
        if (body := segment.take(record)) is not None:
            found.append((record, body))
    return found


def _next(segment: Segment) -> Record:
    """The next record, which there must be, taken."""
    record = segment.peek()
    assert record is not None
    assert segment.take(record) is not None
    return record


def _bodies(path: Path) -> list[bytes]:
    segment = _adopted(path)
    try:
        return [body for _record, body in _rest(segment)]
    finally:
        segment.close()


def test_records_come_back_in_their_order_with_what_their_headers_say(tmp_path: Path) -> None:
    segment = _fill(tmp_path / "a.spool", BODIES)
    assert segment.waiting == 1 + 2 + 3 + 4 + 5
    found = _rest(segment)
    assert [body for _record, body in found] == BODIES
    assert [(record.count, record.last_entry, record.written_at_ns) for record, _body in found] == [
        (number, 10 * number, 100 + number) for number in range(1, 6)
    ]
    assert (segment.waiting, segment.unsettled) == (0, 5)
    segment.close()


def test_what_is_appended_after_the_end_was_reached_is_found(tmp_path: Path) -> None:
    segment = _fill(tmp_path / "a.spool", [b"one"])
    assert len(_rest(segment)) == 1
    segment.append(b"two", count=1, last_entry=0, time_ns=0)
    assert [body for _record, body in _rest(segment)] == [b"two"]
    segment.close()


def test_the_next_process_finds_what_was_not_settled(tmp_path: Path) -> None:
    segment = _fill(tmp_path / "a.spool", [b"a", b"b", b"c"])
    segment.settle(_next(segment))
    _next(segment)
    segment.close()
    adopted = _adopted(tmp_path / "a.spool")
    assert adopted.waiting == 2 + 3
    assert [body for _record, body in _rest(adopted)] == [b"b", b"c"]
    adopted.close()


def test_a_file_of_a_living_process_is_not_adopted(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    code = (
        "import sys; from pathlib import Path; from heliograph.pipeline.segment import Segment\n"
        "s = Segment.create(Path(sys.argv[1])); s.append(b'x', count=1, last_entry=1, time_ns=1)\n"
        "print('written', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=pipe, stdout=pipe) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"written\n"
        assert Segment.adopt(path) is None
        owner.kill()
        owner.wait()
        assert _bodies(path) == [b"x"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    _left(tmp_path / "target", [b"a"])
    (tmp_path / "a.spool").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        Segment.adopt(tmp_path / "a.spool")


def test_a_file_is_its_owners_only(tmp_path: Path) -> None:
    segment = _fill(tmp_path / "a.spool", [])
    assert (tmp_path / "a.spool").stat().st_mode & 0o777 == 0o600
    segment.close()


def test_a_closed_segment_writes_into_no_file_that_took_its_number_over(tmp_path: Path) -> None:
    segment = _fill(tmp_path / "a.spool", [b"a"])
    record = _next(segment)
    segment.close()
    with (tmp_path / "innocent").open("w+b") as innocent:
        innocent.write(b"0123456789")
        innocent.flush()
        with pytest.raises(OSError, match="Bad file descriptor"):
            segment.settle(record)
        assert (tmp_path / "innocent").read_bytes() == b"0123456789"


@pytest.mark.parametrize("at", range(len(b"".join(BODIES)) + 37 * len(BODIES)))
def test_a_file_cut_at_any_byte_gives_back_every_whole_record(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.spool"
    path.write_bytes(_left(tmp_path / "whole.spool", BODIES)[:at])
    ends = [sum(37 + len(body) for body in BODIES[: number + 1]) for number in range(len(BODIES))]
    assert _bodies(path) == [body for body, end in zip(BODIES, ends, strict=True) if end <= at]


def test_a_flipped_bit_anywhere_costs_at_most_the_record_that_it_is_in(tmp_path: Path) -> None:
    whole = _left(tmp_path / "whole.spool", BODIES)
    path = tmp_path / "a.spool"
    for at in range(len(whole)):
        for bit in (0x01, 0x80):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            segment = _adopted(path)
            expected = segment.waiting
            found = _rest(segment)
            assert len(found) >= len(BODIES) - 1, (at, bit)
            assert all(body in BODIES for _record, body in found), (at, bit)
            # What cannot be read is said, and no more than that.
            assert segment.write_off() == expected - sum(record.count for record, _body in found)
            segment.close()


@given(garbage=st.binary(max_size=300), position=st.integers(0, 2))
def test_garbage_between_records_costs_none_of_them(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, position: int
) -> None:
    folder = tmp_path_factory.mktemp("segments")
    parts = [_left(folder / f"{number}.spool", [b"body %d" % number]) for number in range(3)]
    (folder / "a.spool").write_bytes(b"".join([*parts[:position], garbage, *parts[position:]]))
    assert _bodies(folder / "a.spool") == [b"body 0", b"body 1", b"body 2"]


def test_a_write_that_fails_midway_leaves_no_half_record(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path; from heliograph.pipeline.segment import Segment\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "s = Segment.create(Path(sys.argv[1])); s.append(b'a' * 100, count=1, last_entry=1, time_ns=1)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))\n"
        "try: s.append(b'b' * 100, count=1, last_entry=2, time_ns=1)\n"
        "except OSError: pass\n"
        "else: sys.exit('it was written')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "s.append(b'c' * 100, count=1, last_entry=3, time_ns=1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.spool")], check=True)
    assert _bodies(tmp_path / "a.spool") == [b"a" * 100, b"c" * 100]
    assert (tmp_path / "a.spool").stat().st_size == 2 * 137
