"""Deliveries to an exporter that does what a script says, and the few steps that tests of them share."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from heliograph.clock import Clock
from heliograph.pipeline.delivery import Delivery, DeliveryLimits
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.outcome import Delivered, Outcome, Shipment
from heliograph.pipeline.retry import Backoff

SOON = Backoff(base_s=0.01, longest_s=0.01, draw=lambda: 1.0)
LATE = Backoff(base_s=60.0, longest_s=60.0, draw=lambda: 1.0)


class ScriptedExporter:
    """Each attempt takes the next step of the script, and ``last`` when it is used up. A step is an outcome, an exception
    to raise, or a function that gives one of these (and may take its time)."""

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

    def prepare(self, items: Sequence[Any]) -> Shipment:
        kept = list(items)
        self.prepared.append(kept)
        return Shipment(send=lambda timeout_s: self._send(kept, timeout_s), unencodable=self._unencodable)

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


@contextmanager
def delivering(
    exporter: Any,
    *,
    signal: Signal = Signal.TRACES,
    destination: str = "there",
    clock: Clock | None = None,
    backoff: Backoff = SOON,
    weigh: Callable[[Any], int] = lambda _item: 1,
    **limits: Any,
) -> Iterator[Delivery[Any]]:
    """A delivery whose items leave when a batch is full or when they are asked to; closed at once when the block ends."""
    wanted = DeliveryLimits(**{"interval_s": 600.0, **limits})
    delivery: Delivery[Any] = Delivery(signal, destination, exporter, wanted, clock=clock, backoff=backoff, weigh=weigh)
    try:
        yield delivery
    finally:
        delivery.close(0)
        delivery.finish()


def accept_all(delivery: Delivery[Any], items: Sequence[Any]) -> None:
    for item in items:
        delivery.accept(item)


def flush(delivery: Delivery[Any], timeout_s: float = 5.0) -> bool:
    """What ``force_flush`` does to one delivery, on the system's clock."""
    return delivery.begin_flush()(_in_ns(timeout_s))


def end(delivery: Delivery[Any], timeout_s: float) -> float:
    """What ``shutdown`` does to one delivery, on the system's clock; returns how long it took, in seconds."""
    started_at = time.monotonic()
    delivery.close(_in_ns(timeout_s))
    delivery.finish()
    return time.monotonic() - started_at


def _in_ns(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)


def dropped(delivery: Delivery[Any]) -> dict[str, int]:
    return dict(delivery.counts().dropped)


def is_balanced(counts: LedgerCounts) -> bool:
    """Whether every accepted item is accounted for exactly once."""
    parts = (counts.delivered, *counts.dropped.values(), counts.pending)
    return counts.accepted == sum(parts) and min(parts) >= 0
