"""How a destination is doing, for people: ``telemetry.export_status()``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from heliograph.pipeline.ledger import LedgerCounts


class ExportState(StrEnum):
    """HEALTHY: nothing is wrong. DEGRADED: items wait or some are dropped. FAILED: the destination refuses them."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILED = "failed"


WORST_LAST = (ExportState.HEALTHY, ExportState.DEGRADED, ExportState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStatus:
    """State of one destination over all its signals. ``reason`` is None when healthy; ``counts`` is by signal."""

    state: ExportState
    reason: str | None = None
    counts: Mapping[str, LedgerCounts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownReport:
    """How a shutdown went. ``is_complete`` says that nothing was left behind; ``duration_s`` is in seconds; ``ledger`` holds
    the final account of each (signal, destination), where what was left behind is pending on disk, for the next process, or
    dropped for reason ``shutdown``."""

    is_complete: bool
    duration_s: float
    ledger: Mapping[tuple[str, str], LedgerCounts]

    @property
    def spooled(self) -> int:
        """How many items wait on disk for the next process, over all destinations."""
        return sum(counts.spooled for counts in self.ledger.values())


def worse(left: ExportStatus | None, right: ExportStatus) -> ExportStatus:
    """Join two readings of one destination: the worse state with its reason, the counts of both."""
    if left is None:
        return right
    worst = max(left, right, key=lambda status: WORST_LAST.index(status.state))
    return ExportStatus(state=worst.state, reason=worst.reason, counts={**left.counts, **right.counts})
