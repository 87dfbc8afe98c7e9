"""Collects the system metrics: observable instruments that read each row at most once an interval.

Several readers (a scrape, a push) may collect at any time; within one interval they all get the same reading, so that shares
are computed over whole intervals and the cost does not grow with the number of scrapers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from heliograph.clock import Clock, SystemClock
from heliograph.system.probe import Probe
from heliograph.system.table import ROWS, Row

Callback = Callable[[CallbackOptions], Iterable[Observation]]


class SystemCollector:
    """Registers one observable instrument a row with a meter. Thread-safe."""

    def __init__(self, interval_s: float, clock: Clock | None = None, rows: Sequence[Row] = ROWS) -> None:
        self._interval_ns = round(interval_s * 1e9)
        self._clock = clock or SystemClock()
        self._rows = rows
        self._start_over()

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._probe = Probe()
        self._readings: dict[str, tuple[int, list[Observation]]] = {}
        self._failures: Counter[str] = Counter()

    def after_fork_in_child(self) -> None:
        """The child is another process: forget the parent's readings."""
        self._start_over()

    def register(self, meter: Meter) -> None:
        """Create the instruments."""
        create = {
            "counter": meter.create_observable_counter,
            "up_down_counter": meter.create_observable_up_down_counter,
            "gauge": meter.create_observable_gauge,
        }
        for row in self._rows:
            create[row.kind](row.name, [self._callback(row)], row.unit, row.description)

    def failures(self) -> dict[str, int]:
        """How often each metric could not be read, for example for want of rights."""
        with self._lock:
            return dict(self._failures)

    def _callback(self, row: Row) -> Callback:
        return lambda _options: self._observe(row)

    def _observe(self, row: Row) -> list[Observation]:
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            read_at_ns, observations = self._readings.get(row.name, (now_ns - self._interval_ns, []))
            if now_ns - read_at_ns < self._interval_ns:
                return observations
            try:
                observations = [Observation(value, attributes) for value, attributes in row.read(self._probe)]
            except Exception:  # psutil's own, OSError, or whatever its parsing of an odd /proc raises
                # Not readable for this user or on this system: the metric is left out, not shown as a zero.
                self._failures[row.name] += 1
                observations = []
            self._readings[row.name] = (now_ns, observations)
            return observations
