"""examples/cron_job, run as cron would."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.examples.received import logs, named, outline, points, spans, trace_ids
from tests.examples.workspace import Workspace
from tests.support.otlp_receiver import http_receiver
from tests.support.processes import free_port

pytestmark = pytest.mark.e2e

_INSTALL = "pip install ../.."
_RUN = "python nightly.py orders"
_SPOIL = "echo 4,much >> orders/tuesday.csv"
_CONSOLE = "HELIOGRAPH_TRACING__EXPORTERS=console python nightly.py orders"

_SUM = "164.90 EUR in 2 files, 0 left out\n"
_LEFT_OUT = "tuesday.csv was left out: ValueError: could not convert string to float: 'much'"
_GOOD_RUN = ["nightly: nightly INTERNAL", "  nightly: read file INTERNAL", "  nightly: read file INTERNAL"]


def test_what_the_readme_installs_is_here(tmp_path: Path) -> None:
    ended = Workspace("cron_job", tmp_path).install(_INSTALL)
    assert (ended.code, ended.err) == (0, "")
    assert "Would install heliograph" in ended.out


def test_the_readme_names_the_commands_that_are_run_here(tmp_path: Path) -> None:
    assert Workspace("cron_job", tmp_path).commands == [_INSTALL, _RUN, _SPOIL, _RUN, _CONSOLE]


def test_a_run_arrives_as_a_whole_before_it_ends(tmp_path: Path) -> None:
    with http_receiver() as receiver:
        job = Workspace("cron_job", tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        began_at = time.time()
        ended = job.run(_RUN)
        assert (ended.code, ended.out, ended.err) == (0, _SUM, "")
        assert outline(receiver) == _GOOD_RUN
        assert [span["nightly.rows"] for span in named(receiver, "read file")] == [2, 1]
        assert named(receiver, "nightly") == [{"nightly.folder": "orders", "process.exit.code": 0}]
        assert points(receiver, "nightly.rows") == [({}, 3)]
        assert points(receiver, "nightly.files") == [({"outcome": "read"}, 2)]
        ((attributes, ended_at),) = points(receiver, "nightly.last_run.time")
        assert attributes == {"exit.code": 0}
        assert began_at <= ended_at <= time.time()
        assert list(job.folder.glob("spool/**/*.spool")) == []


def test_a_file_that_cannot_be_read_fails_its_span_and_the_exit_code(tmp_path: Path) -> None:
    with http_receiver() as receiver:
        job = Workspace("cron_job", tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        assert job.run(_SPOIL).code == 0
        ended = job.run(_RUN)
        assert (ended.code, ended.out) == (1, "145.00 EUR in 1 files, 1 left out\n")
        (trace_id,) = trace_ids(receiver)
        assert ended.err == f"ERROR {_LEFT_OUT} trace={trace_id}\n"
        assert outline(receiver) == [*_GOOD_RUN[:2], "  nightly: read file INTERNAL ERROR"]
        (failed,) = [span for _resource, span in spans(receiver) if span.status.message]
        assert [event.name for event in failed.events] == ["exception"]
        assert logs(receiver, "nightly") == [("ERROR", _LEFT_OUT, "nightly")]
        assert {attributes["outcome"]: value for attributes, value in points(receiver, "nightly.files")} == {
            "read": 1,
            "failed": 1,
        }


def test_an_empty_folder_is_nothing_to_do(tmp_path: Path) -> None:
    job = Workspace("cron_job", tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    assert job.run("python nightly.py nowhere").code == 2


def test_what_a_run_without_a_collector_left_arrives_with_the_next(tmp_path: Path) -> None:
    port = free_port()
    job = Workspace("cron_job", tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"})
    began_at = time.monotonic()
    ended = job.run(_RUN)
    assert (ended.code, ended.out) == (0, _SUM)
    assert "wait for the collector" in ended.err
    assert time.monotonic() - began_at < 8  # it does not sit out its shutdown_timeout
    with http_receiver(port) as receiver:
        assert (job.run(_RUN).code, receiver.attempts > 0) == (0, True)
        assert outline(receiver) == _GOOD_RUN * 2
        assert [value for _attributes, value in points(receiver, "nightly.rows")].count(3) == 2
    assert list(job.folder.glob("spool/**/*.spool")) == []


def test_the_spans_can_be_seen_without_a_collector(tmp_path: Path) -> None:
    job = Workspace("cron_job", tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    ended = job.run(_CONSOLE)
    assert ended.code == 0
    shown = [line for line in (ended.out + ended.err).splitlines() if " span " in line]
    assert [line.split()[2] for line in shown] == ["read", "read", "nightly"]
