"""How many processes there will be, and whether their metrics know each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Severity
from heliograph.doctor.workers import announced, examine_workers

Around = Callable[..., Circumstances]


@pytest.mark.parametrize(
    ("variable", "value", "workers"),
    [
        ("WEB_CONCURRENCY", "4", 4),
        ("WEB_CONCURRENCY", " 2 ", 2),
        ("GUNICORN_CMD_ARGS", "--bind=0.0.0.0:80 --workers=3 --preload", 3),
        ("GUNICORN_CMD_ARGS", "--bind 0.0.0.0:80 --workers 3", 3),
        ("GUNICORN_CMD_ARGS", "-w 8", 8),
        ("GUNICORN_CMD_ARGS", "-w8", 8),
        ("GUNICORN_CMD_ARGS", "--name 'shop -w 2", 2),
        ("UVICORN_WORKERS", "2", 2),
        ("GRANIAN_WORKERS", "2", 2),
        ("CELERYD_CONCURRENCY", "6", 6),
        ("CELERYD_OPTS", "--time-limit=300 -c 6", 6),
        ("CELERYD_OPTS", "--concurrency=6", 6),
    ],
)
def test_what_servers_read_announces_workers(variable: str, value: str, workers: int, around: Around) -> None:
    assert [found for _told, found in announced(around({variable: value}))] == [workers]
    (finding,) = examine_workers(around({variable: value}))
    assert finding.severity is Severity.WARNING
    assert (
        finding.what == f"{variable}={value.strip()}: {workers} processes, and no directory in which they share their metrics"
    )
    assert "metrics.multiprocess_dir" in finding.fix


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WEB_CONCURRENCY": "1"},
        {"WEB_CONCURRENCY": ""},
        {"WEB_CONCURRENCY": "many"},
        {"GUNICORN_CMD_ARGS": "--worker-class x"},
    ],
)
def test_one_process_is_nothing_to_speak_of(environ: dict[str, str], around: Around) -> None:
    assert list(examine_workers(around(environ))) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1\n", "several processes"),
        ("bind = ':80'\nworkers = 5\n", "5 processes"),
        ("workers: int = 5\n", "5 processes"),
    ],
)
def test_the_file_of_gunicorn_is_read_and_not_run(content: str, said: str, around: Around, tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(content + "raise SystemExit\n")
    (finding,) = examine_workers(around())
    assert finding.severity is Severity.WARNING
    assert finding.what.startswith("gunicorn.conf.py: workers")
    assert said in finding.what


def test_a_file_of_gunicorn_that_is_no_python_says_nothing(around: Around, tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = = 5")
    assert list(examine_workers(around())) == []


@pytest.mark.parametrize(
    ("environ", "options", "said"),
    [
        ({}, {"metrics": {"multiprocess_dir": "/run/shop"}}, "which share /run/shop"),
        ({"PROMETHEUS_MULTIPROC_DIR": "/run/shop"}, {}, "which share /run/shop"),
        ({}, {"metrics": {"exporters": ["otlp"]}}, "each of which sends for itself"),
        ({}, {"metrics": {"enabled": False}}, "each of which sends for itself"),
    ],
)
def test_processes_that_share_or_need_not_are_fine(
    environ: dict[str, str], options: dict[str, object], said: str, around: Around
) -> None:
    (finding,) = examine_workers(around({"WEB_CONCURRENCY": "4", **environ}, **options))
    assert (finding.severity, finding.what) == (Severity.OK, f"WEB_CONCURRENCY=4: 4 processes, {said}")
