"""One destination's queue and its thread: items in, attempts out, every item accounted for.

Called by the recording side through :meth:`Delivery.accept` (any thread, never blocks on input or output) and by the
assembly through flush and shutdown. Calls the destination's :class:`~heliograph.pipeline.outcome.Exporter`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from heliograph.clock import Clock, SystemClock, bounded_s
from heliograph.pipeline.ledger import Account, DropReason, LedgerCounts, Signal
from heliograph.pipeline.notices import Notices
from heliograph.pipeline.outcome import Delivered, Exporter, Outcome, Rejected, Retry, Shipment, TooLarge
from heliograph.pipeline.retry import Backoff
from heliograph.pipeline.status import ExportState, ExportStatus
from heliograph.recording.suppression import suppressed_instrumentation
from heliograph.text import printable

T = TypeVar("T")

_QUEUE_FULL = "dropping: the queue is full"
# An exception's own text is not shown in here: it may hold a header that could not be sent, with its secret.

# A told wait below this is none: it would make the retries a busy loop.
_LEAST_TOLD_WAIT_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLimits:
    """``queue_size`` items may wait; ``batch_size`` leave together, or fewer once the oldest has waited ``interval_s``
    seconds; one attempt takes at most ``attempt_timeout_s`` seconds."""

    queue_size: int = 2048
    batch_size: int = 512
    interval_s: float = 5.0
    attempt_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    item: T
    weight: int
    accepted_at_ns: int


class Delivery(Generic[T]):
    """Delivers the items of one signal to one destination. Every method is thread-safe.

    ``weigh`` says how many items one accepted object stands for (a collection of metrics is many data points). The
    condition ``_changed`` guards all state; it is held for a few instructions at a time, never during an attempt. It is
    reentrant, so that recording from a signal handler or a finaliser cannot lock the thread against itself.
    """

    def __init__(
        self,
        signal: Signal,
        destination: str,
        exporter: Exporter[T],
        limits: DeliveryLimits,
        *,
        weigh: Callable[[T], int] = lambda _item: 1,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.signal = signal
        self.destination = destination
        self.exporter = exporter
        self._limits = limits
        self._weigh = weigh
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff()
        self._start_empty()

    def _start_empty(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[_Entry[T]] = deque()
        self._in_flight: list[_Entry[T]] = []
        self._account = Account()
        self._notices = Notices(f"{self.destination} ({self.signal})", self._clock)
        self._state, self._reason = ExportState.HEALTHY, ""
        self._entered = self._settled = self._flush_up_to = 0
        self._lost = self._lost_at_flush = 0
        self._urgency = 0  # counts requests to hurry; a wait between attempts ends when it grows
        self._queue_full_said = 0
        self._is_closed = self._is_abandoned = False
        self._deadline_ns = 0  # set with _is_closed
        self._worker: threading.Thread | None = None

    def after_fork_in_child(self) -> None:
        """Forget the parent's items (the parent delivers them), its lock and its thread."""
        was_closed = self._is_closed
        self._start_empty()
        self._is_closed = was_closed

    # The recording side

    def accept(self, item: T) -> None:
        """Take ``item``. When the queue is full or closed it is dropped and counted; nothing is raised."""
        weight = self._weigh(item)
        with self._changed:
            self._account.accept(weight)
            if self._is_closed or len(self._waiting) >= self._limits.queue_size:
                self._account.drop(weight, DropReason.SHUTDOWN if self._is_closed else DropReason.QUEUE_FULL)
                self._lost += weight
                return
            self._waiting.append(_Entry(item, weight, self._clock.monotonic_ns()))
            self._entered += 1
            if self._worker is None:
                self._start_worker()
            elif len(self._waiting) in (1, self._limits.batch_size):
                self._changed.notify_all()

    # The assembly's side

    def counts(self) -> LedgerCounts:
        """A consistent reading of the account."""
        with self._changed:
            return self._account.counts()

    def status(self) -> ExportStatus:
        with self._changed:
            counts = {self.signal.value: self._account.counts()}
            return ExportStatus(state=self._state, reason=self._reason or None, counts=counts)

    def begin_flush(self) -> Callable[[int], bool]:
        """Ask that all accepted items leave now. Returns a function that waits for it until a monotonic time in ns, and
        says whether each item that was accepted since the flush before was delivered."""
        with self._changed:
            up_to, lost = self._entered, self._lost_at_flush
            self._flush_up_to = max(self._flush_up_to, up_to)
            self._hurry()
        return lambda deadline_ns: self._is_flushed(up_to, lost, deadline_ns)

    def _is_flushed(self, up_to: int, lost: int, deadline_ns: int) -> bool:
        is_settled = self._wait_settled(up_to, deadline_ns)
        with self._changed:
            self._lost_at_flush = self._lost
            return is_settled and self._lost == lost

    def close(self, deadline_ns: int) -> None:
        """Accept nothing more, and let what is here leave until ``deadline_ns`` (monotonic)."""
        with self._changed:
            if not self._is_closed:
                self._is_closed, self._deadline_ns = True, deadline_ns
                self._hurry()

    def finish(self) -> None:
        """After :meth:`close`: wait for the rest until its deadline; what is then left is dropped and counted."""
        worker = self._worker
        if worker is None:
            self._run()
        else:
            self._wait_settled(self._entered, self._deadline_ns)
        self._abandon()
        if worker is not None:
            worker.join(max(0.05, self._remaining_s(self._deadline_ns)))
        try:
            self.exporter.close()
        except Exception as error:  # an exporter may fail in any way; the others must still be closed
            self._notices.failing(f"cannot close: {type(error).__name__}", consequence="left open")

    def _abandon(self) -> None:
        """Drop and count what is left; whatever an attempt that is still running says comes too late."""
        with self._changed:
            left = sum(entry.weight for entry in (*self._in_flight, *self._waiting))
            self._account.drop(left, DropReason.SHUTDOWN)
            self._lost += left
            self._waiting.clear()
            self._in_flight = []
            self._is_abandoned = True
            self._changed.notify_all()

    def _hurry(self) -> None:
        self._urgency += 1
        self._changed.notify_all()

    def _wait_settled(self, up_to: int, deadline_ns: int) -> bool:
        with self._changed:
            while self._settled < up_to and not self._is_abandoned and (left_s := self._remaining_s(deadline_ns)) > 0:
                self._changed.wait(left_s)
            return self._settled >= up_to

    def _remaining_s(self, deadline_ns: int) -> float:
        return (deadline_ns - self._clock.monotonic_ns()) / 1e9

    # The thread

    def _start_worker(self) -> None:
        worker = threading.Thread(target=self._run, name=f"heliograph-{self.signal}-{self.destination}", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            return  # no thread to be had, or the interpreter is exiting: the next item tries again, finish() goes without
        self._worker = worker

    def _run(self) -> None:
        with suppressed_instrumentation():
            while batch := self._take():
                try:
                    self._deliver(batch)
                except BaseException as error:  # nothing foreseen; this thread must go on, and the items must be counted
                    left = list(self._in_flight)
                    self._settle(left, Shipment(send=_unsent), Rejected(reason=f"delivery failed: {type(error).__name__}"))

    def _take(self) -> list[_Entry[T]]:
        """Wait for the next batch; an empty one means that there is nothing left to do."""
        with self._changed:
            while not self._is_abandoned:
                if self._is_closed and self._remaining_s(self._deadline_ns) <= 0:
                    break  # finish() counts what is left
                wait_s = self._due_in_s()
                if wait_s is not None and wait_s <= 0:
                    size = min(len(self._waiting), self._limits.batch_size)
                    self._in_flight = [self._waiting.popleft() for _ in range(size)]
                    return list(self._in_flight)
                if self._is_closed and not self._waiting:
                    break
                self._changed.wait(wait_s)
            return []

    def _due_in_s(self) -> float | None:
        """Seconds until a batch has to leave; None while there is nothing to send."""
        if not self._waiting:
            return None
        is_asked_for = self._is_closed or self._settled < self._flush_up_to
        if is_asked_for or len(self._waiting) >= self._limits.batch_size:
            return 0.0
        age_s = (self._clock.monotonic_ns() - self._waiting[0].accepted_at_ns) / 1e9
        return self._limits.interval_s - age_s

    def _deliver(self, batch: list[_Entry[T]]) -> None:
        shipment = self._prepare(batch)
        attempt, urgency = 0, self._urgency
        while True:
            # A hurry starts the waits over from the short ones: an outage may have grown them beyond any deadline.
            attempt = attempt + 1 if urgency == self._urgency else 1
            urgency = self._urgency
            outcome = self._attempt(shipment)
            if isinstance(outcome, TooLarge):
                self._deliver_in_halves(batch, shipment, outcome)
                return
            if not isinstance(outcome, Retry):
                self._settle(batch, shipment, outcome)
                return
            self._note_trouble(ExportState.DEGRADED, outcome.reason, "trying again")
            if not self._pause(outcome, attempt, urgency):
                return  # the shutdown took the batch out of our hands and counted it

    def _deliver_in_halves(self, batch: list[_Entry[T]], shipment: Shipment, outcome: TooLarge) -> None:
        if len(batch) == 1:
            self._settle(batch, shipment, Rejected(reason=outcome.reason))
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if not self._is_abandoned:
                self._deliver(half)

    def _prepare(self, batch: list[_Entry[T]]) -> Shipment:
        try:
            return self.exporter.prepare([entry.item for entry in batch])
        except BaseException as error:  # an exporter may fail in any way, and this thread is ours; _settle counts the batch
            reason = f"cannot encode the batch: {type(error).__name__}"
            return Shipment(send=lambda _timeout_s: Rejected(reason=reason))

    def _attempt(self, shipment: Shipment) -> Outcome:
        timeout_s = self._limits.attempt_timeout_s
        if self._is_closed:
            timeout_s = min(timeout_s, max(0.1, self._remaining_s(self._deadline_ns)))
        try:
            outcome: object = shipment.send(timeout_s)
        except BaseException as error:  # an exporter may fail in any way; its siblings and this thread go on
            return Rejected(reason=f"the exporter raised {type(error).__name__}")
        if not isinstance(outcome, (Delivered, Rejected, Retry, TooLarge)):
            return Rejected(reason=f"the exporter answered a {type(outcome).__name__}, expected an outcome")
        return outcome

    def _settle(self, batch: list[_Entry[T]], shipment: Shipment, outcome: Delivered | Rejected) -> None:
        weight = sum(entry.weight for entry in batch)
        unencodable = min(shipment.unencodable, weight)
        sent = weight - unencodable
        rejected = sent if isinstance(outcome, Rejected) else min(outcome.rejected, sent)
        # Said before it is counted: who waits for a flush finds the status of this batch, not of the one before.
        self._note_end(outcome, rejected, unencodable)
        with self._changed:
            if self._is_abandoned:
                return
            self._account.deliver(sent - rejected)
            self._account.drop(rejected, DropReason.REJECTED)
            self._account.drop(unencodable, DropReason.ENCODING)
            self._lost += rejected + unencodable
            del self._in_flight[: len(batch)]
            self._settled += len(batch)
            self._changed.notify_all()

    def _note_end(self, outcome: Delivered | Rejected, rejected: int, unencodable: int) -> None:
        if rejected:
            state = ExportState.FAILED if isinstance(outcome, Rejected) else ExportState.DEGRADED
            self._note_trouble(state, outcome.reason, f"{rejected} items dropped")
        elif unencodable:
            self._note_trouble(ExportState.DEGRADED, "items that cannot be encoded", f"{unencodable} items dropped")
        elif not self._note(ExportState.HEALTHY, ""):
            self._notices.recovered()

    def _pause(self, retry: Retry, attempt: int, urgency: int) -> bool:
        """Wait before the next attempt; False when there will be none, since it would come after the shutdown's deadline."""
        told_s = bounded_s(retry.after_s or 0.0)
        is_told = told_s >= _LEAST_TOLD_WAIT_S
        wait_s = told_s if is_told else self._backoff.wait_s(attempt)
        until_ns = self._clock.monotonic_ns() + round(wait_s * 1e9)
        with self._changed:
            while not self._is_abandoned and (left_s := self._remaining_s(until_ns)) > 0:
                # Somebody waits for a flush or a shutdown: do not sit out a wait that was only our own choice.
                if not is_told and urgency != self._urgency:
                    break
                if self._is_closed and until_ns >= self._deadline_ns:
                    self._abandon()
                    return False
                self._changed.wait(left_s)
            return not self._is_abandoned

    def _note_trouble(self, state: ExportState, reason: str, consequence: str) -> None:
        self._notices.failing(reason, consequence=consequence)
        self._note(state, reason)

    def _note(self, state: ExportState, reason: str) -> bool:
        """Remember how the last attempt ended; true when items found the queue full since the one before."""
        dropped = self.counts().dropped.get(DropReason.QUEUE_FULL.value, 0)
        new, self._queue_full_said = dropped - self._queue_full_said, dropped
        if new:
            state = ExportState.DEGRADED if state is ExportState.HEALTHY else state
            reason = f"{reason}; {_QUEUE_FULL}" if reason else _QUEUE_FULL
            self._notices.failing(
                f"the queue of {self._limits.queue_size} is full",
                consequence=f"{new} items dropped; raise delivery.queue_size",
            )
        with self._changed:
            self._state, self._reason = state, printable(reason)
        return bool(new)


def _unsent(_timeout_s: float) -> Outcome:
    """What stands for a shipment that there is not."""
    return Rejected(reason="never prepared")
