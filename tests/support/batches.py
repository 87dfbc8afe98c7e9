"""Batches as the pipeline makes them of items, for tests that talk to an exporter directly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Exporter
from tests.support.items import WEIGHT


def make_batch(signal: str, items: Sequence[Any], *, takes_items: bool = False) -> Batch:
    """The batch of ``items`` for an exporter that takes items, or their request."""
    count = sum(map(WEIGHT[signal], items))
    if takes_items:
        return Batch(signal=signal, count=count, entries=len(items), items=tuple(items))
    body, broken = SIGNALS[signal].encoder().encode(items)
    return Batch(signal=signal, count=count - broken, entries=len(items), body=body)


def prepared(exporter: Exporter, items: Sequence[Any], signal: str = "traces") -> Attempt:
    """What ``exporter`` makes of ``items``."""
    return exporter.prepare(make_batch(signal, items, takes_items=exporter.takes_items))
