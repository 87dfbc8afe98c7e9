"""One signal's way out: items are encoded once and offered to each destination; these do not wait for each other.

The module's functions act on all signals together, under one overall deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

from heliograph.clock import Clock, SystemClock, bounded_s
from heliograph.locks import recording_lock
from heliograph.otlp.messages import Encoder
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.queue import Chunk, ItemQueue
from heliograph.pipeline.status import ExportStatus, worse
from heliograph.recording.suppression import suppressed_instrumentation
from heliograph.recording.threads import own_thread

T = TypeVar("T")

# Items wait encoded, since objects take many times the memory; so many are encoded in one go.
_LARGEST_CHUNK: Final = 128
# How long an item may wait for its chunk when it is to be on disk soon.
_SPOOL_LINGER_S: Final = 0.1
_GRACE_S: Final = 0.25
# A worker whose items may wait this long looks up as often by itself, and still finds each in time: the call that records the
# first one of a chunk need not wake it, which would cost as much as a tenth of a span.
_LOOKING_UP_S: Final = 1.0


class Pipeline(Generic[T]):
    """Takes the items of one signal, at least one destination given. Thread-safe; never raises into, never blocks, the
    caller of ``accept``.

    ``weigh`` says how many items one accepted object stands for (a collection of metrics is many data points); None means
    one. One lock, the queue's, guards the state of the pipeline and of its deliveries. It is reentrant, so that recording
    from a signal handler or a finaliser cannot lock a thread against itself.
    """

    def __init__(
        self,
        signal: Signal,
        deliveries: Sequence[Delivery],
        *,
        encoder: Encoder,
        weigh: Callable[[T], int] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.signal = signal
        self.deliveries = tuple(deliveries)
        self._encoder = encoder
        self._clock = clock or SystemClock()
        self._is_encoding = any(not delivery.exporter.takes_items for delivery in deliveries)
        limits = [delivery.limits for delivery in deliveries]
        self._queue_size = max(limit.queue_size for limit in limits)
        lingers = [_SPOOL_LINGER_S] if any(delivery.is_spooled_first for delivery in deliveries) else []
        self._linger_s = min([*lingers, *(limit.interval_s for limit in limits)])
        self._is_looking_up = self._linger_s >= _LOOKING_UP_S
        batch_size = min(min(limit.batch_size, limit.queue_size) for limit in limits)
        chunk_size = _chunk_size(batch_size)
        self._queue: ItemQueue[T] = ItemQueue(
            room=self._queue_size,
            chunk_size=chunk_size,
            most_chunks=max(1, batch_size // chunk_size),
            weigh=weigh,
            is_oldest_dropped=any(limit.when_full == "drop_oldest" for limit in limits),
            wake=self._wake,
            clock=self._clock,
        )
        self.accept = self._queue.accept
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = recording_lock()
        self._queue.start_empty(self._lock)
        self._work = threading.Condition(self._lock)  # the worker waits here
        self._progress = threading.Condition(self._lock)  # who flushes waits here
        self._in_hand_entries = 0
        self._handed_on = 0  # the position of the last entry that was offered to all
        self._urgent_up_to = 0
        self._refused_at_flush = 0
        self._is_over = False
        self._worker: threading.Thread | None = None
        for delivery in self.deliveries:
            delivery.attach(self._queue, self._lock, self._on_change)
        self._recount_room()

    def after_fork_in_child(self) -> None:
        """Forget the parent's items (the parent delivers them), its lock and its threads."""
        for delivery in self.deliveries:
            delivery.after_fork_in_child()
        self._start_empty()

    def start(self) -> None:
        """Begin with what earlier processes left on disk; everything else begins with the first item."""
        for delivery in self.deliveries:
            delivery.start_if_left_behind()

    # Flush and shutdown

    def begin_flush(self) -> Callable[[int], bool]:
        """Ask that all accepted items leave now. Returns a function that waits for it until a monotonic time in ns, and
        says whether each item that was accepted since the flush before was delivered to each destination."""
        with self._lock:
            up_to, refused = self._queue.entered, self._queue.turned_away
            is_refused = refused != self._refused_at_flush
            self._refused_at_flush = refused
            self._urgent_up_to = max(self._urgent_up_to, up_to)
            for delivery in self.deliveries:
                delivery.hurry(up_to)
            self._work.notify_all()
        return lambda deadline_ns: self._wait_flushed(up_to, deadline_ns) and not is_refused

    def _wait_flushed(self, up_to: int, deadline_ns: int) -> bool:
        holdings = [delivery.holding for delivery in self.deliveries]
        with self._lock:
            is_done = self._wait_for(lambda: self._handed_on >= up_to, deadline_ns)
            # What is newer than that never waited here: it was dropped on the way.
            entries = [min(up_to, holding.newest) for holding in holdings]
            for holding, entry in zip(holdings, entries, strict=True):
                is_done = self._wait_for(partial(holding.has_passed, entry), deadline_ns) and is_done
            lost = [losses.forget(up_to) for losses in (self._queue.losses, *(holding.losses for holding in holdings))]
            return is_done and not any(lost)

    def _wait_for(self, condition: Callable[[], bool], deadline_ns: int) -> bool:
        while not condition():
            left_s = (deadline_ns - self._clock.monotonic_ns()) / 1e9
            if left_s <= 0 or any(delivery.holding.is_abandoned for delivery in self.deliveries):
                return condition()
            self._progress.wait(left_s)
        return True

    def close(self, deadline_ns: int) -> None:
        """Accept nothing more, and let what is here leave until ``deadline_ns`` (monotonic)."""
        with self._lock:
            self._queue.is_closed = True
            self._work.notify_all()
        for delivery in self.deliveries:
            delivery.close(deadline_ns)

    def finish(self, grace_ns: int) -> None:
        """After :meth:`close`: wait for the rest; what is left is spooled, or dropped and counted.

        A thread or a disk that hangs is waited for until ``grace_ns`` (monotonic), which is a little later than the deadline,
        since encoding and writing need no network.
        """
        if self._worker is None:
            self._run()
        with self._lock:
            if not self._wait_for(lambda: self._is_over, grace_ns):
                self._queue.drop_rest()  # the worker hangs, in a disk for one
        for delivery in self.deliveries:
            delivery.finish(grace_ns)

    # The worker

    def _wake(self) -> None:
        if self._worker is None:
            self._start_worker()
        elif self._queue.has_full_chunk or not self._is_looking_up:
            self._work.notify_all()

    def _on_change(self) -> None:
        """Room was made, or something left. The caller holds the lock."""
        self._recount_room()
        self._progress.notify_all()

    def _recount_room(self) -> None:
        self._queue.room = max(delivery.holding.room(self._in_hand_entries) for delivery in self.deliveries)

    def _start_worker(self) -> None:
        # Remembered before it starts: recording from a finaliser in between must not start another one.
        self._worker = own_thread(self._run, f"heliograph-{self.signal}")
        try:
            self._worker.start()
        except RuntimeError:
            self._worker = None  # none to be had, or the interpreter is exiting: the next item tries, finish() goes without

    def _run(self) -> None:
        with suppressed_instrumentation():
            is_going_on = True
            while is_going_on:
                try:
                    is_going_on = self._step()
                except BaseException:  # nothing foreseen; this thread must go on, and the items must be counted
                    for delivery in self.deliveries:
                        delivery.holding.drop_hand()
        for delivery in self.deliveries:
            delivery.end_upstream()
        with self._lock:
            self._is_over = True
            self._progress.notify_all()

    def _step(self) -> bool:
        chunk = self._next_chunk()
        if chunk is not None:
            self._hand_on(chunk)
        return chunk is not None

    def _next_chunk(self) -> Chunk[T] | None:
        """Wait for the next chunk; None when there will be none."""
        with self._lock:
            while True:
                wait_s = self._queue.due_in_s(self._clock.monotonic_ns(), self._linger_s)
                if wait_s is not None and (wait_s <= 0 or self._queue.is_closed or self._handed_on < self._urgent_up_to):
                    break
                if wait_s is None and self._queue.is_closed:
                    return None
                self._work.wait(self._linger_s if wait_s is None and self._is_looking_up else wait_s)
            chunk = self._queue.take()
            self._in_hand_entries = len(chunk.items)
            for delivery in self.deliveries:
                delivery.holding.in_hand = chunk.count
            self._recount_room()
            return chunk

    def _hand_on(self, chunk: Chunk[T]) -> None:
        body, broken = self._encoded(chunk)
        for delivery in self.deliveries:
            is_object = delivery.exporter.takes_items
            lost = 0 if is_object else broken
            batch = Batch(
                signal=self.signal.value,
                count=chunk.count - lost,
                entries=len(chunk.items),
                items=tuple(chunk.items) if is_object else (),
                body=b"" if is_object else body,
                last_entry=chunk.last_entry,
                accepted_at_ns=chunk.accepted_at_ns,
            )
            try:
                delivery.holding.offer(batch, lost)
            except BaseException:  # nothing foreseen; this thread must go on, and the items must be counted
                delivery.holding.drop_hand()
        with self._lock:
            self._in_hand_entries = 0
            self._handed_on = chunk.last_entry
            self._on_change()

    def _encoded(self, chunk: Chunk[T]) -> tuple[bytes, int]:
        if not self._is_encoding:
            return b"", 0
        try:
            body, broken = self._encoder.encode(chunk.items)
        except BaseException:  # encoders do not raise; if one does, its items are counted and the worker goes on
            return b"", chunk.count
        return body, min(broken, chunk.count) if body else chunk.count


