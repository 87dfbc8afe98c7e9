"""What all subjects share: start, record numbered items, say how things stand as JSON lines, end.

Every item carries its number as attribute ``n``: the prefix of its process and a count from 0 on, in the order recorded.
"""

from __future__ import annotations

import array
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliograph import LedgerCounts, ShutdownReport, TelemetryManager, TelemetrySettings
from heliograph.clock import SystemClock
from tests.faults.rig.work import Work


def log_to_stderr() -> None:
    """Write all log lines to standard error in the form that the tests read."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="LOG %(process)d %(created)f %(name)s %(levelname)s %(message)s"
    )


class JumpingClock(SystemClock):
    """The system's clock, whose wall time can be put elsewhere."""

    jumped_ns = 0

    def time_ns(self) -> int:  # type: ignore[override]
        return time.time_ns() + self.jumped_ns


def start(work: Work, clock: SystemClock | None = None) -> TelemetryManager:
    return TelemetryManager(TelemetrySettings(**work.settings), clock=clock).initialize()


def as_dict(counts: LedgerCounts) -> dict[str, Any]:
    names = ("accepted", "delivered", "pending", "spooled", "recovered", "retried", "duplicated_at_most")
    return {**{name: getattr(counts, name) for name in names}, "dropped": dict(counts.dropped)}


def as_ledger(ledger: Any) -> dict[str, Any]:
    return {f"{signal_name}/{destination}": as_dict(counts) for (signal_name, destination), counts in ledger.items()}


def rss_bytes(field: str = "VmHWM") -> int:
    """Resident memory of this process, by default at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = [line for line in lines if line.startswith(field)]
    return int(found.split()[1]) * 1024


def say(**fields: Any) -> None:
    """One line of JSON, in one write: other processes may write to the same pipe."""
    os.write(1, json.dumps({"at": time.monotonic(), "pid": os.getpid(), **fields}).encode() + b"\n")


class Recorder:
    """Records items and remembers how long each call took and what was raised."""

    def __init__(self, telemetry: TelemetryManager, prefix: str = "") -> None:
        self._telemetry = telemetry
        self.prefix = prefix or str(os.getpid())
        self.calls_ns = array.array("Q")
        self.recorded = 0
        self.raised: list[str] = []
        self._lock = threading.Lock()

    def span(self, number: str) -> None:
        with self._telemetry.span("work", n=number):
            pass

    def log(self, number: str) -> None:
        self._telemetry.event("work", n=number)

    def increment(self, _number: str) -> None:
        self._telemetry.increment_counter("work.done")

    def run(
        self, signals: tuple[str, ...], items: int, rate: float, name: str = "", is_over: Callable[[], bool] = bool
    ) -> None:
        """Record ``items`` of each signal, ``rate`` a second. Counted in one go at the end, for threads."""
        calls = [{"traces": self.span, "logs": self.log, "metrics": self.increment}[signal_name] for signal_name in signals]
        took_ns, done, began = array.array("Q"), 0, time.monotonic()
        for count in range(items):
            if rate and (wait_s := began + count / rate - time.monotonic()) > 0:
                time.sleep(wait_s)
            if is_over():
                break
            number = f"{self.prefix}{name}-{count}"
            before_ns = time.perf_counter_ns()
            for call in calls:
                try:
                    call(number)
                except Exception as error:
                    self.raised.append(repr(error))
            took_ns.append(time.perf_counter_ns() - before_ns)
            done += 1
        with self._lock:
            self.calls_ns.extend(took_ns)
            self.recorded += done

    def p99_ms(self) -> float:
        ordered = sorted(self.calls_ns)
        return ordered[int(len(ordered) * 0.99)] / 1e6 if ordered else 0.0


def tick_forever(telemetry: TelemetryManager, every_s: float) -> None:
    def tick() -> None:
        while True:
            say(ledger=as_ledger(telemetry.ledger()), rss_bytes=rss_bytes("VmRSS"))
            time.sleep(every_s)

    threading.Thread(target=tick, name="ticks", daemon=True).start()


def say_the_end(recorder: Recorder, telemetry: TelemetryManager, report: ShutdownReport, took_s: float | None) -> None:
    say(
        final=True,
        recorded=recorder.recorded,
        raised=recorder.raised,
        p99_ms=recorder.p99_ms(),
        rss_bytes=rss_bytes(),
        shutdown_s=took_s,
        report={"is_complete": report.is_complete, "duration_s": report.duration_s},
        ledger=as_ledger(report.ledger),
        status={name: [status.state.value, status.reason] for name, status in telemetry.export_status().items()},
    )


def end_with_shutdown(recorder: Recorder, telemetry: TelemetryManager) -> None:
    before = time.monotonic()
    report = telemetry.shutdown()
    say_the_end(recorder, telemetry, report, time.monotonic() - before)


def wait_until_settled(telemetry: TelemetryManager, at_most_s: float, *, is_hurried: bool = False) -> None:
    """Until nothing is pending; ``is_hurried`` asks for a flush again and again, which ends waits between attempts."""
    deadline = time.monotonic() + at_most_s
    while time.monotonic() < deadline and any(counts.pending for counts in telemetry.ledger().values()):
        if is_hurried:
            telemetry.force_flush(0.5)
        time.sleep(0.02)


def handle_sigterm(kind: str) -> Callable[[], bool]:
    """Install the application's own handler; returns whether it has been told to stop."""
    told = threading.Event()
    if kind == "exit":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    elif kind == "flag":
        signal.signal(signal.SIGTERM, lambda *_: told.set())
    return told.is_set
