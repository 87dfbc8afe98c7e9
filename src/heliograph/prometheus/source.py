"""What this process has to show: the tables of its metrics, read from its recorder, and who it is.

Called by `exposition.py` at a scrape and, where several processes are scraped as one, by their `Member`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.metrics.export import MetricReader

from heliograph.catalog.catalogue import BUILTIN, Catalogue
from heliograph.prometheus import points
from heliograph.prometheus.labels import labels
from heliograph.prometheus.merge import Note, merged
from heliograph.prometheus.multiprocess.member import Collected
from heliograph.prometheus.reader import PullReader
from heliograph.prometheus.tables import CellTables, Wanted

_NOTHING: Final = Collected((), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown beside the plain metrics: their older names, which instrumentation recorded a series, and when it began
    (in OpenMetrics)."""

    catalogue: Catalogue = BUILTIN
    legacy_names: bool = False
    scope_labels: bool = False
    created_series: bool = True

    def wanted(self, *, is_detailed: bool) -> Wanted:
        """What is to be read for that; exemplars and beginnings only when ``is_detailed``."""
        return Wanted(
            catalogue=self.catalogue,
            scope_labels=self.scope_labels,
            exemplars=is_detailed,
            created=is_detailed and self.created_series,
        )


class Source:
    """Reads the recorder behind the latest reader. Thread-safe: one caller collects at a time, the others wait."""

    def __init__(self, shown: Shown, note: Note) -> None:
        self._shown = shown
        self._note = note
        self._lock = threading.RLock()  # reentrant: a signal handler may publish while its thread collects
        self._reader: PullReader | None = None
        self._cells = CellTables(note)

    def after_fork_in_child(self) -> None:
        """A collection of the parent does not go on in the child."""
        self._lock = threading.RLock()

    def reader(self, options: Mapping[str, Any]) -> MetricReader:
        """A new metric reader with ``options``, whose metrics are read from now on in place of those of the one before."""
        self._reader = PullReader(**options)
        return self._reader

    def collect(self, *, is_detailed: bool) -> Collected:
        """One table a family, and the resource as labels; both empty when there are no metrics."""
        with self._lock:
            reader = self._reader
            if reader is None:
                return _NOTHING
            wanted = self._shown.wanted(is_detailed=is_detailed)
            provider = reader.native_provider
            if provider is not None:
                found = self._cells.tables(provider.streams(reader), wanted)
                resource = provider.resource
            else:
                data = reader.take()
                if data is None or not data.resource_metrics:
                    return _NOTHING
                found = points.tables_of(data, wanted, self._note)
                resource = data.resource_metrics[0].resource
            tables = merged(found, self._note)
            return Collected(tables, labels(resource.attributes)) if tables else _NOTHING
