"""How long to wait before the next attempt: exponential backoff with full jitter.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the wait is drawn evenly from nought to the cap of
its attempt, so that senders which failed together do not come back together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits between ``base_s`` and ``longest_s`` seconds at their caps. ``draw`` returns a float in [0, 1)."""

    base_s: float = 1.0
    longest_s: float = 60.0
    draw: Callable[[], float] = random.random

    def wait_s(self, attempt: int) -> float:
        """The wait after failed attempt number ``attempt`` (starts at 1), in seconds."""
        # 2 ** 30 seconds is beyond any cap; the exponent is bounded so that a long outage cannot overflow the float.
        cap_s = min(self.longest_s, self.base_s * 2.0 ** min(attempt - 1, 30))
        return cap_s * self.draw()
