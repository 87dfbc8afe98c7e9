"""Time as an argument: the system's clock, and one that tests set by hand.

Wall time stamps what happened; monotonic time measures how long. Nothing in heliograph reads ``time`` directly where a
decision depends on it.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Two readings, both in integer nanoseconds. Implementations are thread-safe."""

    def time_ns(self) -> int:
        """Wall time since the Unix epoch, in ns. May jump."""

    def monotonic_ns(self) -> int:
        """Time since some fixed point, in ns. Never goes back."""


_LONGEST_WAIT_S = 86400.0


def bounded_s(seconds: float) -> float:
    """``seconds`` as a wait that every system can do: nothing for what is negative or no number, a day at most."""
    return min(seconds, _LONGEST_WAIT_S) if seconds > 0 else 0.0


class SystemClock:
    """The clock of this machine."""

    time_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)


class ManualClock:
    """A clock that stands still until told: ``advance`` moves both readings, ``jump`` the wall time only."""

    def __init__(self, time_ns: int = 1_700_000_000_000_000_000) -> None:
        self._time_ns = time_ns
        self._monotonic_ns = 0
        self._lock = threading.Lock()

    def time_ns(self) -> int:
        return self._time_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` (>= 0) pass."""
        if seconds < 0:
            raise ValueError(f"advance() was given {seconds!r}, expected seconds >= 0; use jump() to move wall time back")
        with self._lock:
            self._time_ns += round(seconds * 1e9)
            self._monotonic_ns += round(seconds * 1e9)

    def jump(self, seconds: float) -> None:
        """Change the wall time by ``seconds``, as an adjusted system clock would; monotonic time does not see it."""
        with self._lock:
            self._time_ns += round(seconds * 1e9)
