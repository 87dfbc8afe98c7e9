"""What waits for one destination, in memory and on disk, and the account of what became of it.

The pipeline's worker offers batches; the delivery thread takes them, oldest first, and settles them. State is guarded by the
lock of the pipeline, which is held for a few instructions at a time and never while a file is read or written: what is being
written is counted apart, and as spooled once it is on disk, so that who reads the ledger may rely on it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from heliograph.pipeline.backlog import Backlog
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.ledger import Account, DropReason
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.losses import Losses
from heliograph.pipeline.spool import Kept, Spool, Taken

_LARGEST_REQUEST_BYTES = 4 * 1024 * 1024  # of what is read together from disk; the default limit of gRPC servers
_PAUSE_NS = 20_000_000


class Holding:
    """Batches of one destination: ``in_hand`` items are being encoded, ``in_flight`` ones being sent, ``spooled`` ones lie on
    disk. ``spool`` is None when there is none; ``is_spooled_first`` sends everything through it. ``on_change`` is called,
    under the lock, when there is more room or something new to do."""

    def __init__(
        self,
        signal: str,
        limits: Limits,
        lock: threading.RLock,
        on_change: Callable[[], None],
        *,
        spool: Spool | None = None,
        is_spooled_first: bool = False,
    ) -> None:
        self._signal = signal
        self._limits = limits
        self._lock = lock
        self._on_change = on_change
        self.spool = spool
        self._is_spooled_first = is_spooled_first
        # Held by whoever moves batches to the disk, so that they get there in order. Taken before the pipeline's lock.
        self._moving = threading.Lock()
        self.account = Account()
        self.losses = Losses()
        self.memory = Backlog(limits)
        self.in_hand = 0
        self.in_flight: deque[Batch] = deque()
        self.spooled = 0
        self.writing = 0
        self.is_troubled = False  # the last attempt failed: what comes goes to disk
        self.is_abandoned = False
        self.newest = 0  # the position of the last entry that ever waited here
        self._passed = 0  # the position of the last one that left
        self._newest_on_disk = 0
        self._taken: Taken | None = None  # the records of what is in flight, when it came from disk
        self._spool_due_ns = 0
        self._unreadable_until_ns = 0
        self._is_hand_lost = False
        self._is_disordered = False  # something on disk stands behind what is newer

    # Readings; the caller holds the lock

    @property
    def pending(self) -> int:
        """Items here, wherever they are."""
        return self.in_hand + self.memory.count + self.writing + self.spooled + self.sending

    @property
    def sending(self) -> int:
        """Items in flight."""
        return sum(batch.count for batch in self.in_flight)

    @property
    def on_disk(self) -> int:
        """Items that would outlive the process; what is being sent from disk is there until it has arrived."""
        return self.spooled + (self.sending if self._taken is not None else 0)

    def room(self, entries_in_hand: int) -> int:
        """How many entries may wait in the queue before this, for this destination."""
        is_elastic = self.spool is not None or self._limits.when_full == "drop_oldest"
        return self._limits.queue_size if is_elastic else self.memory.room - entries_in_hand

    @property
    def is_all_on_disk(self) -> bool:
        """Whether everything here would outlive the process."""
        return not self.memory.count and (not self.in_flight or self._taken is not None)

    def due_in_s(self, now_ns: int, urgent_up_to: int, *, is_hurried: bool) -> float | None:
        """Seconds until something has to leave; None while there is nothing. What was queued up to ``urgent_up_to`` has to
        leave now, and everything when the process ends or when nobody can tell what that is (``is_hurried``)."""
        if self.in_flight:
            return 0.0
        waiting = self.spooled or self.memory.count
        if not waiting:
            return None
        due_ns = self._spool_due_ns if self.spooled else self.memory.oldest_ns + round(self._limits.interval_s * 1e9)
        is_asked_for = self._passed < min(urgent_up_to, self.newest) or (is_hurried and self._is_disordered)
        if is_asked_for or waiting >= self._limits.batch_size:
            due_ns = now_ns
        if self.spooled:
            due_ns = max(due_ns, self._unreadable_until_ns)
        return (due_ns - now_ns) / 1e9

    def has_passed(self, entry: int) -> bool:
        """Whether nothing that was queued up to ``entry`` is still here."""
        return (self._passed >= entry and not self._is_disordered) or not self.pending

    def lose(self, count: int, reason: DropReason, entry: int) -> None:
        """Count ``count`` items, which were queued up to ``entry``, as dropped."""
        if count:
            self.account.drop(count, reason)
            self.losses.add(entry)

    # The worker's side

    def offer(self, batch: Batch, unencodable: int) -> None:
        """Take what was in hand: ``batch``, and ``unencodable`` items that are not in it."""
        with self._moving:
            with self._lock:
                if self._is_hand_lost:
                    return  # it was counted when nobody could wait for this any more
                self.in_hand -= unencodable
                self.lose(unencodable, DropReason.ENCODING, batch.last_entry)
                wants_disk = self._wants_disk(batch)
            if not batch.count:
                return
            # What waits in memory is older, and goes first.
            kept = self._spill() if wants_disk else Kept.NO
            if kept is Kept.YES:
                kept = self._move_to_disk(lambda: self._from_hand(batch), self._back_to_hand)
            if kept is not Kept.YES:
                self._remember(batch, DropReason.SPOOL_FULL if kept is Kept.FULL else DropReason.QUEUE_FULL)

    def drop_hand(self) -> None:
        """An offer failed in a way that nobody foresaw: count what was in hand."""
        with self._lock:
            self.lose(self.in_hand, DropReason.ENCODING, self.newest)
            self.in_hand = 0

    def _wants_disk(self, batch: Batch) -> bool:
        if self.spool is None:
            return False
        # What is newer than something on disk goes there too, so that the oldest leaves first.
        is_behind = self.is_troubled or self.is_abandoned or self.spooled > 0
        return self._is_spooled_first or is_behind or not self.memory.fits(batch)

    def _from_hand(self, batch: Batch) -> Batch:
        self.in_hand -= batch.count
        return batch

    def _back_to_hand(self, batch: Batch) -> None:
        self.in_hand += batch.count

    def _spill(self) -> Kept:
        """Write what waits in memory, as far as the disk takes it; YES when it took all."""
        while self.memory.count:
            # Few large writes: the worker waits for them, and each gives the interpreter away.
            kept = self._move_to_disk(self._from_memory, self.memory.put_back)
            if kept is not Kept.YES:
                return kept
        return Kept.YES

    def _from_memory(self) -> Batch | None:
        return self.memory.pop_joined(self._limits.batch_size)

    def _move_to_disk(self, take_out: Callable[[], Batch | None], put_back: Callable[[Batch], None]) -> Kept:
        assert self.spool is not None
        with self._lock:
            batch = take_out()
            if batch is None:
                return Kept.YES  # the delivery thread was faster
            if not self.spooled and not self.writing:
                self._spool_due_ns = batch.accepted_at_ns + round(self._limits.interval_s * 1e9)
            elif batch.last_entry < self._newest_on_disk:
                self._is_disordered = True  # it was in flight while newer ones found no room in memory
            self._newest_on_disk = max(self._newest_on_disk, batch.last_entry)
            self.writing += batch.count
        try:
            kept = self.spool.append(batch)
        except BaseException:  # nothing foreseen; the batch must not be lost between its places
            kept = Kept.NO
        with self._lock:
            self.writing -= batch.count
            if kept is Kept.YES:
                self.spooled += batch.count
                self.newest = max(self.newest, batch.last_entry)
                self._on_change()
            elif self.is_abandoned and put_back != self._back_to_hand:
                self.lose(batch.count, DropReason.SHUTDOWN, batch.last_entry)  # nobody looks there any more
            else:
                put_back(batch)
        return kept

    def _remember(self, batch: Batch, reason: DropReason) -> None:
        """Keep ``batch`` in memory, or as much of it as there is room for."""
        while True:
            with self._lock:
                room = self.memory.room
                if self.is_abandoned or (room <= 0 and not self._evict(reason)):
                    self.in_hand -= batch.count
                    self.lose(batch.count, DropReason.SHUTDOWN if self.is_abandoned else reason, batch.last_entry)
                    return
                if self.memory.fits(batch):
                    self.memory.put(self._from_hand(batch))
                    self.newest = max(self.newest, batch.last_entry)
                    self._on_change()
                    return
                if self._evict(reason):
                    continue
            parts = batch.cut(room)  # outside of the lock: it walks through the whole request
            with self._lock:
                lost = parts[1] if parts is not None else batch
                self.in_hand -= lost.count
                self.lose(lost.count, reason, lost.last_entry)
            if parts is None:
                return
            batch = parts[0]

    def _evict(self, reason: DropReason) -> bool:
        """Drop the oldest batch in memory, if that is what is wanted of a full queue."""
        if self._limits.when_full != "drop_oldest":
            return False
        oldest = self.memory.pop()
        if oldest is None:
            return False
        self.lose(oldest.count, reason, oldest.last_entry)
        if not self.in_flight:  # else something older is here still
            self._passed = max(self._passed, oldest.last_entry)
        return True

    # The delivery thread's side

    def take(self, now_ns: int) -> bool:
        """Put the oldest batches in flight; False when there is nothing to be had at the moment."""
        with self._lock:
            if self.is_abandoned:
                return False
            if not self.in_flight and not self.spooled:
                batch = self.memory.pop_joined(self._limits.batch_size)
                if batch is not None:
                    self.in_flight.append(batch)
                    self._on_change()
            if self.in_flight or not self.spooled:
                return bool(self.in_flight)
        return self._take_from_disk(now_ns)

    def _take_from_disk(self, now_ns: int) -> bool:
        assert self.spool is not None
        # No more than is counted: the newest record may be there already, and its writer not back yet.
        taken = self.spool.take(min(self._limits.batch_size, self.spooled), _LARGEST_REQUEST_BYTES)
        with self._lock:
            if self.is_abandoned:
                return False
            self.spooled -= taken.count + taken.expired + taken.unreadable
            self.lose(taken.expired, DropReason.EXPIRED, taken.last_entry)
            self.lose(taken.unreadable, DropReason.UNREADABLE, taken.last_entry)
            if not taken.count:
                self._unreadable_until_ns = now_ns + _PAUSE_NS  # nobody foresaw that; not at once again
                return False
            self._taken = taken
            self._spool_due_ns = now_ns + round(self._limits.interval_s * 1e9)
            self.in_flight.append(Batch(signal=self._signal, count=taken.count, body=taken.body, last_entry=taken.last_entry))
            return True

    def adopt(self) -> bool:
        """Take over what a process left that has ended; True when there was something."""
        found = self.spool.adopt() if self.spool is not None else 0
        with self._lock:
            self.account.recovered += found
            self.spooled += found
            if found:
                self._spool_due_ns = 0
                self._is_disordered = True  # they have no place among what was queued here
        return found > 0

    def replace(self, batch: Batch, parts: tuple[Batch, Batch]) -> None:
        """Send the two halves of the batch in flight instead of it."""
        with self._lock:
            if self.in_flight and self.in_flight[0] is batch:
                self.in_flight.popleft()
                self.in_flight.extendleft(reversed(parts))

    def settle(self, batch: Batch, *, rejected: int = 0, unencodable: int = 0) -> None:
        """``batch`` is done with: delivered, but for so many items. Whoever comes after an abandonment comes too late."""
        if self.is_abandoned:
            return
        if self._taken is not None and len(self.in_flight) == 1 and self.spool is not None:
            with suppress(Exception):  # it is delivered, whatever the disk says; a later process may do so again
                self.spool.settle(self._taken)  # before it is counted: who waits for the count may close the files
        with self._lock:
            if self.is_abandoned or not self.in_flight or self.in_flight[0] is not batch:
                return
            self.in_flight.popleft()
            self.account.delivered += batch.count - rejected - unencodable
            self.lose(rejected, DropReason.REJECTED, batch.last_entry)
            self.lose(unencodable, DropReason.ENCODING, batch.last_entry)
            if not self.in_flight:
                self._passed = max(self._passed, batch.last_entry)
                self._is_disordered = self._is_disordered and self.spooled > 0
                self._taken = None
            self._on_change()

    def keep(self) -> None:
        """The destination does not take what is in flight: move it to the disk, behind it what waits in memory, and whatever
        comes behind that."""
        with self._moving:
            if self.spool is not None and self._taken is None:
                self._move_flight_to_disk()
            if self.spool is not None and not (self.in_flight and self._taken is None):
                self._spill()
            self._spool_due_ns = 0  # what failed is due when its wait is over
            self.is_troubled = True  # from now on what comes goes to disk, behind this

    def _is_part_delivered(self) -> bool:
        return self._taken is not None and self.sending < self._taken.count

    def _move_flight_to_disk(self) -> None:
        """Write what is in flight anew; what it was read from, if it was, is done with then."""
        assert self.spool is not None
        while self.in_flight and self._move_to_disk(self._from_flight, self.in_flight.appendleft) is Kept.YES:
            pass
        if not self.in_flight and self._taken is not None:
            self.spool.settle(self._taken)
            self._taken = None

    def _from_flight(self) -> Batch | None:
        return self.in_flight.popleft() if self.in_flight else None

    # The end

    def abandon(self, *, is_attempting: bool, patience_s: float) -> None:
        """Nothing more is sent: what is left goes to disk, or is dropped. ``is_attempting`` says that an attempt is under way
        whose outcome comes too late to be counted."""
        is_alone = self._moving.acquire(timeout=patience_s)  # the worker may hang in a disk that hangs
        try:
            with self._lock:
                if self.is_abandoned:
                    return
                self.is_abandoned = True
                if is_attempting and self.in_flight and self.spool is not None:
                    self.account.duplicated_at_most += self.in_flight[0].count
                if self._taken is not None and not self._is_part_delivered():
                    self.spooled += self.sending  # it is there still
                    self.in_flight.clear()
                    self._taken = None
            if is_alone and self.spool is not None:
                self._move_flight_to_disk()
                self._spill()
        finally:
            if is_alone:
                self._moving.release()
        self._drop_rest()

    def _drop_rest(self) -> None:
        with self._lock:
            while batch := self._from_flight() or self.memory.pop():
                self.lose(batch.count, DropReason.SHUTDOWN, batch.last_entry)
            if self.in_hand and not self._moving.locked():  # the worker hangs before it could offer it
                self._is_hand_lost = True
                self.lose(self.in_hand, DropReason.SHUTDOWN, self.newest)
                self.in_hand = 0
            self._on_change()
