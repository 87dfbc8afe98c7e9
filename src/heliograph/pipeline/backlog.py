"""Batches that wait in memory for one destination, oldest first, bounded by number and by bytes.

Not locked: whoever calls holds the lock of the pipeline.
"""

from __future__ import annotations

from collections import deque

from heliograph.pipeline.batch import Batch, joined
from heliograph.pipeline.limits import Limits


class Backlog:
    """``count`` is how many items wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._batches: deque[Batch] = deque()
        self._entries = self._bytes = 0
        self.count = 0

    @property
    def room(self) -> int:
        """How many more entries fit."""
        is_full = self._bytes >= self._limits.queue_max_bytes
        return 0 if is_full else max(0, self._limits.queue_size - self._entries)

    @property
    def oldest_ns(self) -> int:
        """When the oldest item was accepted (monotonic); there must be one."""
        return self._batches[0].accepted_at_ns

    def fits(self, batch: Batch) -> bool:
        """Whether there is room for all of ``batch``; one that alone is beyond the bytes may be here alone."""
        are_bytes_fine = not self._batches or self._bytes + len(batch.body) <= self._limits.queue_max_bytes
        return are_bytes_fine and self._entries + batch.entries <= self._limits.queue_size

    def put(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._add(batch, 1)

    def put_back(self, batch: Batch) -> None:
        """Undo a :meth:`pop`."""
        self._batches.appendleft(batch)
        self._add(batch, 1)

    def pop(self) -> Batch | None:
        """The oldest batch; None when there is none."""
        if not self._batches:
            return None
        batch = self._batches.popleft()
        self._add(batch, -1)
        return batch

    def pop_joined(self, max_count: int) -> Batch | None:
        """The oldest batches as one of up to ``max_count`` items, at least one of them; None when there is none."""
        found: list[Batch] = []
        count = 0
        while self._batches and (not found or count + self._batches[0].count <= max_count):
            batch = self._batches.popleft()
            self._add(batch, -1)
            count += batch.count
            found.append(batch)
        return joined(found) if found else None

    def _add(self, batch: Batch, sign: int) -> None:
        self.count += sign * batch.count
        self._entries += sign * batch.entries
        self._bytes += sign * len(batch.body)
