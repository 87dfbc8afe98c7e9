"""Caches of an application. The attribute ``cache.name`` tells several of them apart."""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Metric, attributes

_CACHE: Final = attributes({"cache.name": 20})

ROWS: Final = (
    Metric(
        name="cache.hits",
        kind="counter",
        unit="{lookup}",
        description="Look-ups that found their entry.",
        group="cache",
        attributes=_CACHE,
        starts_at_zero=True,
    ),
    Metric(
        name="cache.misses",
        kind="counter",
        unit="{lookup}",
        description="Look-ups that did not find their entry.",
        group="cache",
        attributes=_CACHE,
        starts_at_zero=True,
    ),
    Metric(
        name="cache.evictions",
        kind="counter",
        unit="{entry}",
        description="Entries that made room for newer ones.",
        group="cache",
        attributes=(*_CACHE, *attributes({"reason": 5})),
        starts_at_zero=True,
    ),
    Metric(
        name="cache.errors",
        kind="counter",
        unit="{operation}",
        description="Operations that the cache failed to do.",
        group="cache",
        attributes=(*_CACHE, *attributes({"error.type": 20})),
        starts_at_zero=True,
    ),
    Metric(name="cache.size", kind="gauge", unit="By", description="Bytes in the cache.", group="cache", attributes=_CACHE),
)
