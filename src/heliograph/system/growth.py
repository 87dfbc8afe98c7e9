"""How fast amounts grew since they were read last: what shares and rates are computed from.

Kept by the probe, one for each reading that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heliograph.clock import Clock

# Over less time than this a rate is noise.
_LEAST_NS: Final = 10_000_000


class Growth:
    """The amounts of one reading. ``amounts`` are those at the start, None where there are none yet."""

    def __init__(self, clock: Clock, amounts: Mapping[str, float] | None = None) -> None:
        self._clock = clock
        self._amounts = amounts
        self._at_ns = clock.monotonic_ns()

    def since(self, amounts: Mapping[str, float]) -> tuple[dict[str, float], float]:
        """By how much each of ``amounts`` grew, and in how many seconds. Nothing when no amounts were known before, or only
        a moment ago; these are kept for the next time then, or those before."""
        now_ns, before = self._clock.monotonic_ns(), self._amounts
        if before and now_ns - self._at_ns < _LEAST_NS:
            return {}, 0.0
        elapsed_s = (now_ns - self._at_ns) / 1e9
        self._amounts, self._at_ns = amounts, now_ns
        if not before:
            return {}, 0.0
        # A counter of the kernel may step back a little (iowait does); a negative share would be a lie.
        return {name: max(0.0, amount - before.get(name, 0.0)) for name, amount in amounts.items()}, elapsed_s
