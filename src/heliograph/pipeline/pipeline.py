"""One signal's way out: every accepted item goes to each of its destinations, which do not wait for each other.

The module's functions act on all signals together, under one overall deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from heliograph.clock import Clock, bounded_s
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.status import ExportStatus, worse

T = TypeVar("T")


class Pipeline(Generic[T]):
    """Hands each item to the deliveries of one signal. Thread-safe; never raises into, never blocks, the caller."""

    def __init__(self, signal: Signal, deliveries: Sequence[Delivery[T]]) -> None:
        self.signal = signal
        self.deliveries = tuple(deliveries)

    def accept(self, item: T) -> None:
        for delivery in self.deliveries:
            delivery.accept(item)


def flush(pipelines: Iterable[Pipeline[Any]], timeout_s: float, clock: Clock) -> bool:
    """Let everything accepted so far leave; true when each item was delivered within ``timeout_s`` seconds."""
    deadline_ns = clock.monotonic_ns() + round(bounded_s(timeout_s) * 1e9)
    waits = [delivery.begin_flush() for delivery in _deliveries(pipelines)]
    # Each is waited for, also after one that failed: its items shall leave too.
    outcomes = [wait(deadline_ns) for wait in waits]
    return all(outcomes)


def shutdown(pipelines: Iterable[Pipeline[Any]], timeout_s: float, clock: Clock) -> None:
    """Close every destination; what has not left within ``timeout_s`` seconds is dropped and counted."""
    deadline_ns = clock.monotonic_ns() + round(bounded_s(timeout_s) * 1e9)
    deliveries = _deliveries(pipelines)
    for delivery in deliveries:
        delivery.close(deadline_ns)
    for delivery in deliveries:
        delivery.finish()


def after_fork_in_child(pipelines: Iterable[Pipeline[Any]]) -> None:
    """Give a forked child queues of its own."""
    for delivery in _deliveries(pipelines):
        delivery.after_fork_in_child()


def ledger(pipelines: Iterable[Pipeline[Any]]) -> dict[tuple[str, str], LedgerCounts]:
    """The account of each (signal, destination)."""
    return {(delivery.signal.value, delivery.destination): delivery.counts() for delivery in _deliveries(pipelines)}


def export_status(pipelines: Iterable[Pipeline[Any]]) -> dict[str, ExportStatus]:
    """The state of each destination, over all signals that go to it."""
    found: dict[str, ExportStatus] = {}
    for delivery in _deliveries(pipelines):
        found[delivery.destination] = worse(found.get(delivery.destination), delivery.status())
    return found


def _deliveries(pipelines: Iterable[Pipeline[Any]]) -> list[Delivery[Any]]:
    return [delivery for pipeline in pipelines for delivery in pipeline.deliveries]
