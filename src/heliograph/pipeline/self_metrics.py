"""The ledger as metrics, so that a drop can raise an alert: ``heliograph_items_*``, and ``otel_sdk_*`` as the semantic
conventions name the same numbers.

They are read from the accounts when somebody collects; recording pays nothing for them. The one histogram gets a value for
each batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from heliograph import names
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import DropReason, LedgerCounts, Signal

Values = Iterable[tuple[int, Mapping[str, str]]]

# What the conventions call an item of each signal. They know no processor of metrics.
_ITEMS: Final[Mapping[Signal, str]] = {Signal.TRACES: "span", Signal.METRICS: "metric_data_point", Signal.LOGS: "log"}
_PROCESSED: Final = (Signal.TRACES, Signal.LOGS)
# A drop before the exporter had anything to do with it.
_BEFORE_EXPORT: Final = (DropReason.QUEUE_FULL, DropReason.ENCODING, DropReason.SPOOL_FULL, DropReason.EXPIRED)


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: Literal["counter", "up_down_counter"]
    description: str
    read: Callable[[Delivery, LedgerCounts], Values]
    unit: str = ""


def _drops(_delivery: Delivery, counts: LedgerCounts) -> Iterator[tuple[int, Mapping[str, str]]]:
    # Every reason from the start on: an increase from nothing would be no increase for Prometheus.
    for reason in DropReason:
        yield counts.dropped.get(reason.value, 0), {names.REASON: reason.value}


def _processed(_delivery: Delivery, counts: LedgerCounts) -> Iterator[tuple[int, Mapping[str, str]]]:
    yield counts.delivered + counts.dropped.get(DropReason.REJECTED.value, 0), {}
    for reason in _BEFORE_EXPORT:
        if lost := counts.dropped.get(reason.value):
            yield lost, {names.ERROR_TYPE: reason.value}
    if late := counts.dropped.get(DropReason.SHUTDOWN.value):
        yield late, {names.ERROR_TYPE: "already_shutdown"}


def _exported(_delivery: Delivery, counts: LedgerCounts) -> Iterator[tuple[int, Mapping[str, str]]]:
    yield counts.delivered, {}
    if rejected := counts.dropped.get(DropReason.REJECTED.value):
        yield rejected, {names.ERROR_TYPE: DropReason.REJECTED.value}


def _one(field: str) -> Callable[[Delivery, LedgerCounts], Values]:
    return lambda _delivery, counts: [(getattr(counts, field), {})]


_ROWS: Final = (
    _Row(names.ITEMS_ACCEPTED, "counter", "Items accepted for a destination.", _one("accepted")),
    _Row(names.ITEMS_DELIVERED, "counter", "Items that the destination has.", _one("delivered")),
    _Row(names.ITEMS_DROPPED, "counter", "Items that were dropped, by reason.", _drops),
    _Row(names.ITEMS_PENDING, "up_down_counter", "Items that wait or are on their way.", _one("pending")),
    _Row(names.ITEMS_SPOOLED, "up_down_counter", "Items that wait on disk.", _one("spooled")),
    _Row(names.ITEMS_RECOVERED, "counter", "Items found in the spool of a process that has ended.", _one("recovered")),
    _Row(names.ITEMS_RETRIED, "counter", "Items of attempts that failed and are repeated.", _one("retried")),
    _Row(names.ITEMS_DUPLICATED, "counter", "Items that may have arrived more than once.", _one("duplicated_at_most")),
)
_SPOOL_FAILURES: Final = _Row(
    names.SPOOL_FAILURES,
    "counter",
    "Writes and reads that the disk did not do.",
    lambda delivery, _counts: [(delivery.spool.failures, {})] if delivery.spool is not None else [],
)
_SDK_PROCESSOR_ROWS: Final = (
    _Row(names.SDK_PROCESSED, "counter", "Items that are done with, handed to the exporter or lost before.", _processed),
    _Row(
        names.SDK_QUEUE_SIZE,
        "up_down_counter",
        "Items that wait in memory.",
        lambda delivery, _counts: [(delivery.queued(), {})],
    ),
    _Row(
        names.SDK_QUEUE_CAPACITY,
        "up_down_counter",
        "Items that may wait in memory.",
        lambda delivery, _counts: [(delivery.limits.queue_size, {})],
    ),
)
_SDK_EXPORTER_ROWS: Final = (
    _Row(names.SDK_EXPORTED, "counter", "Items whose export is done, well or not.", _exported),
    _Row(names.SDK_INFLIGHT, "up_down_counter", "Items that are being exported.", _one("in_flight")),
)


def register(meter: Meter, deliveries: Callable[[], Iterable[Delivery]]) -> None:
    """Create one observable instrument a row and signal, which reads the accounts of ``deliveries()`` at each collection."""
    for row in (*_ROWS, _SPOOL_FAILURES):
        _observe(meter, row, row.name, row.unit, deliveries, _ours)
    for signal, item in _ITEMS.items():
        rows = (*_SDK_PROCESSOR_ROWS, *_SDK_EXPORTER_ROWS) if signal in _PROCESSED else _SDK_EXPORTER_ROWS
        for row in rows:
            _observe(meter, row, row.name.format(item), f"{{{item}}}", _of(signal, deliveries), _components)
    _time_operations(meter, deliveries())


def _observe(
    meter: Meter,
    row: _Row,
    name: str,
    unit: str,
    deliveries: Callable[[], Iterable[Delivery]],
    describe: Callable[[Delivery], Mapping[str, str | int]],
) -> None:
    def observe(_options: CallbackOptions) -> Iterator[Observation]:
        for delivery in deliveries():
            for value, more in row.read(delivery, delivery.counts()):
                yield Observation(value, {**describe(delivery), **more})

    create: Any = meter.create_observable_counter if row.kind == "counter" else meter.create_observable_up_down_counter
    create(name, [observe], unit, row.description)


def _of(signal: Signal, deliveries: Callable[[], Iterable[Delivery]]) -> Callable[[], Iterable[Delivery]]:
    return lambda: (delivery for delivery in deliveries() if delivery.signal is signal)


def _ours(delivery: Delivery) -> Mapping[str, str | int]:
    return {names.SIGNAL: delivery.signal.value, names.DESTINATION: delivery.destination}


def _components(delivery: Delivery) -> Mapping[str, str | int]:
    return delivery.component


def _time_operations(meter: Meter, deliveries: Iterable[Delivery]) -> None:
    durations = meter.create_histogram(
        names.SDK_OPERATION_DURATION, "s", "The time from the first attempt to send a batch to its end."
    )
    for delivery in deliveries:

        def record(duration_s: float, error_type: str | None, about: Mapping[str, str | int] = delivery.component) -> None:
            durations.record(duration_s, {**about, **({names.ERROR_TYPE: error_type} if error_type else {})})

        delivery.observe = record
