"""What the pipeline says in the application's log: at most one line a minute and cause, start and recovery both said.

The loggers under ``heliograph`` are never exported by heliograph itself, so a notice cannot cause the next one.
"""

from __future__ import annotations

import logging

from heliograph.clock import Clock
from heliograph.text import printable

_QUIET_NS = 60 * 1_000_000_000
_MOST_CAUSES = 3

logger = logging.getLogger("heliograph.delivery")


class Notices:
    """Remembers what was said about one destination. Used by one delivery thread."""

    def __init__(self, destination: str, clock: Clock) -> None:
        self._destination = destination
        self._clock = clock
        self._said_at_ns: dict[str, int] = {}
        self._recovery_said_at_ns: int | None = None
        self._is_said_to_fail = False

    def failing(self, cause: str, *, consequence: str) -> None:
        """Say that ``cause`` keeps items from arriving, unless it was said within the last minute, or three other causes
        were (their texts may differ each time)."""
        now_ns = self._clock.monotonic_ns()
        self._said_at_ns = {said: at_ns for said, at_ns in self._said_at_ns.items() if now_ns - at_ns < _QUIET_NS}
        if cause not in self._said_at_ns and len(self._said_at_ns) < _MOST_CAUSES:
            self._said_at_ns[cause] = now_ns
            self._is_said_to_fail = True
            self._say(logging.WARNING, f"export to {self._destination}: {cause}; {consequence}")

    def recovered(self) -> None:
        """Say that items arrive again, if it was said that they do not."""
        now_ns = self._clock.monotonic_ns()
        is_news = self._recovery_said_at_ns is None or now_ns - self._recovery_said_at_ns >= _QUIET_NS
        if self._is_said_to_fail and is_news:
            self._is_said_to_fail = False
            self._recovery_said_at_ns = now_ns
            self._say(logging.INFO, f"export to {self._destination} works again")

    def _say(self, level: int, text: str) -> None:
        try:
            logger.log(level, "%s", printable(text))
        except Exception:  # a log handler of the application's may raise anything; delivery goes on
            self._is_said_to_fail = False
