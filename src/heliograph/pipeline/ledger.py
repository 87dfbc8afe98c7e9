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
    SPOOL_FULL = "spool_full"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """A consistent reading of one account, in items since the start of the process.

    ``recovered`` of the accepted ones were found in the spool of a process that has ended; ``spooled`` of the pending ones
    are on disk. ``retried`` counts an item each time that it is sent again, and ``duplicated_at_most`` each time that an
    earlier attempt may have arrived all the same (a connection that broke or timed out after the request was sent).
    """

    accepted: int = 0
    delivered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    spooled: int = 0
    recovered: int = 0
    retried: int = 0
    duplicated_at_most: int = 0


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
