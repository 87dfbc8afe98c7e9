"""A destination in this process, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome

T = TypeVar("T")


class MemoryExporter(Generic[T]):
    """Keeps what is delivered, up to ``max_items``; the rest is refused. Thread-safe."""

    takes_items = True

    def __init__(self, max_items: int = 100_000, weigh: Callable[[T], int] = lambda _item: 1) -> None:
        self._max_items = max_items
        self._weigh = weigh
        self._items: list[T] = []
        self._lock = threading.Lock()

    def items(self) -> list[T]:
        """What was delivered so far, in the order of arrival."""
        with self._lock:
            return list(self._items)

    def clear(self) -> None:
        """Forget what was delivered."""
        with self._lock:
            self._items.clear()

    def prepare(self, batch: Batch) -> Attempt:
        return lambda _timeout_s: self._keep(batch.items)

    def close(self) -> None:
        """Nothing to release: what was delivered stays readable."""

    def _keep(self, items: Sequence[T]) -> Outcome:
        with self._lock:
            room = max(0, self._max_items - len(self._items))
            self._items += items[:room]
        rejected = sum(map(self._weigh, items[room:]))
        return Delivered(rejected=rejected, reason=f"memory holds its {self._max_items} items" if rejected else "")
