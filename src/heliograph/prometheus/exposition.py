"""What ``/metrics`` answers: our metrics and whatever the application registered with ``prometheus_client``.

Called by the endpoint, by many scrapes at once. Reads the official exporter's metric reader through a registry of our own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import prometheus_client
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import MetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

logger = logging.getLogger("heliograph.prometheus")


class Exposition:
    """Renders metrics for scraping. Thread-safe: one scrape collects at a time, since the reader keeps state."""

    def __init__(self, application: CollectorRegistry | None = None) -> None:
        self._own = CollectorRegistry(auto_describe=False)
        self._application = application if application is not None else prometheus_client.REGISTRY
        self._lock = threading.Lock()
        self._collisions: set[str] = set()

    def after_fork_in_child(self) -> None:
        """A scrape of the parent does not go on in the child."""
        self._lock = threading.Lock()

    def reader(self, cardinality_limits: dict[type, int]) -> MetricReader:
        """A new metric reader whose metrics are exposed from now on."""
        return PrometheusMetricReader(scope_info_enabled=False, registry=self._own, cardinality_limits=cardinality_limits)

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that the ``Accept`` header prefers, and its content type."""
        encode, content_type = choose_encoder(accept)
        with self._lock:
            return encode(self), content_type

    def collect(self) -> Iterator[Metric]:
        """Our families, then those of the application whose names we do not use; a name is never exposed twice."""
        seen: set[str] = set()
        for family in self._own.collect():
            seen.add(family.name)
            yield family
        for family in self._application_families():
            if family.name in seen:
                self._note_collision(family.name)
            else:
                yield family

    def _application_families(self) -> Iterator[Any]:
        try:
            yield from list(self._application.collect())
        except Exception:  # an application's collector may raise anything; our own metrics must still be scraped
            logger.warning("a collector in prometheus_client.REGISTRY failed; its metrics are missing", exc_info=True)

    def _note_collision(self, name: str) -> None:
        if name not in self._collisions:
            self._collisions.add(name)
            logger.warning("metric %s is in prometheus_client.REGISTRY too; only heliograph's is exposed", name)
