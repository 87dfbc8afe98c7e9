"""Where one row of the matrix takes place: a folder, a receiver, the environment of the programs; and what arrived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import free_port

ROOT = Path(__file__).parents[3]
_LONGEST_S = 15.0


class Stage:
    """Runs programs and knows what they said. ``ended_in_s`` is how long the last one took to end once it was told to."""

    def __init__(self, folder: Path, receiver: OtlpReceiver, environ: dict[str, str]) -> None:
        self.folder = folder
        self.port, port = free_port(), free_port()
        self.ended_in_s = 0.0
        self._receiver = receiver
        self._log = folder / "log"
        self.environ = own_environment(
            {
                "HELIOGRAPH_ENABLED": "true",  # also under pytest
                "UNITS_ENDPOINT": receiver.url,
                "UNITS_PORT": str(port),
                "UNITS_BROKER": str(folder / "broker"),
                "PROMETHEUS_MULTIPROC_DIR": str(folder / "shared"),
                "PYTHONWARNINGS": "error:::tests,error:::heliograph",
                "C_FORCE_ROOT": "1",  # celery in a container
                **{name: value.format(endpoint=receiver.url, port=port) for name, value in environ.items()},
            }
        )

    @contextmanager
    def running(self, *module: str, stream: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
        """A module of Python with its arguments, at work until the block ends; then no process of it is left. ``stream`` is
        for what it reads and what it prints."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env=self.environ,
                stdin=stream,
                stdout=stream,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # the group is of those that this row started, and ended by then
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def end(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and return its exit code."""
        process.send_signal(number)
        return self.wait(process)

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        before_s = time.monotonic()
        code = process.wait(_LONGEST_S)
        self.ended_in_s = time.monotonic() - before_s
        return code

    def run(self, *module: str) -> int:
        """A module from beginning to end; what it takes is no time of its ending."""
        with self.running(*module) as process:
            return process.wait(_LONGEST_S)

    def said(self) -> list[str]:
        """What all of them wrote to standard error, line by line."""
        return self._log.read_text().splitlines()

    def units(self) -> Counter[str]:
        """How often each unit arrived as a span."""
        return Counter(_attributes(span)["n"] for _instance, span in self._spans())

    def instances(self) -> dict[str, set[str]]:
        """The ids of the service's instances that each process sent its spans with."""
        found: dict[str, set[str]] = {}
        for instance, span in self._spans():
            found.setdefault(_attributes(span)["pid"], set()).add(instance)
        return found

    def counted(self) -> dict[str, int]:
        """The counter of each instance as it was sent last, without those that stayed at zero."""
        latest: dict[str, tuple[int, int]] = {}
        for request in self._messages("metrics"):
            for part in request.resource_metrics:
                instance = _attributes(part.resource)["service.instance.id"]
                for metric in (metric for scope in part.scope_metrics for metric in scope.metrics):
                    if metric.name == "units.done":
                        (point,) = metric.sum.data_points
                        value = point.as_int or round(point.as_double)
                        latest[instance] = max(latest.get(instance, (0, 0)), (point.time_unix_nano, value))
        return {instance: value for instance, (_at, value) in latest.items() if value}

    def _spans(self) -> Iterator[tuple[str, Any]]:
        for request in self._messages("traces"):
            for part in request.resource_spans:
                instance = _attributes(part.resource)["service.instance.id"]
                for span in (span for scope in part.scope_spans for span in scope.spans if span.name == "unit"):
                    yield instance, span

    def _messages(self, signal_name: str) -> list[Any]:
        return [message for found, _headers, message in list(self._receiver.requests) if found == signal_name]


@contextmanager
def staged(folder: Path, environ: dict[str, str]) -> Iterator[Stage]:
    with http_receiver() as receiver:
        yield Stage(folder, receiver, environ)


def _attributes(carrier: Any) -> dict[str, str]:
    found = {}
    for pair in carrier.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = str(getattr(pair.value, kind)) if kind else ""
    return found
