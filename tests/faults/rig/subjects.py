"""The tests' hold on a subject: start it, watch its ledger as it prints it, send it signals, and never leave it behind."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.rig.receiving import ROOT
from tests.faults.rig.work import Work
from tests.support.interpreter import own_environment

_PR_SET_PDEATHSIG = 1


def _end_with_the_tests() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Run:
    """A running subject and, once :meth:`wait` has returned, all that it left: lines, exit code, standard error."""

    def __init__(self, command: list[str], work: Work, environ: dict[str, str] | None = None) -> None:
        self.work = work
        self.script = "plain"
        self.ticks: list[dict[str, Any]] = []
        self.finals: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.errors = ""
        self.exit_code: int | None = None
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=own_environment(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_end_with_the_tests,  # noqa: PLW1509 - one system call, no lock of anybody
        )
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_lines, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                fields = json.loads(line)
            except ValueError:
                continue  # what a server says to its own standard output
            kind = self.finals if fields.get("final") else self.ticks if "ledger" in fields else self.said
            kind.append(fields)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line.decode(errors="replace")

    @property
    def final(self) -> dict[str, Any]:
        """The last words of a subject of one process."""
        assert len(self.finals) == 1, f"{len(self.finals)} final lines; exit code {self.exit_code}\n{self.errors}"
        return self.finals[0]

    def account(self, signal_name: str = "traces", destination: str = "otlp") -> dict[str, Any]:
        """The final account of one destination."""
        account: dict[str, Any] = self.final["ledger"][f"{signal_name}/{destination}"]
        return account

    def now(self, signal_name: str = "traces", destination: str = "otlp") -> dict[str, Any]:
        """The account as it was last printed; empty before the first time."""
        account: dict[str, Any] = self.ticks[-1]["ledger"][f"{signal_name}/{destination}"] if self.ticks else {}
        return account

    def until(self, condition: Callable[[Run], object], timeout_s: float = 20.0) -> None:
        """Wait for ``condition``, which looks at this run."""
        deadline = time.monotonic() + timeout_s
        while not condition(self):
            told = f"last tick {self.ticks[-1:]}, exit code {self.process.poll()}\n{self.errors}"
            assert time.monotonic() < deadline, f"not within {timeout_s} s; {told}"
            assert self.process.poll() is None or condition(self), f"it ended before; {told}"
            time.sleep(0.01)

    def wait(self, timeout_s: float = 60.0) -> Run:
        """Wait for the end."""
        try:
            self.exit_code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end within {timeout_s} s; last tick {self.ticks[-1:]}\n{self.errors}") from None
        for reader in self._readers:
            reader.join(5)
        return self

    def kill(self) -> None:
        """SIGKILL to the subject and to every process that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def running(command: list[str], work: Work, environ: dict[str, str] | None = None) -> Iterator[Run]:
    run = Run(command, work, environ)
    try:
        yield run
    finally:
        run.kill()


@contextmanager
def subject(work: Work, script: str = "plain") -> Iterator[Run]:
    """One of the scripts beside this file, at work."""
    with running([sys.executable, "-W", "error", "-m", f"tests.faults.rig.scripts.{script}", work.as_json()], work) as run:
        run.script = script
        yield run


def follow(settings: dict[str, Any], is_enough: Callable[[], object], timeout_s: float = 40.0, **work: Any) -> Run:
    """The next process with these settings: it lives until ``is_enough``, or as long as that may take at most, and ends as an
    application does that is told to. What it left undone is for the caller to see."""
    asked = {"items": 1, "prefix": "following", "end": "wait", "sigterm": "exit", **work}
    with subject(Work(settings=settings, **asked)) as run:
        deadline = time.monotonic() + timeout_s
        while not is_enough() and time.monotonic() < deadline:
            time.sleep(0.05)
        run.until(lambda run: run.said)
        run.process.send_signal(signal.SIGTERM)
        return run.wait()


def run_to_end(work: Work, script: str = "plain", timeout_s: float = 60.0) -> Run:
    with subject(work, script) as run:
        return run.wait(timeout_s)
