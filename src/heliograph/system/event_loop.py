"""How late an event loop runs what it was asked to: a callback asked for twice a second, and its lateness recorded.

No thread, and nothing that keeps a loop alive or from ending: the loop holds the next callback, which knows the loop weakly.
It ends with the loop, or when it is stopped. Called by the collector, and by applications for loops that nobody else watches.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry.metrics import Histogram, Meter, get_meter

from heliograph import names
from heliograph.catalog.rows.runtime import EVENT_LOOP_LAG
from heliograph.locks import recording_lock

if TYPE_CHECKING:
    import asyncio

Record: TypeAlias = Callable[[float], None]

_PERIOD_S: Final = 0.5

# Guarded by the recording lock.
_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopWatch] = weakref.WeakKeyDictionary()


class LoopWatch:
    """Records the lateness of one loop, in seconds, from :meth:`start` to :meth:`stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, record: Record, period_s: float = _PERIOD_S) -> None:
        self._loop = weakref.ref(loop)
        self._record = record
        self._period_s = period_s
        self._due_ns = 0
        self.is_stopped = False

    def start(self) -> None:
        """From any thread. A loop that does not run yet is watched once it does; one that is closed has no lateness."""
        loop = self._loop()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._ask)
        except RuntimeError:  # closed
            self.is_stopped = True

    def stop(self) -> None:
        """From any thread: the callback that is asked for already is the last, and records nothing."""
        self.is_stopped = True

    def _ask(self) -> None:
        loop = self._loop()
        if loop is not None and not self.is_stopped:
            # Not the loop's own time: some loops have it in whole milliseconds, as of the beginning of a round.
            self._due_ns = monotonic_ns() + round(self._period_s * 1e9)
            loop.call_later(self._period_s, self._tick)

    def _tick(self) -> None:
        if not self.is_stopped:
            late_s = max(0, monotonic_ns() - self._due_ns) / 1e9
            self._ask()  # first, since a record that raises is the loop's to report, and no end of the watch
            self._record(late_s)


def lag_histogram(meter: Meter) -> Histogram:
    """The histogram that lateness goes to."""
    metric = EVENT_LOOP_LAG
    bounds = list(metric.buckets or ())
    return meter.create_histogram(metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=bounds)


def watch_event_loop(loop: asyncio.AbstractEventLoop | None = None, record: Record | None = None) -> LoopWatch:
    """Record how late ``loop`` runs callbacks, by default the one that runs this; once, however often it is asked for.

    Lateness (seconds) goes to ``record``, by default to the histogram ``asyncio.event_loop.lag`` of OpenTelemetry's current
    meter provider. A loop that is left and run again later was late by the time in between. Returns what stops it.
    Thread-safe. Raises ``RuntimeError`` when no loop is given and none is running.
    """
    import asyncio  # noqa: PLC0415  # who has a loop has loaded it; nobody else needs it

    found = loop or asyncio.get_running_loop()
    with recording_lock():
        watch = _watches.get(found)
        if watch is not None and not watch.is_stopped:
            return watch
        watch = _watches[found] = LoopWatch(found, record or lag_histogram(get_meter(names.SYSTEM_SCOPE)).record)
    watch.start()
    return watch
