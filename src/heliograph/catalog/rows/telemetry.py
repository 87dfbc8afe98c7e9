"""Telemetry about telemetry: what `pipeline/self_metrics.py`, `pipeline/tail.py` and the recorder report of themselves.

An item is a span, a log record or a metric data point. ``otel.sdk.*`` are OpenTelemetry's names for the same numbers: semantic
conventions, "OpenTelemetry SDK metrics" (development).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from heliograph import names
from heliograph.catalog.metric import Attribute, Kind, Metric, attributes
from heliograph.catalog.rows.http import SECONDS

_WHERE: Final = (
    Attribute(name=names.SIGNAL, cardinality=3, description="traces, metrics or logs."),
    Attribute(name=names.DESTINATION, cardinality=10, description="Where the items go."),
)
_REASON: Final = Attribute(name=names.REASON, cardinality=10)

_COMPONENT: Final = attributes(
    {names.COMPONENT_TYPE: 10, names.COMPONENT_NAME: 10, names.SERVER_ADDRESS: 10, names.SERVER_PORT: 10}
)
_FAILING: Final = (*_COMPONENT, *attributes({names.ERROR_TYPE: 20}))

_ITEMS: Final[tuple[tuple[str, Kind, str, tuple[Attribute, ...]], ...]] = (
    (names.ITEMS_ACCEPTED, "counter", "Items accepted for a destination.", _WHERE),
    (names.ITEMS_DELIVERED, "counter", "Items that the destination has.", _WHERE),
    (names.ITEMS_DROPPED, "counter", "Items that were dropped, by reason.", (*_WHERE, _REASON)),
    (names.ITEMS_PENDING, "up_down_counter", "Items that wait or are on their way.", _WHERE),
    (names.ITEMS_SPOOLED, "up_down_counter", "Items that wait on disk.", _WHERE),
    (names.ITEMS_RECOVERED, "counter", "Items found in the spool of a process that has ended.", _WHERE),
    (names.ITEMS_RETRIED, "counter", "Items of attempts that failed and are repeated.", _WHERE),
    (names.ITEMS_DUPLICATED, "counter", "Items that may have arrived more than once.", _WHERE),
    (names.SPOOL_FAILURES, "counter", "Writes and reads that the disk did not do.", _WHERE),
)
_PROCESSORS: Final[tuple[tuple[str, Kind, str, tuple[Attribute, ...]], ...]] = (
    (names.SDK_PROCESSED, "counter", "Items that are done with, handed to the exporter or lost before.", _FAILING),
    (names.SDK_QUEUE_SIZE, "up_down_counter", "Items that wait in memory.", _COMPONENT),
    (names.SDK_QUEUE_CAPACITY, "up_down_counter", "Items that may wait in memory.", _COMPONENT),
)
_EXPORTERS: Final[tuple[tuple[str, Kind, str, tuple[Attribute, ...]], ...]] = (
    (names.SDK_EXPORTED, "counter", "Items whose export is done, well or not.", _FAILING),
    (names.SDK_INFLIGHT, "up_down_counter", "Items that are being exported.", _COMPONENT),
)


def _row(name: str, kind: Kind, description: str, declared: tuple[Attribute, ...], unit: str = "") -> Metric:
    return Metric(
        name=name,
        kind=kind,
        unit=unit,
        description=description,
        group="telemetry",
        attributes=declared,
        starts_at_zero=kind == "counter",
    )


def _sdk_rows() -> Iterator[Metric]:
    for item, rows in (
        ("span", (*_PROCESSORS, *_EXPORTERS)),
        ("metric_data_point", _EXPORTERS),
        ("log", (*_PROCESSORS, *_EXPORTERS)),
    ):
        for name, kind, description, declared in rows:
            yield _row(name.format(item), kind, description, declared, f"{{{item}}}")


ROWS: Final = (
    *(_row(*row) for row in _ITEMS),
    _row(
        names.TRACES_DECIDED,
        "counter",
        "Local traces whose end was decided on, by decision.",
        attributes({names.DECISION: 10}),
        "{trace}",
    ),
    _row(
        names.TRACES_DECIDED_EARLY,
        "counter",
        "Of these, decided before their end, by bound.",
        attributes({names.REASON: 5}),
        "{trace}",
    ),
    _row(
        names.UNDECLARED_ATTRIBUTES,
        "counter",
        "Series that began with attributes which the catalogue does not declare, by metric.",
        (Attribute(name=names.METRIC, cardinality=100, description="The name of the metric."),),
        "{series}",
    ),
    *_sdk_rows(),
    Metric(
        name=names.SDK_OPERATION_DURATION,
        kind="histogram",
        unit="s",
        description="The time from the first attempt to send a batch to its end.",
        group="telemetry",
        attributes=_FAILING,
        buckets=SECONDS,
    ),
)
