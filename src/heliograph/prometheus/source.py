"""What this process has to show: the tables of its metrics, read from its recorder, and who it is.

Called by `exposition.py` at a scrape and, where several processes are scraped as one, for their `Member`.
"""

from __future__ import annotations

import threading
from typing import Final

from heliograph.prometheus import points
from heliograph.prometheus.labels import labels
from heliograph.prometheus.merge import Note, merged
from heliograph.prometheus.reader import PullReader
from heliograph.prometheus.shown import Shown
from heliograph.prometheus.table import Collected
from heliograph.prometheus.tables import CellTables, Wanted

_NOTHING: Final = Collected((), {})


class Source:
    """Reads the recorder behind a reader. Thread-safe: one caller collects at a time, the others wait."""

    def __init__(self, shown: Shown, note: Note) -> None:
        self._shown = shown
        self._note = note
        self._lock = threading.RLock()  # reentrant: a signal handler may publish while its thread collects
        self._cells = CellTables(note)

    def after_fork_in_child(self) -> None:
        """A collection of the parent does not go on in the child."""
        self._lock = threading.RLock()

    def collect(self, reader: PullReader | None, *, is_detailed: bool) -> Collected:
        """One table a family, and the resource as labels; both empty when there are no metrics. Exemplars and when a series
        began are read only when ``is_detailed``."""
        with self._lock:
            if reader is None:
                return _NOTHING
            shown = self._shown
            wanted = Wanted(
                catalogue=shown.catalogue,
                scope_labels=shown.scope_labels,
                exemplars=is_detailed,
                created=is_detailed and shown.created_series,
            )
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
