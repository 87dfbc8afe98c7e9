"""One destination's thread: takes what waits for it, attempts, waits, tries again, until every item is accounted for.

What waits is in its :class:`~heliograph.pipeline.holding.Holding`; the pipeline flushes and closes. Calls the destination's
:class:`~heliograph.pipeline.outcome.Exporter`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from heliograph.clock import Clock, SystemClock, bounded_s
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.holding import Holding
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.outcome import Attempt, Delivered, Exporter, Outcome, Rejected, Retry, TooLarge
from heliograph.pipeline.queue import ItemQueue
from heliograph.pipeline.retry import Backoff
from heliograph.pipeline.spool import Spool
from heliograph.pipeline.standing import Standing
from heliograph.pipeline.status import ExportState, ExportStatus
from heliograph.recording.suppression import suppressed_instrumentation
from heliograph.recording.threads import own_thread

# A told wait below this is none: it would make the retries a busy loop.
_LEAST_TOLD_WAIT_S: Final = 0.1
_LEAST_ATTEMPT_S: Final = 0.1
_LEAST_PATIENCE_S: Final = 0.01
_RECOVERY_S: Final = 1.0
_ADOPT_EVERY_S: Final = 20.0

_REJECTED: Final = "rejected"

_END: Final = -1.0
_NOW: Final = 0.0


class Delivery:
    """Delivers the batches of one signal to one destination. Every method is thread-safe.

    The pipeline gives it its queue with :meth:`attach`, when it is built and again in a forked child. The queue's lock
    guards all state; it is held for a few instructions at a time, never during an attempt. ``component`` describes the
    exporter, in attributes of the semantic conventions.
    """

    def __init__(
        self,
        signal: Signal,
        destination: str,
        exporter: Exporter,
        limits: Limits,
        *,
        spool: Spool | None = None,
        is_spooled_first: bool = False,
        component: Mapping[str, str | int] | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.signal = signal
        self.destination = destination
        self.exporter = exporter
        self.limits = limits
        self.spool = spool
        self.is_spooled_first = is_spooled_first
        self.component = component or {}
        # Told of each batch that is done with: seconds since its first attempt, and what went wrong, if something did.
        self.observe: Callable[[float, str | None], None] = lambda _duration_s, _error_type: None
        # Told of each attempt, and how many seconds it took; None when nobody wants to know.
        self.narrate: Callable[[Batch, Outcome, float], None] | None = None
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff()
        self._is_closed = False

    def attach(self, queue: ItemQueue[Any], lock: threading.RLock, on_change: Callable[[], None]) -> None:
        """Start empty behind ``queue``; ``on_change`` is called under the lock when room was made or something left."""
        self._queue = queue
        self._lock = lock
        self._tell_pipeline = on_change
        self._changed = threading.Condition(lock)
        self.holding = Holding(
            self.signal.value,
            self.limits,
            lock,
            self._on_change,
            spool=self.spool,
            is_spooled_first=self.is_spooled_first,
        )
        self._standing = Standing(f"{self.destination} ({self.signal})", self._clock)
        self._prepared: tuple[Batch, Attempt] | None = None
        self._began_ns = 0  # when that batch was prepared
        self._failures = 0  # attempts that failed one after the other
        self._resume_ns = 0  # no attempt before
        self._is_told = False  # the destination chose that moment, not we
        # Counts requests to hurry, which end a wait of our own choice; as it was when the last attempts began.
        self._urgency = self._urgency_now = self._urgency_seen = 0
        self._urgent_up_to = 0
        self._is_hurried = False  # until nothing is here
        self._adopt_ns = self._clock.monotonic_ns()
        self._deadline_ns = 0  # set with _is_closed
        self._is_upstream_done = self._is_over = self._is_attempting = False
        self._thread: threading.Thread | None = None

    def after_fork_in_child(self) -> None:
        """What is here is the parent's: let go of its files. :meth:`attach` follows."""
        if self.spool is not None:
            self.spool.after_fork_in_child()

    # Readings

    def counts(self) -> LedgerCounts:
        """A consistent reading of the account."""
        with self._lock:
            account, queue = self.holding.account, self._queue
            return LedgerCounts(
                accepted=queue.accepted + account.recovered,
                delivered=account.delivered,
                dropped=dict(queue.refused + account.dropped),
                pending=queue.waiting + self.holding.pending,
                spooled=self.holding.on_disk,
                in_flight=self.holding.sending,
                recovered=account.recovered,
                retried=account.retried,
                duplicated_at_most=account.duplicated_at_most,
            )

    def queued(self) -> int:
        """Items that wait in memory."""
        with self._lock:
            return self._queue.waiting + self.holding.in_hand + self.holding.memory.count + self.holding.writing

    def status(self) -> ExportStatus:
        counts = {self.signal.value: self.counts()}
        return ExportStatus(state=self._standing.state, reason=self._standing.reason or None, counts=counts)

    # The pipeline's side

    def start_if_left_behind(self) -> None:
        """Begin at once when an earlier process left something to deliver."""
        if self.spool is not None and self.spool.has_leftovers():
            with self._lock:
                self._ensure_thread()

    def hurry(self, up_to: int) -> None:
        """What was queued up to the position ``up_to`` has to leave now. The caller holds the lock."""
        self._urgent_up_to = max(self._urgent_up_to, up_to)
        self._urgency += 1
        self._is_hurried = True
        self._changed.notify_all()

    def close(self, deadline_ns: int) -> None:
        """Let what is here leave until ``deadline_ns`` (monotonic)."""
        with self._lock:
            if not self._is_closed or deadline_ns < self._deadline_ns:
                self._is_closed, self._deadline_ns = True, deadline_ns
                self._urgency += 1
                self._changed.notify_all()

    def end_upstream(self) -> None:
        """Nothing more will be offered."""
        with self._lock:
            self._is_upstream_done = True
            self._changed.notify_all()

    def finish(self, grace_ns: int) -> None:
        """After :meth:`close`: wait for the rest until its deadline; what is then left is spooled, or dropped and counted. A
        disk or a thread that hangs is waited for until ``grace_ns`` (monotonic)."""
        thread = self._thread
        if thread is None:
            self._run()  # nothing ever came, or there is no thread to be had any more
        with self._lock:
            while not self._is_over and (left_s := self._left_s(self._deadline_ns)) > 0:
                self._changed.wait(left_s)
        self.holding.abandon(is_attempting=self._is_attempting, patience_s=self._patience_s(grace_ns))
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._patience_s(grace_ns))
        if self.spool is not None:
            self.spool.close(self._patience_s(grace_ns))
        try:
            self.exporter.close()
        except Exception as error:  # an exporter may fail in any way; the others must still be closed
            self._standing.cannot_close(error)

    def _patience_s(self, grace_ns: int) -> float:
        return max(_LEAST_PATIENCE_S, self._left_s(grace_ns))

    def _left_s(self, until_ns: int) -> float:
        return (until_ns - self._clock.monotonic_ns()) / 1e9

    # The thread

    def _on_change(self) -> None:
        self._ensure_thread()
        self._is_hurried = self._is_hurried and self.holding.pending > 0
        self._changed.notify_all()
        self._tell_pipeline()

    def _ensure_thread(self) -> None:
        if self._thread is not None or self._is_over:
            return
        thread = own_thread(self._run, f"heliograph-{self.signal}-{self.destination}")
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None  # none to be had, or the interpreter is exiting: the next change tries, finish() goes without

    def _run(self) -> None:
        with suppressed_instrumentation():
            is_going_on = True
            while is_going_on:
                try:
                    is_going_on = self._step()
                except BaseException as error:  # nothing foreseen; this thread must go on, and the items must be counted
                    with suppress(BaseException):
                        self._recover(error)
        with self._lock:
            self._is_over = True
            self._changed.notify_all()

    def _step(self) -> bool:
        batch = self._next_batch()
        if batch is not None:
            began_ns = self._clock.monotonic_ns() if self.narrate is not None else 0
            outcome = self._attempt(batch)
            if self.narrate is not None:
                self.narrate(batch, outcome, (self._clock.monotonic_ns() - began_ns) / 1e9)
            self._act_on(batch, outcome)
        return batch is not None

    def _recover(self, error: BaseException) -> None:
        reason = f"delivery failed: {type(error).__name__}"
        self._note_failing(ExportState.FAILED, reason, "the batch is dropped")
        with self._lock:
            batch = self.holding.in_flight[0] if self.holding.in_flight else None
            if batch is None:
                self._changed.wait(_RECOVERY_S)  # it may be the disk, and come again at once
        if batch is not None:
            self.holding.settle(batch, rejected=batch.count)

    def _next_batch(self) -> Batch | None:
        """Wait for the next batch to send; None means that there is nothing left to do."""
        while True:
            with self._lock:
                wait_s = self._wait_s()
                if wait_s == _END:
                    return None
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                now_ns = self._clock.monotonic_ns()
                is_adopting = self._adoption_s(now_ns) == _NOW
            if is_adopting:
                self._adopt_ns = now_ns if self.holding.adopt() else now_ns + round(_ADOPT_EVERY_S * 1e9)
            elif self.holding.take(now_ns):
                with self._lock:
                    if self.holding.in_flight:
                        return self.holding.in_flight[0]

    def _wait_s(self) -> float | None:
        """Seconds until there is something to do, for ever when None; ``_END`` when there is nothing left."""
        now_ns, holding = self._clock.monotonic_ns(), self.holding
        if holding.is_abandoned or (self._is_closed and now_ns >= self._deadline_ns):
            return _END
        if (pause_s := self._pause_s(now_ns)) > 0:
            # After the attempt that the closing brought about, there is none that could still help.
            is_hopeless = self._is_closed and (self._resume_ns >= self._deadline_ns or holding.is_all_on_disk)
            return _END if is_hopeless else pause_s
        urgent_up_to = holding.newest if self._is_closed else self._urgent_up_to
        due_s = holding.due_in_s(now_ns, urgent_up_to, is_hurried=self._is_hurried or self._is_closed)
        if due_s is None and self._is_closed:
            return _END if self._is_upstream_done else None
        adoption_s = self._adoption_s(now_ns)
        known = [max(_NOW, wait_s) for wait_s in (due_s, adoption_s) if wait_s is not None]
        return min(known, default=None)

    def _pause_s(self, now_ns: int) -> float:
        # Somebody waits for a flush or a shutdown: do not sit out a wait that was only our own choice.
        is_cut_short = not self._is_told and self._urgency != self._urgency_seen
        return 0.0 if is_cut_short else (self._resume_ns - now_ns) / 1e9

    def _adoption_s(self, now_ns: int) -> float | None:
        """Seconds until it is time to look for what other processes left, if that is of interest."""
        if self.spool is None or self._is_closed or self.holding.is_troubled or self.spool.has_adopted:
            return None
        return max(_NOW, (self._adopt_ns - now_ns) / 1e9)

    # An attempt

    def _attempt(self, batch: Batch) -> Outcome:
        if self._prepared is None or self._prepared[0] is not batch:
            self._began_ns = self._clock.monotonic_ns()
            try:
                self._prepared = (batch, self.exporter.prepare(batch))
            except BaseException as error:  # an exporter may fail in any way, and this thread is ours
                return Rejected(reason=f"cannot prepare the batch: {type(error).__name__}")
        timeout_s = self.limits.attempt_timeout_s
        if self._is_closed:
            timeout_s = min(timeout_s, max(_LEAST_ATTEMPT_S, self._left_s(self._deadline_ns)))
        self._urgency_now = self._urgency
        self._is_attempting = True
        try:
            outcome: object = self._prepared[1](timeout_s)
        except BaseException as error:  # likewise; its siblings and this thread go on
            return Rejected(reason=f"the exporter raised {type(error).__name__}")
        finally:
            self._is_attempting = False
        if not isinstance(outcome, (Delivered, Rejected, Retry, TooLarge)):
            return Rejected(reason=f"the exporter answered a {type(outcome).__name__}, expected an outcome")
        return outcome

    def _act_on(self, batch: Batch, outcome: Outcome) -> None:
        if isinstance(outcome, TooLarge):
            halves = batch.halves()
            if halves is not None:
                self.holding.replace(batch, halves)
                return
            outcome = Rejected(reason=outcome.reason)
        if isinstance(outcome, Retry):
            self._retry_later(batch, outcome)
        else:
            self._settle(batch, outcome)

    def _retry_later(self, batch: Batch, outcome: Retry) -> None:
        told_s = bounded_s(outcome.after_s or 0.0)
        with self._lock:
            # A hurry starts the waits over from the short ones: an outage may have grown them beyond any deadline.
            self._failures = self._failures + 1 if self._urgency_now == self._urgency_seen else 1
            self._urgency_seen = self._urgency_now
            self._is_told = told_s >= _LEAST_TOLD_WAIT_S
            wait_s = told_s if self._is_told else self._backoff.wait_s(self._failures)
            self._resume_ns = self._clock.monotonic_ns() + round(wait_s * 1e9)
            if not self.holding.is_abandoned:
                self.holding.account.retried += batch.count
                self.holding.account.duplicated_at_most += batch.count if outcome.may_have_arrived else 0
        self.holding.keep()
        state = ExportState.FAILED if outcome.is_refusal else ExportState.DEGRADED
        self._note_failing(state, outcome.reason, "trying again")

    def _settle(self, batch: Batch, outcome: Delivered | Rejected) -> None:
        if isinstance(outcome, Rejected):
            rejected, unencodable = batch.count, 0
        else:
            unencodable = min(outcome.unencodable, batch.count)
            rejected = min(outcome.rejected, batch.count - unencodable)
        self._failures, self._resume_ns = 0, 0
        self.holding.is_troubled = False
        # Said before it is counted: who waits for a flush finds the status of this batch, not of the one before.
        lost = rejected + unencodable
        if lost:
            state = ExportState.FAILED if isinstance(outcome, Rejected) else ExportState.DEGRADED
            self._note_failing(state, outcome.reason or "items that cannot be encoded", f"{lost} items dropped")
        else:
            self._standing.fine(dropped=self.counts().dropped, disk=self._disk_trouble())
        with suppress(Exception):  # it records a metric, which views and processors of the application may make fail
            self.observe((self._clock.monotonic_ns() - self._began_ns) / 1e9, _REJECTED if lost else None)
        self.holding.settle(batch, rejected=rejected, unencodable=unencodable)

    def _note_failing(self, state: ExportState, reason: str, consequence: str) -> None:
        self._standing.failing(state, reason, consequence, dropped=self.counts().dropped, disk=self._disk_trouble())

    def _disk_trouble(self) -> str:
        return self.spool.trouble if self.spool is not None else ""
