"""What the pipeline says in the application's log: at most one line a minute and cause, start and recovery both said.

The loggers under ``heliograph`` are never exported by heliograph itself, so a notice cannot cause the next one.
"""

from __future__ import annotations

import logging

from heliograph.clock import Clock

_QUIET_NS = 60 * 1_000_000_000
_MOST_CAUSES = 64

logger = logging.getLogger("heliograph.delivery")


class Notices:
    """Remembers what was said about one destination. Used by one delivery thread."""

    def __init__(self, destination: str, clock: Clock) -> None:
        self._destination = destination
        self._clock = clock
        self._said_at_ns: dict[str, int] = {}
        self._is_failing = False

    def failing(self, cause: str, *, consequence: str) -> None:
        """Say that ``cause`` keeps items from arriving, unless it was said within the last minute."""
        self._is_failing = True
        now_ns = self._clock.monotonic_ns()
        said_at_ns = self._said_at_ns.get(cause)
        if said_at_ns is None or now_ns - said_at_ns >= _QUIET_NS:
            if len(self._said_at_ns) >= _MOST_CAUSES:
                self._said_at_ns.clear()
            self._said_at_ns[cause] = now_ns
            logger.warning("export to %s: %s; %s", self._destination, cause, consequence)

    def recovered(self) -> None:
        """Say that items arrive again, if they did not before."""
        if self._is_failing:
            self._is_failing = False
            self._said_at_ns.clear()
            logger.info("export to %s works again", self._destination)
