"""Failures inside an instrumented call: counted and said, never raised into the application."""

from __future__ import annotations

import logging
from collections import Counter

from heliograph.clock import Clock, SystemClock
from heliograph.locks import recording_lock
from heliograph.text import described, printable

_QUIET_NS = 60 * 1_000_000_000

logger = logging.getLogger("heliograph.recording")


class Mishaps:
    """Counts by kind; logs each kind at most once a minute. Thread-safe."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = recording_lock()  # reentrant: a finaliser may record while this thread is in here
        self._counts: Counter[str] = Counter()
        self._silent_until_ns: dict[str, int] = {}

    def after_fork_in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = recording_lock()

    def restart(self) -> None:
        """Count from zero and say everything again, for a test."""
        with self._lock:
            self._counts.clear()
            self._silent_until_ns.clear()

    def note(self, kind: str, detail: object) -> None:
        """Count one ``kind`` (a fixed word such as ``"counter.add"``); ``detail`` is shown in the log line."""
        with self._lock:
            self._counts[kind] += 1
            now_ns = self._clock.monotonic_ns()
            if now_ns < self._silent_until_ns.get(kind, 0):
                return
            self._silent_until_ns[kind] = now_ns + _QUIET_NS
        logger.warning("%s: %s", kind, printable(described(detail)))

    def count(self, kind: str) -> None:
        """Count one ``kind`` that somebody else says."""
        with self._lock:
            self._counts[kind] += 1

    def counts(self) -> dict[str, int]:
        """How often each kind happened."""
        with self._lock:
            return dict(self._counts)
