"""Whether attributes are among those that the catalogue declares for a metric. Those that are not are kept; they are counted
here, by metric, and said once.

Looked at when a series begins, never on the hot path: by `series.py` and `observables.py`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from heliograph import names
from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Metric
from heliograph.locks import recording_lock
from heliograph.recording.catalogued import Disagreements
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.mishaps import Mishaps

logger = logging.getLogger("heliograph.recording")

_MOST_SAID: Final = 1000  # keys may be made up at each call; all are counted


class Undeclared:
    """The undeclared attributes of all metrics of a provider. Thread-safe."""

    def __init__(self, mishaps: Mishaps) -> None:
        self._mishaps = mishaps
        self._counts: dict[str, int] = {}
        self._said: set[tuple[str, str]] = set()
        self._unsaid: deque[tuple[str, str]] = deque()

    def register(self, meter: Meter) -> None:
        """Let ``meter`` report how many series of each metric began with such attributes."""
        meter.create_observable_counter(names.UNDECLARED_ATTRIBUTES, [self._observe])

    def found(self, metric: str, keys: Iterable[str]) -> None:
        """A series of ``metric`` begins with ``keys`` that are not declared. Logs nothing: the caller may hold a lock."""
        self._mishaps.count("undeclared attributes")
        with recording_lock():
            self._counts[metric] = self._counts.get(metric, 0) + 1
            for key in keys:
                if (metric, key) not in self._said and len(self._said) < _MOST_SAID:
                    self._said.add((metric, key))
                    self._unsaid.append((metric, key))

    def say(self) -> None:
        """Log what was found and not said yet; to be called without a lock."""
        while self._unsaid:
            try:
                metric, key = self._unsaid.popleft()
            except IndexError:  # another thread says it
                return
            logger.warning(
                "metric %s is recorded with the attribute %r, which its row in the catalogue does not declare; "
                "it is kept: add it to the row (metrics.catalogue), or take it away with a view",
                metric,
                key,
            )

    def after_fork_in_child(self) -> None:
        """The child begins at zero; what the parent said need not be said again."""
        self._counts = {}

    def _observe(self, _options: CallbackOptions) -> Iterator[Observation]:
        self.say()
        with recording_lock():
            counts = list(self._counts.items())
        for metric, count in counts:
            yield Observation(count, {names.METRIC: metric})


class Declaration:
    """The attributes that one metric may have."""

    __slots__ = ("_name", "_undeclared", "keys")

    def __init__(self, name: str, keys: frozenset[str], undeclared: Undeclared) -> None:
        self._name = name
        self.keys = keys
        self._undeclared = undeclared

    def look(self, attributes: dict[str, Any], storages: Iterable[Storage]) -> None:
        """Compare ``attributes``, whose cells in ``storages`` are asked for next. Those that views take away do not count,
        nor does a series that is there already."""
        if self.keys.issuperset(attributes):
            return
        begun = [storage.stream for storage in storages if storage.known_cell(attributes) is None]
        if keys := {key for stream in begun for key in stream.filtered(attributes)} - self.keys:
            self._undeclared.found(self._name, sorted(keys))

    def say(self) -> None:
        """Log what was found and not said yet; to be called without a lock."""
        self._undeclared.say()


class Declarations:
    """The catalogue, and what is said and counted of metrics that are not as it declares them."""

    def __init__(self, catalogue: Catalogue, mishaps: Mishaps) -> None:
        self.catalogue = catalogue
        self.disagreements = Disagreements()
        self.undeclared = Undeclared(mishaps)

    def of(self, row: Metric | None) -> Declaration | None:
        """What is declared for the metric of ``row``; None when any attribute is allowed."""
        keys = row.declared if row is not None else None
        return Declaration(row.name, keys, self.undeclared) if row is not None and keys is not None else None
