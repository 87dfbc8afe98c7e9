"""The queue of one signal: where a recorded item goes, and where the pipeline's worker takes it from.

:meth:`ItemQueue.accept` is the part of the pipeline that runs in the application's calls.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from heliograph.clock import Clock
from heliograph.locks import recording_lock
from heliograph.pipeline.ledger import DropReason
from heliograph.pipeline.losses import Losses

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """Items that are encoded together. ``last_entry`` is the position of the last one among all that were queued, from 1;
    ``accepted_at_ns`` the monotonic time at which the first was accepted."""

    items: list[T]
    count: int
    last_entry: int
    accepted_at_ns: int


class ItemQueue(Generic[T]):
    """Bounded, in chunks. ``accept`` may be called from any thread, from a signal handler and from a finaliser; the other
    methods and the fields are for who holds the lock.

    ``accepted``, ``waiting`` and ``refused`` are in items of the ledger (``weigh`` says how many one entry stands for; None
    means one), ``entered`` and ``room`` in entries. ``wake`` is called, under the lock, with the first entry of a chunk and
    with the last.
    """

    def __init__(
        self,
        *,
        room: int,
        chunk_size: int,
        most_chunks: int,
        weigh: Callable[[T], int] | None,
        is_oldest_dropped: bool,
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._chunk_size = chunk_size
        self._most_chunks = most_chunks
        self._weigh = weigh
        self._is_oldest_dropped = is_oldest_dropped
        self._wake = wake
        self._clock = clock
        self.room = room
        self.is_closed = False
        self.start_empty(recording_lock())

    def start_empty(self, lock: threading.RLock) -> None:
        """Forget everything and go on with another lock, as a forked child must."""
        self._lock = lock
        self._entries: deque[T] = deque()
        self._began_at_ns: deque[int] = deque()  # for each chunk in the queue, when its first entry was accepted
        self._taken = self._taken_entries = self._evicted_entries = 0
        self.refused: Counter[str] = Counter()
        self.turned_away = 0  # of these, what never got in
        self.losses = Losses()  # what got in, and gave way to a newer one

    # A handler of a signal may raise in the middle of accept(). So that nothing is counted that is not there, or the other way
    # round, one append is all that it does; the counts follow from what the queue holds and what left it.

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._entries) if self._weigh is None else sum(map(self._weigh, list(self._entries)))

    @property
    def accepted(self) -> int:
        """Items that were ever recorded."""
        return self._taken + self.refused.total() + self.waiting

    @property
    def entered(self) -> int:
        """The position of the newest entry: how many ever got in."""
        return self._taken_entries + self._evicted_entries + len(self._entries)

    @property
    def has_full_chunk(self) -> bool:
        """Whether there is work that need not wait."""
        return len(self._entries) >= self._chunk_size

    def accept(self, item: T) -> None:
        """Take ``item``. When there is no room, or no more is taken, it is dropped and counted; nothing is raised.

        Takes no lock but for the first and the last entry of a chunk: from looking at ``room`` to the append nothing can come
        in between (docs/adr/0004), so nothing gets into a queue that is closed. Threads that come at the same moment may
        exceed ``room`` by one each.
        """
        entries = self._entries
        if len(entries) < self.room and not self.is_closed:
            entries.append(item)
            if len(entries) % self._chunk_size <= 1 or not self._began_at_ns:
                self._begin_chunk()
        else:
            self._refuse(item)

    def _begin_chunk(self) -> None:
        with self._lock:
            if len(self._entries) % self._chunk_size == 1 or self._chunk_size == 1 or not self._began_at_ns:
                self._began_at_ns.append(self._clock.monotonic_ns())
            self._wake()

    def _refuse(self, item: T) -> None:
        with self._lock:
            if self.is_closed or not (self._is_oldest_dropped and self._entries):
                lost = 1 if self._weigh is None else self._weigh(item)
                self.refused[(DropReason.SHUTDOWN if self.is_closed else DropReason.QUEUE_FULL).value] += lost
                self.turned_away += lost
                return
            oldest = self._entries.popleft()
            self._entries.append(item)
            self._evicted_entries += 1
            self.refused[DropReason.QUEUE_FULL.value] += 1 if self._weigh is None else self._weigh(oldest)
            self.losses.add(self._taken_entries + self._evicted_entries)

    def drop_rest(self) -> None:
        """Count what nobody will take any more."""
        self.refused[DropReason.SHUTDOWN.value] += self.waiting
        self._evicted_entries += len(self._entries)
        self._entries.clear()
        self._began_at_ns.clear()

    def due_in_s(self, now_ns: int, linger_s: float) -> float | None:
        """Seconds until a chunk has to be taken, which is when it is full or ``linger_s`` old; None when nothing waits."""
        if not self._entries:
            return None
        if len(self._entries) >= self._chunk_size or not self._began_at_ns:
            return 0.0
        return linger_s - (now_ns - self._began_at_ns[0]) / 1e9

    def take(self) -> Chunk[T]:
        """The oldest entries: one chunk, or several at once when the worker is behind; there must be one."""
        entries = self._entries
        chunks = max(1, min(len(entries) // self._chunk_size, self._most_chunks))
        items = [entries.popleft() for _ in range(min(len(entries), chunks * self._chunk_size))]
        began_at_ns = self._began_at_ns[0] if self._began_at_ns else self._clock.monotonic_ns()
        for _ in range(min(chunks, len(self._began_at_ns))):
            self._began_at_ns.popleft()
        if not entries:
            self._began_at_ns.clear()
        elif not self._began_at_ns:
            self._began_at_ns.append(began_at_ns)
        count = len(items) if self._weigh is None else sum(map(self._weigh, items))
        self._taken += count
        self._taken_entries += len(items)
        return Chunk(items, count, self.entered - len(entries), began_at_ns)
