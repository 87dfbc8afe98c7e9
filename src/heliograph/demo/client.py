"""The client that drives the service at a steady rate, and counts what it got."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter

import urllib3
from opentelemetry import propagate
from opentelemetry.trace import SpanKind

from heliograph.manager import TelemetryManager

_THREADS = 8
_WORDS = ("cells", "comets", "glaciers", "harbours", "lichens", "magnets", "orchards", "signals", "tides", "volcanoes")


class Client:
    """Sends request number n at ``n / rate`` seconds after the start, whether or not the service keeps up."""

    def __init__(self, telemetry: TelemetryManager, url: str, *, rate: float, dice: random.Random) -> None:
        self._telemetry = telemetry
        self._url = url
        self._rate = rate
        self._dice = dice
        self._http = urllib3.PoolManager(maxsize=_THREADS, timeout=10.0, retries=False)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._next = 0
        self._started = time.monotonic()
        self._ordered: list[str] = []
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._run, name=f"client-{n}", daemon=True) for n in range(_THREADS)]

    def start(self) -> None:
        """Begin to send."""
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more and wait for the answers that are due."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(15.0)
        self._http.clear()

    def _run(self) -> None:
        while not self._stopped.wait(self._until_next()):
            method, path, body = self._choose()
            status = self._send(method, path, body)
            with self._lock:
                self.answers[status] += 1

    def _until_next(self) -> float:
        with self._lock:
            due = self._started + self._next / self._rate
            self._next += 1
        return max(0.0, due - time.monotonic())

    def _choose(self) -> tuple[str, str, bytes | None]:
        with self._lock:
            kind = self._dice.random()
            title = " and ".join(self._dice.sample(_WORDS, 2))
            if kind < 0.25 or not self._ordered:
                return "POST", "/videos", json.dumps({"title": title}).encode()
            if kind < 0.85:
                return "GET", f"/videos/{self._dice.choice(self._ordered[-40:])}", None
            return "GET", f"/catalogue?q={title.split()[0]}", None

    def _send(self, method: str, path: str, body: bytes | None) -> str:
        with self._telemetry.span(method, {"http.request.method": method}, kind=SpanKind.CLIENT) as span:
            headers = {"Content-Type": "application/json"}
            propagate.inject(headers)
            try:
                answer = self._http.request(method, self._url + path, body=body, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                span.record_exception(error)
                return "no answer"
            span.set_attribute("http.response.status_code", answer.status)
            if method == "POST" and answer.status == 202:
                with self._lock:
                    self._ordered.append(answer.json()["id"])
            return str(answer.status)
