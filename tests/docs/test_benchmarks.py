"""The benchmarks run, and their report says what was measured; how fast anything is, is none of a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.measure import medians_ns
from benchmarks.receiver import receiver
from benchmarks.recording import make_pipeline, record_spans, tracer_into
from benchmarks.report import surroundings, table, write
from benchmarks.row import Bar, Row
from benchmarks.scrape import compare
from heliograph.clock import SystemClock
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline import pipeline as pipelines

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
    assert f"no such benchmark: speed; there is {', '.join(BENCHMARKS)}" in ended.stderr


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


def test_medians_are_of_the_clock_that_is_given() -> None:
    readings = iter([reading for turn in range(1, 100) for reading in (0, turn)])
    assert medians_ns(object, [lambda _work: None], 3, lambda: next(readings)) == [7]  # five turns to warm up, then 6, 7 and 8


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_receiver_counts_the_spans_that_it_gets(compression: str) -> None:
    with receiver() as there:
        transport = OtlpHttpTransport(SIGNALS["traces"], there.url, headers={}, compression=compression)
        pipeline = make_pipeline(OtlpExporter(transport))
        record_spans(tracer_into(pipeline), 300)
        pipelines.shutdown([pipeline], 10.0, SystemClock())
        assert there.count() == 300


_SCRAPE = '# HELP a b\na_total{x="1",y="2"} 3.0\n'


@pytest.mark.parametrize("same", [_SCRAPE, 'a_total{y="2",x="1"} 3\n', _SCRAPE + "target_info 1\n"])
def test_scrapes_that_say_the_same_are_compared(same: str) -> None:
    compare(_SCRAPE, same)


@pytest.mark.parametrize("other", ["", 'a_total{x="1",y="2"} 4.0\n', 'a_total{x="1",y="3"} 3.0\n', _SCRAPE + "b 1.0\n"])
def test_scrapes_that_differ_are_refused(other: str) -> None:
    with pytest.raises(RuntimeError, match="the two scrapes differ in"):
        compare(_SCRAPE, other)
