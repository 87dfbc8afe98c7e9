"""The check of how many processes the application runs in: whose /metrics must know each other. Called by `examination.py`.

Source of the variables: gunicorn (GUNICORN_CMD_ARGS, WEB_CONCURRENCY), uvicorn (WEB_CONCURRENCY, UVICORN_WORKERS), granian
(GRANIAN_WORKERS), celery's service files (CELERYD_OPTS, CELERYD_CONCURRENCY, CELERY_WORKER_CONCURRENCY), and
``gunicorn.conf.py`` in the working directory, which gunicorn reads by itself.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity

CHECK: Final = "workers"
_GUNICORN_FILE: Final = "gunicorn.conf.py"


def examine_workers(around: Circumstances) -> Iterator[Finding]:
    """Several processes that serve /metrics need a directory in common."""
    several = [(told, workers) for told, workers in announced(around) if workers is None or workers > 1]
    if not several:
        return
    told, workers = several[0]
    many = f"{workers} processes" if workers is not None else "several processes"
    if around.settings.prometheus is None:
        yield Finding(severity=Severity.OK, check=CHECK, what=f"{told}: {many}, each of which sends for itself")
        return
    if (directory := shared_directory(around)) is not None:
        yield Finding(severity=Severity.OK, check=CHECK, what=f"{told}: {many}, which share {directory}")
        return
    yield Finding(
        severity=Severity.WARNING,
        check=CHECK,
        what=f"{told}: {many}, and no directory in which they share their metrics",
        why="Each process counts for itself. Without metrics.multiprocess_dir a scrape shows the one that got the port, and "
        "what the others count is nowhere.",
        fix="set metrics.multiprocess_dir to an empty directory on a local disk (HELIOGRAPH_METRICS__MULTIPROCESS_DIR, or "
        "PROMETHEUS_MULTIPROC_DIR)",
    )


def shared_directory(around: Circumstances) -> str | None:
    """The directory of the service's processes, if one is named."""
    return around.settings.metrics.multiprocess_dir or around.environ.get("PROMETHEUS_MULTIPROC_DIR") or None


def announced(around: Circumstances) -> Iterator[tuple[str, int | None]]:
    """What says how many processes there will be, and how many; None for a number that is computed."""
    for variable, count in _VARIABLES:
        value = around.environ.get(variable, "").strip()
        workers = count(value) if value else None
        if workers is not None:
            yield f"{variable}={value}", workers
    yield from _from_file(around.folder / _GUNICORN_FILE)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _option(*names: str) -> Callable[[str], int | None]:
    """Reads the number of an option in a text of command line arguments."""

    def read(text: str) -> int | None:
        try:
            words = shlex.split(text)
        except ValueError:  # a quote that is not closed
            words = text.split()
        for word, following in zip(words, [*words[1:], ""], strict=True):
            for name in names:
                if word == name:
                    return _number(following)
                if word.startswith(f"{name}="):
                    return _number(word.partition("=")[2])
                if not name.startswith("--") and word.startswith(name) and (number := _number(word[len(name) :])) is not None:
                    return number
        return None

    return read


_VARIABLES: Final = (
    ("WEB_CONCURRENCY", _number),
    ("GUNICORN_CMD_ARGS", _option("-w", "--workers")),
    ("UVICORN_WORKERS", _number),
    ("GRANIAN_WORKERS", _number),
    ("CELERYD_CONCURRENCY", _number),
    ("CELERY_WORKER_CONCURRENCY", _number),
    ("CELERYD_OPTS", _option("-c", "--concurrency")),
)


def _from_file(path: Path) -> Iterator[tuple[str, int | None]]:
    """``workers`` of a gunicorn configuration; it is read, not run."""
    try:
        statements = ast.parse(path.read_text()).body
    except (OSError, ValueError, SyntaxError):  # none there, or gunicorn will say itself what is wrong with it
        return
    for statement in statements:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if any(ast.unparse(target) == "workers" for target in targets):
            is_number = isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, int)
            yield f"{path.name}: {ast.unparse(statement)}", int(ast.literal_eval(statement.value)) if is_number else None
