"""The ledger as metrics, so that a drop can raise an alert: ``heliograph_items_*`` at /metrics.

They are read from the accounts when somebody collects; recording and delivery pay nothing for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from heliograph import names
from heliograph.pipeline.ledger import DropReason, LedgerCounts

Ledger = Mapping[tuple[str, str], LedgerCounts]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: Literal["counter", "up_down_counter"]
    description: str
    read: Callable[[LedgerCounts], Iterable[tuple[int, Mapping[str, str]]]]


def _drops(counts: LedgerCounts) -> Iterator[tuple[int, Mapping[str, str]]]:
    # Every reason from the start on: an increase from nothing would be no increase for Prometheus.
    for reason in DropReason:
        yield counts.dropped.get(reason.value, 0), {names.REASON: reason.value}


_ROWS: Final = (
    _Row(names.ITEMS_ACCEPTED, "counter", "Items accepted for a destination.", lambda counts: [(counts.accepted, {})]),
    _Row(names.ITEMS_DELIVERED, "counter", "Items that the destination has.", lambda counts: [(counts.delivered, {})]),
    _Row(names.ITEMS_DROPPED, "counter", "Items that were dropped, by reason.", _drops),
    _Row(
        names.ITEMS_PENDING, "up_down_counter", "Items that wait or are on their way.", lambda counts: [(counts.pending, {})]
    ),
)


def register(meter: Meter, ledger: Callable[[], Ledger]) -> None:
    """Create one observable instrument a row, which reads ``ledger()`` at each collection."""
    for row in _ROWS:
        create: Any = meter.create_observable_counter if row.kind == "counter" else meter.create_observable_up_down_counter
        create(row.name, [_callback(row, ledger)], "", row.description)


def _callback(row: _Row, ledger: Callable[[], Ledger]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterator[Observation]:
        for (signal, destination), counts in ledger().items():
            for value, more in row.read(counts):
                yield Observation(value, {names.SIGNAL: signal, names.DESTINATION: destination, **more})

    return observe
