"""The account of a destination: every item that was accepted is delivered, dropped for a stated reason, or pending.

``accepted == delivered + sum(dropped.values()) + pending`` holds for every :class:`LedgerCounts` that anyone sees. An
item is a span, a log record or a metric data point.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Signal(StrEnum):
    """The three kinds of telemetry."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class DropReason(StrEnum):
    """Why an accepted item was not delivered."""

    QUEUE_FULL = "queue_full"
    REJECTED = "rejected"
    ENCODING = "encoding"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """A consistent reading of one account, in items since the start of the process."""

    accepted: int = 0
    delivered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0


class Account:
    """The running counts of one destination. Not locked: its delivery calls it under the delivery's own lock."""

    def __init__(self) -> None:
        self._accepted = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()

    def accept(self, items: int) -> None:
        self._accepted += items

    def deliver(self, items: int) -> None:
        self._delivered += items

    def drop(self, items: int, reason: DropReason) -> None:
        if items:
            self._dropped[reason.value] += items

    @property
    def dropped(self) -> int:
        """All items dropped so far, whatever the reason."""
        return self._dropped.total()

    def counts(self) -> LedgerCounts:
        return LedgerCounts(
            accepted=self._accepted,
            delivered=self._delivered,
            dropped=dict(self._dropped),
            pending=self._accepted - self._delivered - self.dropped,
        )
