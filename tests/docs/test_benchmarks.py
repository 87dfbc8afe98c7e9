"""The benchmarks run, and their report says what was measured; how fast anything is, is none of a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.measure import medians_ns
from benchmarks.report import surroundings, table, write
from benchmarks.row import Bar, Row

ROOT = Path(__file__).parents[2]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_and_prints_a_table(name: str) -> None:
    ended = _run(name, "--quick")
    assert ended.returncode == 0, ended.stderr
    heading, rule, *rows = ended.stdout.splitlines()
    assert [cell.strip() for cell in heading.strip("|").split("|")] == ["what", "unit", "ours", "peer", "ratio", "bar", "met?"]
    assert set(rule) == {"|", "-"}
    assert rows


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do() -> None:
    ended = _run("speed")
    assert ended.returncode != 0
    assert "no such benchmark: speed; there is encode" in ended.stderr


@pytest.mark.parametrize(
    ("bar", "met", "cells"),
    [
        (Bar("ratio at most", 1 / 8), True, ["1/10.0", "<= 1/8", "yes"]),
        (Bar("ratio at most", 1 / 12), False, ["1/10.0", "<= 1/12", "NO"]),
        (Bar("at most", 2.0), True, ["1/10.0", "<= 2", "yes"]),
        (Bar("at least", 3.0), False, ["1/10.0", ">= 3", "NO"]),
        (None, None, ["1/10.0", "", ""]),
    ],
)
def test_a_row_says_whether_its_bar_is_met(bar: Bar | None, met: bool | None, cells: list[str]) -> None:
    row = Row(what="work", unit="us", ours=2.0, peer=20.0, peer_name="other", bar=bar)
    assert row.is_met is met
    line = table([row]).splitlines()[2]
    assert [cell.strip() for cell in line.strip("|").split("|")] == ["work", "us", "2", "20 (other)", *cells]


def test_a_row_without_a_peer_has_no_ratio() -> None:
    row = Row(what="work", unit="MB/s", ours=70.0, bar=Bar("at least", 50.0))
    assert (row.ratio, row.is_met) == (None, True)
    assert Row(what="work", unit="s", ours=1.0, bar=Bar("ratio at most", 1.0)).is_met is False


def test_the_results_say_what_was_run_where(tmp_path: Path) -> None:
    row = Row(what="work", unit="us", ours=2.0, peer=20.0, peer_name="other", bar=Bar("ratio at most", 0.125))
    write([row], surroundings("python -m benchmarks"), tmp_path / "results")
    document = json.loads((tmp_path / "results" / "latest.json").read_text())
    assert {"command", "date", "python", "cpu", "heliograph", "opentelemetry-sdk"} <= document["surroundings"].keys()
    assert (document["rows"][0]["ratio"], document["rows"][0]["is_met"]) == (0.1, True)
    told = (tmp_path / "results" / "latest.md").read_text()
    assert table([row]) in told
    assert "- command: python -m benchmarks" in told


def test_contenders_take_turns_each_on_fresh_work() -> None:
    seen: list[tuple[str, object]] = []
    contenders = [lambda work: seen.append(("a", work)), lambda work: seen.append(("b", work))]
    assert len(medians_ns(object, contenders, rounds=4)) == 2
    rounds = [seen[at : at + 2] for at in range(0, len(seen), 2)]
    assert all(first[0] != second[0] for first, second in rounds)
    assert len({id(work) for _, work in seen}) == len(seen)
    assert {first[0] for first, _ in rounds} == {"a", "b"}
