"""The memory exporter: keeps what it is given, up to its size, in the order of arrival."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from heliograph.exporters.build import build_exporter
from heliograph.exporters.memory import MemoryExporter
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.outcome import Delivered
from heliograph.settings import exporters as settings
from tests.support.deliveries import delivering, flush
from tests.support.items import WEIGHT, collect, make_metric


def _keep(exporter: MemoryExporter[int], *items: int) -> object:
    return exporter.prepare(Batch(signal="traces", count=len(items), items=items))(1.0)


def test_items_are_kept_in_the_order_of_arrival() -> None:
    exporter: MemoryExporter[int] = MemoryExporter()
    _keep(exporter, 1, 2)
    _keep(exporter, 3)
    assert exporter.items() == [1, 2, 3]


@pytest.mark.parametrize(
    ("max_items", "kept", "rejected"), [(5, [1, 2, 3], 0), (3, [1, 2, 3], 0), (2, [1, 2], 1), (1, [1], 2)]
)
def test_what_does_not_fit_is_refused_and_said(max_items: int, kept: list[int], rejected: int) -> None:
    exporter: MemoryExporter[int] = MemoryExporter(max_items)
    outcome = _keep(exporter, 1, 2, 3)
    assert exporter.items() == kept
    reason = f"memory holds its {max_items} items" if rejected else ""
    assert outcome == Delivered(rejected=rejected, reason=reason)


def test_clearing_makes_room_again() -> None:
    exporter: MemoryExporter[int] = MemoryExporter(1)
    _keep(exporter, 1)
    exporter.clear()
    assert _keep(exporter, 2) == Delivered()
    assert exporter.items() == [2]


def test_what_is_returned_is_a_copy() -> None:
    exporter: MemoryExporter[int] = MemoryExporter()
    _keep(exporter, 1)
    exporter.items().clear()
    assert exporter.items() == [1]


def test_what_was_delivered_stays_readable_after_closing() -> None:
    exporter: MemoryExporter[int] = MemoryExporter()
    _keep(exporter, 1)
    exporter.close()
    assert exporter.items() == [1]


def test_threads_together_keep_no_more_than_the_size() -> None:
    exporter: MemoryExporter[int] = MemoryExporter(1000)
    threads = [threading.Thread(target=lambda: [_keep(exporter, 1, 2, 3) for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(exporter.items()) == 1000


def test_a_full_memory_refuses_collections_of_metrics_with_all_their_data_points() -> None:
    exporter: Any = build_exporter("metrics", settings.MemoryExporter(max_items=1))
    with delivering(exporter, signal=Signal.METRICS, weigh=WEIGHT["metrics"]) as delivery:
        delivery.accept(collect(make_metric("first", [1, 2, 3])))
        delivery.accept(collect(make_metric("second", [1, 2, 3, 4])))
        assert not flush(delivery)
        counts = delivery.counts()
        kept = sum(WEIGHT["metrics"](collection) for collection in exporter.items())
        assert (counts.delivered, counts.dropped) == (kept, {"rejected": 7 - kept})
