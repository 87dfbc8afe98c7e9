"""The file exporter: whole lines, rotation by size, owner's eyes only, and patience with a folder that is not there."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from heliograph.exporters.file import FileExporter
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.outcome import Delivered, Outcome, Retry
from tests.support.batches import prepared
from tests.support.deliveries import delivering, flush
from tests.support.items import GOOD, make_span
from tests.support.limited_files import files_no_larger_than
from tests.support.waiting import until


def _exporter(path: Path, *, max_bytes: int = 10**6, max_files: int = 3, signal: str = "traces") -> FileExporter:
    return FileExporter(SIGNALS[signal], path, max_bytes=max_bytes, max_files=max_files)


def _write(exporter: FileExporter, *names: str) -> Outcome:
    return prepared(exporter, [make_span(name) for name in names])(1.0)


def _names(path: Path) -> list[list[str]]:
    """The names of the spans in each line; fails when a line is no JSON."""
    text = path.read_bytes().decode()
    assert text.endswith("\n")
    return [
        [span["name"] for scope in json.loads(line)["resourceSpans"][0]["scopeSpans"] for span in scope["spans"]]
        for line in text.removesuffix("\n").split("\n")
    ]


def _line_bytes(name: str, folder: Path) -> int:
    probe = folder / "probe.jsonl"
    _write(_exporter(probe), name)
    size = probe.stat().st_size
    probe.unlink()
    return size


def test_each_batch_is_a_line_and_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    _write(_exporter(path), "a", "b")
    _write(_exporter(path), "c")
    assert _names(path) == [["a", "b"], ["c"]]


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", "\x00", "\u2028", "\U0001f680"])
def test_hostile_text_stays_within_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "traces.jsonl"
    _write(_exporter(path), name)
    assert _names(path) == [[name]]


def test_the_file_and_the_folders_made_for_it_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "one" / "two" / "traces.jsonl"
    before = os.umask(0)
    try:
        assert _write(_exporter(path), "a") == Delivered()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_older_files_are_for_the_owner_only_too(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    for name in "abc":
        _write(_exporter(path, max_bytes=1), name)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_file_that_would_grow_too_large_becomes_the_newest_of_the_older_ones(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = _exporter(path, max_bytes=2 * _line_bytes("a", tmp_path), max_files=2)
    for name in "abcdefghi":
        _write(exporter, name)
    assert {file.name for file in tmp_path.iterdir()} == {"traces.jsonl", "traces.jsonl.1", "traces.jsonl.2"}
    assert _names(path) == [["i"]]
    assert _names(tmp_path / "traces.jsonl.1") == [["g"], ["h"]]
    assert _names(tmp_path / "traces.jsonl.2") == [["e"], ["f"]]


def test_a_file_may_become_exactly_as_large_as_allowed(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    size = _line_bytes("a", tmp_path)
    exporter = _exporter(path, max_bytes=3 * size)
    for name in "abc":
        _write(exporter, name)
    assert path.stat().st_size == 3 * size
    assert list(tmp_path.iterdir()) == [path]


def test_a_line_larger_than_allowed_gets_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = _exporter(path, max_bytes=10, max_files=2)
    for name in ("long " * 100, "b"):
        assert _write(exporter, name) == Delivered()
    assert _names(path) == [["b"]]
    assert _names(tmp_path / "traces.jsonl.1") == [["long " * 100]]
    assert len(list(tmp_path.iterdir())) == 2


def test_one_older_file_is_kept_when_one_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    for name in "abcd":
        _write(_exporter(path, max_bytes=1, max_files=1), name)
    assert {file.name: _names(file) for file in tmp_path.iterdir()} == {"traces.jsonl": [["d"]], "traces.jsonl.1": [["c"]]}


def test_a_gap_among_the_older_files_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = _exporter(path, max_bytes=1, max_files=3)
    for name in "abc":
        _write(exporter, name)
    (tmp_path / "traces.jsonl.1").unlink()
    assert _write(exporter, "d") == Delivered()
    assert _names(tmp_path / "traces.jsonl.1") == [["c"]]


def test_a_folder_that_cannot_be_made_gives_a_retry_and_later_succeeds(tmp_path: Path) -> None:
    obstacle = tmp_path / "folder"
    obstacle.write_text("not a folder")
    exporter = _exporter(obstacle / "traces.jsonl")
    outcome = _write(exporter, "a")
    assert isinstance(outcome, Retry)
    assert str(obstacle / "traces.jsonl") in outcome.reason
    obstacle.unlink()
    assert _write(exporter, "a") == Delivered()
    assert _names(obstacle / "traces.jsonl") == [["a"]]


@pytest.mark.parametrize("path", ["/proc/nowhere/traces.jsonl", "/dev/full", "/proc/version"])
def test_a_place_that_cannot_be_written_gives_a_retry(path: str) -> None:
    outcome = _write(_exporter(Path(path)), "a")
    assert isinstance(outcome, Retry)
    assert Path(path).name in outcome.reason


def test_a_path_that_is_a_folder_gives_a_retry(tmp_path: Path) -> None:
    assert isinstance(_write(_exporter(tmp_path, max_bytes=10**9), "a"), Retry)
    assert tmp_path.is_dir()


def test_an_outage_of_the_folder_loses_nothing(tmp_path: Path) -> None:
    obstacle = tmp_path / "folder"
    obstacle.write_text("not a folder")
    encoder = SIGNALS["traces"].encoder()
    with delivering(_exporter(obstacle / "traces.jsonl"), batch_size=1, encoder=encoder) as delivery:
        for name in "abc":
            delivery.accept(make_span(name))
        until(lambda: delivery.status().reason)
        obstacle.unlink()
        assert flush(delivery)
        assert delivery.counts().delivered == 3
    assert _names(obstacle / "traces.jsonl") == [["a"], ["b"], ["c"]]


def test_a_write_that_fails_midway_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = _exporter(path)
    _write(exporter, "a")
    attempt = prepared(exporter, [make_span("b")])
    with files_no_larger_than(path.stat().st_size + 20):
        outcome = attempt(1.0)
    assert isinstance(outcome, Retry)
    assert _names(path) == [["a"]]
    assert attempt(1.0) == Delivered()
    assert _names(path) == [["a"], ["b"]]


def test_a_half_line_of_a_process_that_was_killed_costs_the_next_batch_nothing(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b'{"resourceSpans":[{"half')
    assert _write(_exporter(path), "a") == Delivered()
    assert '"name":"a"' in path.read_text()
    last = path.read_text().splitlines()[-1]
    assert json.loads(last)["resourceSpans"]


def test_a_failed_rotation_is_tried_again_and_loses_nothing(tmp_path: Path) -> None:
    path, obstacle = tmp_path / "traces.jsonl", tmp_path / "traces.jsonl.1"
    exporter = _exporter(path, max_bytes=1, max_files=1)
    _write(exporter, "a")
    (obstacle / "inside").mkdir(parents=True)  # a folder with something in it cannot be replaced by a file
    assert isinstance(_write(exporter, "b"), Retry)
    assert _names(path) == [["a"]]
    (obstacle / "inside").rmdir()
    obstacle.rmdir()
    assert _write(exporter, "b") == Delivered()
    assert (_names(path), _names(obstacle)) == ([["b"]], [["a"]])


def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = _exporter(path)
    _write(exporter, "a")
    path.unlink()
    assert _write(exporter, "b") == Delivered()
    assert _names(path) == [["b"]]


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_has_its_own_kind_of_line(tmp_path: Path, signal: str) -> None:
    path = tmp_path / "items.jsonl"
    assert prepared(_exporter(path, signal=signal), [GOOD[signal](1)], signal)(1.0) == Delivered()
    (root,) = json.loads(path.read_text())
    assert root == {"traces": "resourceSpans", "metrics": "resourceMetrics", "logs": "resourceLogs"}[signal]


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    exporter = _exporter(tmp_path / "traces.jsonl", max_bytes=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in "abc":
        _write(exporter, name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
