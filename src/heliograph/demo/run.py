"""Puts the demo together, drives it for a while, and ends it cleanly."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.demo.cache import Cache
from heliograph.demo.client import Client
from heliograph.demo.instruments import DemoInstruments
from heliograph.demo.service import Service
from heliograph.demo.studio import Studio
from heliograph.demo.summary import Summary
from heliograph.demo.worker import QUEUE_CAPACITY, WorkerPool
from heliograph.endpoint.server import ThreadedServer
from heliograph.errors import HeliographError
from heliograph.health.builtin import CallableHealthCheck
from heliograph.manager import TelemetryManager

_SLICE_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """``duration_s`` seconds of traffic at ``rate`` requests a second, then ``linger_s`` seconds in which the endpoint can
    still be scraped. ``port`` is the telemetry endpoint's, ``service_port`` the service's own; 0 means any free one."""

    duration_s: float
    linger_s: float
    rate: float
    port: int
    service_port: int
    seed: int
    otlp: str | None
    jaeger: str | None
    directory: str


def run_demo(options: DemoOptions, say: Callable[[str], None]) -> Summary:
    """Run until the duration is over, or SIGINT or SIGTERM comes. Raises :class:`~heliograph.errors.HeliographError` when the
    service's port is taken."""
    ended = threading.Event()
    with _ended_by_signals(ended), TelemetryManager.start("heliograph-demo", **_settings(options)) as telemetry:
        return _Demo(telemetry, options, say).run(ended)


class _Demo:
    """The parts, wired."""

    def __init__(self, telemetry: TelemetryManager, options: DemoOptions, say: Callable[[str], None]) -> None:
        self._telemetry = telemetry
        self._options = options
        self._say = say
        instruments = DemoInstruments.create(telemetry)
        dice = [random.Random(f"{options.seed}/{part}") for part in ("client", "service", "studio")]
        cache = Cache(telemetry, instruments, capacity=50)
        studio = Studio(telemetry=telemetry, instruments=instruments, dice=dice[2])
        self._workers = WorkerPool(telemetry, instruments, studio, cache)
        service = Service(telemetry=telemetry, instruments=instruments, cache=cache, workers=self._workers, dice=dice[1])
        self._server = _serve(service, options.service_port)
        self._client = Client(telemetry, self._server.url, rate=options.rate, dice=dice[0])
        telemetry.health.add_check(CallableHealthCheck("worker_queue", lambda: self._workers.waiting < QUEUE_CAPACITY))
        self._handler = telemetry.logging_handler()
        logging.getLogger("demo").addHandler(self._handler)

    def run(self, ended: threading.Event) -> Summary:
        started = time.monotonic()
        self._say_where()
        self._client.start()
        _wait(ended, self._options.duration_s)
        self._client.stop()
        duration_s = time.monotonic() - started
        self._workers.stop(timeout_s=10.0)
        _wait(ended, self._options.linger_s)
        self._server.stop(timeout_s=2.0)
        logging.getLogger("demo").removeHandler(self._handler)
        series = self._series()
        report = self._telemetry.shutdown()
        return Summary(duration_s=duration_s, answers=self._client.answers, series=series, report=report)

    def _say_where(self) -> None:
        url, options = self._telemetry.endpoint_url, self._options
        self._say(f"service    {self._server.url}")
        self._say(f"metrics    {url}/metrics" if url else "metrics    not served: the port is taken")
        self._say(f"health     {url}/health" if url else "health     not served: the port is taken")
        self._say(f"traces     {options.directory}/traces.jsonl (OTLP JSON lines)")
        for destination in (options.otlp, options.jaeger):
            if destination:
                self._say(f"exporting  {destination}")
        self._say(f"driving {options.rate:g} requests a second for {options.duration_s:g} s; Ctrl-C ends it")

    def _series(self) -> int:
        """Samples that a scrape shows now; counted by the exposition itself, so also when the port is taken."""
        body = b"".join(self._telemetry.wsgi_app()({"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics"}, _no_headers))
        return sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))


def _wait(ended: threading.Event, seconds: float) -> None:
    """Wait for ``ended``, in slices: the system may give a signal to any thread, and only a main thread that comes up for air
    runs its handler."""
    until = time.monotonic() + seconds
    while (left_s := until - time.monotonic()) > 0 and not ended.wait(min(left_s, _SLICE_S)):
        pass


def _serve(service: Service, port: int) -> ThreadedServer:
    try:
        return ThreadedServer.start(service.app, "127.0.0.1", port, thread_name="demo-service")
    except OSError as error:
        raise HeliographError(f"the demo's service cannot listen on port {port} ({error}); give another one") from error


def _no_headers(_status: str, _headers: list[tuple[str, str]], _error: object = None) -> Any:
    return None


def _settings(options: DemoOptions) -> dict[str, Any]:
    batch = {"export_interval": "1s"}
    traces: list[Any] = [{"type": "file", "path": f"{options.directory}/traces.jsonl"}]
    metrics: list[Any] = ["prometheus"]
    logs: list[Any] = [{"type": "file", "path": f"{options.directory}/logs.jsonl"}]
    if options.otlp:
        otlp = {"type": "otlp", "endpoint": options.otlp, "protocol": _protocol(options.otlp)}
        traces, metrics, logs = [*traces, otlp], [*metrics, otlp], [*logs, otlp]
    if options.jaeger:
        traces.append({"type": "jaeger", "endpoint": options.jaeger, "protocol": _protocol(options.jaeger)})
    return {
        "environment": "demo",
        "tracing": {"exporters": traces, "batch_export": batch},
        "metrics": {"exporters": metrics, "collection_interval": "5s"},
        "logs": {"exporters": logs, "batch_export": batch},
        "health": {"check_interval": "5s", "cache_ttl": "5s"},
        "server": {"port": options.port},
    }


def _protocol(endpoint: str) -> str:
    """gRPC on its registered port 4317, HTTP on any other."""
    try:
        return "grpc" if urlsplit(endpoint).port == 4317 else "http"
    except ValueError:
        return "http"  # the settings say what is wrong with the URL


class _ended_by_signals:  # noqa: N801  # reads as a statement where it is used
    """While open, SIGINT and SIGTERM set ``ended``; a second one acts as if this were not here."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._end)

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self._ended.set()
        signal.signal(number, self._before[signal.Signals(number)])
