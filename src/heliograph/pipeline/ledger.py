"""The account of a destination: every item that was accepted is delivered, dropped for a stated reason, or pending.

``accepted == delivered + sum(dropped.values()) + pending`` holds for every :class:`LedgerCounts` that anyone sees, and
``pending`` is what lies in queues and files at that moment, not what is left over. An item is a span, a log record or a
metric data point.
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

    ``recovered`` of the accepted ones were found in the spool of a process that has ended. Of the pending ones, ``spooled``
    are on disk, and ``in_flight``, on disk or not, in the batch that is being sent, or sent again. ``retried`` counts an item
    each time that an attempt failed which is to be repeated, ``duplicated_at_most`` each time that such an attempt may have
    arrived all the same (no answer came to a request that was sent).
    """

    accepted: int = 0
    delivered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    spooled: int = 0
    in_flight: int = 0
    recovered: int = 0
    retried: int = 0
    duplicated_at_most: int = 0


class Account:
    """The running counts of one destination. Not locked: whoever writes holds the lock of the pipeline."""

    def __init__(self) -> None:
        self.delivered = 0
        self.dropped: Counter[str] = Counter()
        self.recovered = 0
        self.retried = 0
        self.duplicated_at_most = 0

    def drop(self, items: int, reason: DropReason) -> None:
        if items:
            self.dropped[reason.value] += items
