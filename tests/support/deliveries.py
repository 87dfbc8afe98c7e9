"""Deliveries to an exporter that does what a script says, and the few steps that tests of them share."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from heliograph.clock import Clock
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome
from heliograph.pipeline.pipeline import Pipeline
from heliograph.pipeline.retry import Backoff
from heliograph.pipeline.spool import Spool

SOON = Backoff(base_s=0.01, longest_s=0.01, draw=lambda: 1.0)
LATE = Backoff(base_s=60.0, longest_s=60.0, draw=lambda: 1.0)


class ScriptedExporter:
    """Each attempt takes the next step of the script, and ``last`` when it is used up. A step is an outcome, an exception
    to raise, or a function that gives one of these (and may take its time)."""

    takes_items = True

    def __init__(self, *script: Any, last: Any = None, unencodable: int = 0) -> None:
        self._script = deque(script)
        self._last = last if last is not None else Delivered()
        self._unencodable = unencodable
        self.prepared: list[list[Any]] = []
        self.delivered: list[Any] = []
        self.attempted_at: list[float] = []
        self.timeouts_s: list[float] = []
        self.closed = 0

    @property
    def attempts(self) -> int:
        return len(self.attempted_at)

    def prepare(self, batch: Batch) -> Attempt:
        kept = list(batch.items)
        self.prepared.append(kept)
        return lambda timeout_s: self._send(kept, timeout_s)

    def close(self) -> None:
        self.closed += 1

    def _send(self, items: list[Any], timeout_s: float) -> Outcome:
        self.timeouts_s.append(timeout_s)
        self.attempted_at.append(time.monotonic())
        step = self._script.popleft() if self._script else self._last
        if callable(step):
            step = step()
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Delivered):
            self.delivered += items[step.rejected :]
            step = replace(step, unencodable=self._unencodable)
        return step


class Gate:
    """A step that waits until it is opened, as an exporter that hangs does; it never waits longer than 30 seconds."""

    def __init__(self, then: Any = None) -> None:
        self.entered = threading.Event()
        self._opened = threading.Event()
        self._then = then if then is not None else Delivered()

    def __call__(self) -> Any:
        self.entered.set()
        self._opened.wait(30)
        return self._then

    def open(self) -> None:
        self._opened.set()


class NoEncoder:
    """For items that are no telemetry: there is nothing to encode."""

    def encode(self, items: Sequence[Any], /) -> tuple[bytes, int]:
        raise AssertionError(f"{len(items)} items were to be encoded, for a destination that takes them as they are")


class OneDestination:
    """A pipeline with one destination, and that destination."""

    def __init__(self, pipeline: Pipeline[Any]) -> None:
        self.pipeline = pipeline
        (self.delivery,) = pipeline.deliveries
        self.accept = pipeline.accept
        self.counts = self.delivery.counts
        self.status = self.delivery.status
        self.begin_flush = pipeline.begin_flush
        self._deadline_ns = 0

    def close(self, deadline_ns: int) -> None:
        self._deadline_ns = deadline_ns
        self.pipeline.close(deadline_ns)

    def finish(self) -> None:
        self.pipeline.finish(max(self._deadline_ns, time.monotonic_ns()) + 250_000_000)

    def after_fork_in_child(self) -> None:
        self.pipeline.after_fork_in_child()


@contextmanager
def delivering(
    exporter: Any,
    *,
    signal: Signal = Signal.TRACES,
    destination: str = "there",
    clock: Clock | None = None,
    weigh: Callable[[Any], int] | None = None,
    encoder: Any = None,
    **options: Any,
) -> Iterator[OneDestination]:
    """A delivery whose items leave when a batch is full or when they are asked to; closed at once when the block ends."""
    delivery = make_delivery(signal, destination, exporter, clock=clock, **options)
    one = OneDestination(Pipeline(signal, [delivery], encoder=encoder or NoEncoder(), weigh=weigh, clock=clock))
    one.pipeline.start()
    try:
        yield one
    finally:
        one.close(0)
        one.finish()


def make_delivery(
    signal: Signal,
    destination: str,
    exporter: Any,
    *,
    clock: Clock | None = None,
    backoff: Backoff = SOON,
    spool: Spool | None = None,
    is_spooled_first: bool = False,
    **limits: Any,
) -> Delivery:
    """A delivery with ``limits``, where nothing leaves because of its age alone unless they say so."""
    return Delivery(
        signal,
        destination,
        exporter,
        Limits(**{"interval_s": 600.0, **limits}),
        spool=spool,
        is_spooled_first=is_spooled_first,
        clock=clock,
        backoff=backoff,
    )


def accept_all(delivery: OneDestination, items: Sequence[Any]) -> None:
    for item in items:
        delivery.accept(item)


def flush(delivery: OneDestination, timeout_s: float = 5.0) -> bool:
    """What ``force_flush`` does to one delivery, on the system's clock."""
    return delivery.begin_flush()(_in_ns(timeout_s))


def end(delivery: OneDestination, timeout_s: float) -> float:
    """What ``shutdown`` does to one delivery, on the system's clock; returns how long it took, in seconds."""
    started_at = time.monotonic()
    delivery.close(_in_ns(timeout_s))
    delivery.finish()
    return time.monotonic() - started_at


def _in_ns(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)


def dropped(delivery: OneDestination) -> dict[str, int]:
    return dict(delivery.counts().dropped)


def is_balanced(counts: LedgerCounts) -> bool:
    """Whether every accepted item is accounted for exactly once."""
    parts = (counts.delivered, *counts.dropped.values(), counts.pending)
    return counts.accepted == sum(parts) and min(parts) >= 0
