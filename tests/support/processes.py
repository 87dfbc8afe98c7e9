"""Other programs as context managers: each is ended by its own id when the block ends."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.support.waiting import until


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_PACKAGES = {"promtool": "prometheus"}


def needed(program: str) -> str:
    """The path of another program. Missing: a failure in CI, where it must be there; a skip on a laptop."""
    found = shutil.which(program)
    if found is None:
        message = f"{program} is not installed; on Debian: apt-get install {_PACKAGES.get(program, program)}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return found


@contextlib.contextmanager
def running(arguments: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program whose output goes to ``log``; terminated, then killed, when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, **options)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


def run_file(
    script: Path, *arguments: str, environ: dict[str, str] | None = None, timeout_s: float = 60.0
) -> tuple[int, str, str]:
    """Run a Python file to its end; returns its exit code and what it wrote to standard output and standard error."""
    with subprocess.Popen(
        [sys.executable, str(script), *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, out, err


def get(url: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of a GET, or (0, b"") when nobody answers."""
    try:
        answer = urllib3.request("GET", url, headers=headers, retries=False, timeout=5.0)
    except urllib3.exceptions.HTTPError:
        return 0, b""
    return answer.status, answer.data


@dataclass
class Collector:
    """A running OTLP collector: where it listens."""

    http_url: str
    grpc_url: str


@contextlib.contextmanager
def collector(forward_to: str, folder: Path) -> Iterator[Collector]:
    """A real OTLP collector (rotel) that hands everything on to ``forward_to`` over OTLP/HTTP."""
    spec = importlib.util.find_spec("rotel")
    assert spec is not None, "rotel is one of the dev dependencies"
    assert spec.origin is not None
    http_port, grpc_port = free_port(), 4317
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", grpc_port), timeout=0.2):
        pytest.fail("port 4317 is taken; the demo tells gRPC by it")
    arguments = [
        str(Path(spec.origin).with_name("rotel-agent")),
        "start",
        f"--pid-file={folder / 'rotel.pid'}",
        f"--otlp-http-endpoint=127.0.0.1:{http_port}",
        f"--otlp-grpc-endpoint=127.0.0.1:{grpc_port}",
        "--exporter=otlp",
        f"--otlp-exporter-endpoint={forward_to}",
        "--otlp-exporter-protocol=http",
        "--otlp-exporter-compression=none",
    ]
    with running(arguments, folder / "rotel.log", cwd=folder):
        urls = Collector(f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{grpc_port}")
        until(lambda: get(f"{urls.http_url}/")[0], timeout_s=20)
        yield urls


class Demo:
    """``heliograph demo --json`` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "heliograph", "demo", "--json", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "--directory", str(folder / "demo"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def wait_until_serving(self) -> None:
        until(lambda: get(f"{self.url}/health/live")[0] == 200, timeout_s=20)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def summary(self, timeout_s: float = 60) -> dict[str, Any]:
        """Wait for the end, which must be a clean one, and return what the demo says of itself."""
        self.output, self.errors = self._process.communicate(timeout=timeout_s)
        assert self._process.returncode == 0, self.errors
        summary: dict[str, Any] = json.loads(self.output)
        return summary

    def made_span_ids(self) -> list[str]:
        """The ids of all spans that the demo wrote to its own file: what it made, in hexadecimal."""
        lines = (self.folder / "demo" / "traces.jsonl").read_text().splitlines()
        return [
            span["spanId"]
            for line in lines
            for resource in json.loads(line)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


def delivered(summary: dict[str, Any], signal_name: str, destination: str) -> dict[str, Any]:
    """The line of a demo's summary about one destination."""
    found = [line for line in summary["destinations"] if (line["signal"], line["destination"]) == (signal_name, destination)]
    assert len(found) == 1, summary["destinations"]
    line: dict[str, Any] = found[0]
    return line


def sleep_until(moment: float) -> None:
    """Sleep until ``time.monotonic()`` reaches ``moment``."""
    time.sleep(max(0.0, moment - time.monotonic()))
