"""The clock of a test: stands still until it is told, or moves on a little with each reading.

Read by spans, events, logs, metrics and health checks while a test captures.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from heliograph.clock import ManualClock

_STARTS_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
_NS: Final = 1_000_000_000


class SettableClock(ManualClock):
    """A clock that a test moves: ``advance(seconds)``, ``set(time)``, ``jump(seconds)``. Thread-safe.

    It begins at 2024-01-01 00:00 UTC. With a ``tick_s`` above 0 so many seconds pass after each reading of the wall time, so
    that what happens later has a later time: a span without anything in it takes one tick.
    """

    def __init__(self) -> None:
        super().__init__(_in_ns(_STARTS_AT))
        self.tick_s = 0.0

    def time_ns(self) -> int:
        reading = super().time_ns()
        if self.tick_s:
            self.advance(self.tick_s)
        return reading

    def set(self, time: datetime | int) -> None:
        """Make it ``time``: a datetime with a time zone, or ns since the Unix epoch. Forward, so much time passes; backward,
        the wall time alone is put back, as of an adjusted clock."""
        wanted_ns = _in_ns(time)
        with self._lock:
            passed_ns = wanted_ns - self._time_ns
            self._time_ns = wanted_ns
            self._monotonic_ns += max(0, passed_ns)

    def restart(self) -> None:
        """Begin again."""
        with self._lock:
            self._time_ns, self._monotonic_ns = _in_ns(_STARTS_AT), 0
        self.tick_s = 0.0


def _in_ns(time: datetime | int) -> int:
    if isinstance(time, int):
        return time
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise ValueError(
            f"a clock was set to {time!r}, expected a datetime with a time zone (datetime(2024, 1, 1, tzinfo=UTC)), or ns "
            "since the Unix epoch"
        )
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * _NS + since.microseconds * 1000
