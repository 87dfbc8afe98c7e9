"""The tests' hold on an oracle: start, tell, kill, start again on the same port, and read what it wrote down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.faults.rig.step import Request, Step

ROOT = Path(__file__).parents[3]


class Oracle:
    """An oracle in a process of its own. Leaving the block ends it."""

    def __init__(self, folder: Path, *, protocol: str = "http") -> None:
        self._record = folder / "oracle.jsonl"
        self._options = ["--grpc"] if protocol == "grpc" else []
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.protocol = protocol

    def __enter__(self) -> Oracle:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Listen, on the port of the time before if there was one, and add to what was received then."""
        command = [sys.executable, "-m", "tests.faults.rig.oracle", str(self._port), str(self._record), *self._options]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = process
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, "the oracle did not start"
        self._port = int(said)

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def will(self, *steps: Step, then: Step | None = None) -> None:
        """The next requests take ``steps`` in order, and all later ones ``then`` (by default: they are received)."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        plan = {"steps": [step.as_json() for step in steps], "then": (then or Step()).as_json()}
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    def requests(self, signal: str = "traces") -> list[Request]:
        """Every request of one signal so far, also those that were refused."""
        if not self._record.exists():
            return []
        found = []
        for line in self._record.read_bytes().split(b"\n"):
            try:
                fields = json.loads(line)
            except ValueError:
                continue  # cut short by a kill: not acknowledged either
            if fields["signal"] == signal:
                found.append(Request(**{**fields, "items": tuple(fields["items"])}))
        return found

    def received(self, signal: str = "traces") -> Counter[str]:
        """How often each item arrived."""
        return Counter(number for request in self.requests(signal) for number in request.items)

    def unique(self, signal: str = "traces") -> int:
        return len(self.received(signal))

    def answers(self, signal: str = "traces") -> list[str]:
        return [request.answer for request in self.requests(signal)]
