"""gunicorn, uvicorn and celery as subjects: started on the applications beside this file, ended as any other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.rig.receiving import ROOT
from tests.faults.rig.subjects import Run, running
from tests.faults.rig.work import Work
from tests.support.interpreter import own_environment
from tests.support.processes import free_port, get
from tests.support.waiting import until

_MODULE = "tests.faults.rig.scripts.web"


@contextmanager
def web_server(kind: str, work: Work) -> Iterator[tuple[Run, str]]:
    """``gunicorn`` and ``gunicorn --preload`` with four workers, or ``uvicorn``; gives the run and its URL when it serves."""
    port = free_port()
    if kind == "uvicorn":
        command = ["uvicorn", f"{_MODULE}:asgi", "--port", str(port), "--log-level", "warning"]
    else:
        command = [*kind.split(), "--workers", "4", "--bind", f"127.0.0.1:{port}", "--no-control-socket", f"{_MODULE}:wsgi"]
    with running([sys.executable, "-m", *command], work, {"SUBJECT_WORK": work.as_json()}) as run:
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/ready")[0] == 200, timeout_s=20)
        yield run, url


@dataclass
class Traffic:
    """Requests for numbered paths on some threads; ``answered`` holds the numbers that got a 200, with the worker's pid."""

    url: str
    answered: dict[str, str] = field(default_factory=dict)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def run(self, count: int, threads: int = 4) -> None:
        workers = [threading.Thread(target=self._ask, args=(thread, count // threads)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def stop(self) -> None:
        self._is_over.set()

    def _ask(self, thread: int, count: int) -> None:
        for request in range(count):
            if self._is_over.is_set():
                return
            status, body = get(f"{self.url}/{thread}-{request}")
            if status == 200:
                self.answered[f"{thread}-{request}"] = body.decode()


@contextmanager
def celery_worker(work: Work, broker: Path, *options: str) -> Iterator[Run]:
    """A prefork worker of two processes on tasks from ``broker``, a folder."""
    (broker / "control").mkdir(parents=True, exist_ok=True)
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
    command = ["celery", "-A", "tests.faults.rig.scripts.celery_app:app", "worker", "--concurrency", "2", *quiet, *options]
    environ = {"SUBJECT_WORK": work.as_json(), "SUBJECT_BROKER": str(broker), "C_FORCE_ROOT": "1"}
    with running([sys.executable, "-m", *command], work, environ) as run:
        yield run


def send_tasks(broker: Path, count: int) -> None:
    (broker / "control").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.faults.rig.scripts.celery_app", str(count)]
    environ = own_environment({"SUBJECT_BROKER": str(broker)})
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=30)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