def _chunk_size(batch_size: int) -> int:
    """The largest chunk of which some make one batch without a rest, or nearly so."""
    chunks = -(-batch_size // _LARGEST_CHUNK)
    return -(-batch_size // chunks)


def flush(pipelines: Iterable[Pipeline[Any]], timeout_s: float, clock: Clock) -> bool:
    """Let everything accepted so far leave; true when each item was delivered within ``timeout_s`` seconds."""
    deadline_ns = clock.monotonic_ns() + round(bounded_s(timeout_s) * 1e9)
    waits = [pipeline.begin_flush() for pipeline in pipelines]
    # Each is waited for, also after one that failed: its items shall leave too.
    outcomes = [wait(deadline_ns) for wait in waits]
    return all(outcomes)


def shutdown(pipelines: Iterable[Pipeline[Any]], timeout_s: float, clock: Clock) -> None:
    """Close every destination; what has not left within ``timeout_s`` seconds is spooled, or dropped and counted."""
    deadline_ns = clock.monotonic_ns() + round(bounded_s(timeout_s) * 1e9)
    closing = list(pipelines)
    for pipeline in closing:
        pipeline.close(deadline_ns)
    grace_ns = max(deadline_ns, clock.monotonic_ns()) + round(_GRACE_S * 1e9)
    for pipeline in closing:
        pipeline.finish(grace_ns)


def after_fork_in_child(pipelines: Iterable[Pipeline[Any]]) -> None:
    """Give a forked child queues of its own."""
    for pipeline in pipelines:
        pipeline.after_fork_in_child()


def ledger(pipelines: Iterable[Pipeline[Any]]) -> dict[tuple[str, str], LedgerCounts]:
    """The account of each (signal, destination)."""
    return {(delivery.signal.value, delivery.destination): delivery.counts() for delivery in deliveries(pipelines)}


def export_status(pipelines: Iterable[Pipeline[Any]]) -> dict[str, ExportStatus]:
    """The state of each destination, over all signals that go to it."""
    found: dict[str, ExportStatus] = {}
    for delivery in deliveries(pipelines):
        found[delivery.destination] = worse(found.get(delivery.destination), delivery.status())
    return found


def deliveries(pipelines: Iterable[Pipeline[Any]]) -> list[Delivery]:
    """Those of all signals."""
    return [delivery for pipeline in pipelines for delivery in pipeline.deliveries]
