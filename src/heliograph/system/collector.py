"""Collects the system metrics: observable instruments, all read together about once an interval at most.

Several readers (a scrape, a push) may collect at any time; within nine tenths of an interval they all get the same readings,
so that shares are of whole intervals and the cost does not grow with the number of scrapers. All rows are read at once, when
the first one is asked for, so that they fit together and share what they read. Built and closed by the assembly.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from heliograph.clock import Clock, SystemClock
from heliograph.system.event_loop import LoopWatch, lag_histogram, watch_event_loop
from heliograph.system.probe import Probe, Read
from heliograph.system.table import DURATION, FAILURES, ROWS, Row

if TYPE_CHECKING:
    import asyncio

Callback = Callable[[CallbackOptions], Iterable[Observation]]

# The callbacks of one collection come one after the other, and all of them shall get the same readings.
_LEAST_INTERVAL_S: Final = 0.05
# A scraper with the same interval comes a little early at times; it shall not get the readings of the time before then.
_DUE_AFTER: Final = 0.9
_SETTLING_NS: Final = 1_000_000_000


class SystemCollector:
    """Registers one instrument a row with a meter. Thread-safe. ``make_probe`` is given whether this is a forked child."""

    def __init__(
        self,
        interval_s: float,
        clock: Clock | None = None,
        rows: Sequence[Row] = ROWS,
        make_probe: Callable[[Clock, bool], Probe] | None = None,
    ) -> None:
        self._interval_ns = round(max(interval_s * _DUE_AFTER, _LEAST_INTERVAL_S) * 1e9)
        self._clock = clock or SystemClock()
        self._reads = [(row.metric.name, row.read) for row in rows if row.read is not None]
        self._rows = rows
        self._make_probe = make_probe or (lambda clock, is_child: Probe(clock, is_child=is_child))
        self._lag: Histogram | None = None
        self._watches: weakref.WeakSet[LoopWatch] = weakref.WeakSet()
        self._is_timing_pauses = False
        self._start_over(is_child=False)

    def _start_over(self, *, is_child: bool) -> None:
        # Reentrant: a finaliser that runs amid a collection may collect.
        self._lock = threading.RLock()
        self._probe = self._make_probe(self._clock, is_child)
        self._is_read = False
        self._due_ns = 0
        self._readings: dict[str, list[Observation]] = {}
        self._failures: Counter[str] = Counter()
        self._cost_s = 0.0

    def after_fork_in_child(self) -> None:
        """The child is another process: forget the parent's readings."""
        self._probe.gc_pauses.stop()
        self._start_over(is_child=True)
        if self._is_timing_pauses:
            self._probe.gc_pauses.start()

    def register(self, meter: Meter) -> None:
        """Create the instruments; from now on garbage collections are timed."""
        create = {
            "counter": meter.create_observable_counter,
            "up_down_counter": meter.create_observable_up_down_counter,
            "gauge": meter.create_observable_gauge,
        }
        for row in self._rows:
            metric = row.metric
            if metric.kind == "histogram":
                self._lag = lag_histogram(meter)
            else:
                create[metric.kind](metric.name, [self._callback(metric.name)], metric.unit, metric.description)
        for metric, callback in ((DURATION, self._observe_cost), (FAILURES, self._observe_failures)):
            create[metric.kind](metric.name, [callback], metric.unit, metric.description)
        if any(row.metric.name == "cpython.gc.pause_time" for row in self._rows):
            self._is_timing_pauses = True
            self._probe.gc_pauses.start()

    def watch_event_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Measure the lag of ``loop``, by default of the one that runs this, if that metric is selected. Does nothing where
        there is no loop."""
        if self._lag is None:
            return
        try:
            self._watches.add(watch_event_loop(loop, self._lag.record))
        except (RuntimeError, TypeError):  # called outside of any loop; or a loop that nothing can refer to weakly
            return

    def close(self) -> None:
        """Stop timing garbage collections and event loops; the instruments go on."""
        self._probe.gc_pauses.stop()
        self._is_timing_pauses = False
        for watch in list(self._watches):
            watch.stop()

    def failures(self) -> dict[str, int]:
        """How often each metric, or one reading of it, could not be had, for example for want of rights."""
        with self._lock:
            return dict(self._failures)

    def _callback(self, name: str) -> Callback:
        return lambda _options: self._observe(name)

    def _observe(self, name: str) -> list[Observation]:
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            if now_ns >= self._due_ns:
                # Shares need some time to be shares of: what the first reading could not say, the second one soon does.
                self._due_ns = now_ns + (self._interval_ns if self._is_read else min(self._interval_ns, _SETTLING_NS))
                self._is_read = True
                self._collect()
            return self._readings.get(name, [])

    def _observe_cost(self, _options: CallbackOptions) -> list[Observation]:
        with self._lock:
            return [Observation(self._cost_s)] if self._is_read else []

    def _observe_failures(self, _options: CallbackOptions) -> list[Observation]:
        return [Observation(count, {"metric": name}) for name, count in self.failures().items()]

    def _collect(self) -> None:
        started_ns = time.thread_time_ns()
        self._probe.begin()
        self._readings = {name: self._read(name, read) for name, read in self._reads}
        self._cost_s = (time.thread_time_ns() - started_ns) / 1e9

    def _read(self, name: str, read: Read) -> list[Observation]:
        found: list[Observation] = []
        try:
            for value, attributes in read(self._probe):
                if value is None:
                    self._failures[name] += 1
                else:
                    found.append(Observation(value, attributes))
        except Exception:  # psutil's own, OSError, or whatever its parsing of an odd /proc raises
            # Not readable for this user or on this system: the metric is left out, not shown as a zero.
            self._failures[name] += 1
            return []
        return found
