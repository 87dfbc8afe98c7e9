"""Items of one signal on their way to one destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.otlp.split import split


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Either ``items`` as they were recorded or ``body``, the OTLP request that holds them.

    ``count`` is what the ledger counts them for (for metrics: data points), ``entries`` the places that they take in a
    queue. ``last_entry`` is the position of the last of them among all that were queued, from 1; 0 for what another process
    left. ``accepted_at_ns`` is the monotonic time at which the oldest was accepted, in ns.
    """

    signal: str
    count: int
    entries: int = 1
    items: tuple[Any, ...] = ()
    body: bytes = b""
    last_entry: int = 0
    accepted_at_ns: int = 0

    def cut(self, count: int) -> tuple[Batch, Batch] | None:
        """The first ``count`` items and the rest, both at least one; None when this batch cannot be cut there."""
        if not 0 < count < self.count:
            return None
        if self.body:
            head, tail = split(self.signal, self.body, count)
            return self._part(count, body=head), self._part(self.count - count, body=tail)
        if len(self.items) != self.count:
            return None  # each is worth several, as collections of metrics are
        return self._part(count, items=self.items[:count]), self._part(self.count - count, items=self.items[count:])

    def halves(self) -> tuple[Batch, Batch] | None:
        """Two batches of half the size; None for one item."""
        return self.cut(self.count // 2)

    def _part(self, count: int, *, items: tuple[Any, ...] = (), body: bytes = b"") -> Batch:
        return Batch(
            signal=self.signal,
            count=count,
            entries=max(1, self.entries * count // self.count),
            items=items,
            body=body,
            last_entry=self.last_entry,
            accepted_at_ns=self.accepted_at_ns,
        )


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of several of the same signal, in their order.

    Requests are joined by writing one behind the other: protobuf merges repeated fields (Protocol Buffers documentation,
    "Encoding", "Last One Wins").
    """
    if len(batches) == 1:
        return batches[0]
    return Batch(
        signal=batches[0].signal,
        count=sum(batch.count for batch in batches),
        entries=sum(batch.entries for batch in batches),
        items=tuple(item for batch in batches for item in batch.items),
        body=b"".join(batch.body for batch in batches),
        last_entry=batches[-1].last_entry,
        accepted_at_ns=batches[0].accepted_at_ns,
    )
