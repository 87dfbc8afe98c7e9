"""One scrape: our metrics and whatever the application registered with ``prometheus_client``, written down.

Loaded by `exposition.py` at the first scrape. The way of a metric: cells -> tables (`source.py`) -> those of all processes
(`multiprocess/`), when there are several -> older names (`legacy.py`) -> text (`text.py`) or protobuf (`protobuf.py`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from typing import Any, Final, TypeAlias

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from heliograph.prometheus import protobuf
from heliograph.prometheus.labels import rendered
from heliograph.prometheus.legacy import with_legacy
from heliograph.prometheus.merge import Note
from heliograph.prometheus.registry import Registry, encoded, filtered
from heliograph.prometheus.shown import Shown
from heliograph.prometheus.table import Collected, Table
from heliograph.prometheus.text import TextWriter, sample_names, target_info

Collect: TypeAlias = Callable[[bool], Collected]
"""Gives the tables; those of a scrape that says exemplars and beginnings when it is given true."""

# Names and labels of ours are valid without escaping. Of the schemes, `dots` alone would change such names; nobody who asks
# for it insists (Prometheus, "Content negotiation": the server chooses).
_DOTS: Final = re.compile(r"escaping\s*=\s*dots", re.IGNORECASE)
# What Prometheus sends first when it takes native histograms, which only this format has.
_PROTOBUF: Final = re.compile(r"\s*application/vnd\.google\.protobuf\s*;[^,]*encoding\s*=\s*delimited", re.IGNORECASE)
_TARGET: Final = frozenset({"target", "target_info"})  # what says who sends


class Rendering:
    """Writes what ``collect`` gives. Thread-safe: one scrape collects at a time, and gets all of it or waits."""

    def __init__(self, application: CollectorRegistry | None, shown: Shown, note: Note) -> None:
        self._registry = Registry(application if application is not None else prometheus_client.REGISTRY, note)
        self._shown = shown
        self._note = note
        self._lock = threading.RLock()  # reentrant: a callback or a signal handler of the application's may scrape
        self._writer = TextWriter()

    def after_fork_in_child(self) -> None:
        """A scrape of the parent does not go on in the child."""
        self._lock = threading.RLock()

    def render(self, collect: Collect, accept: str, names: Collection[str], *, is_of_all: bool) -> tuple[bytes, str]:
        """All metrics in the format that the ``Accept`` header prefers, and its content type. With ``names``, only families
        and samples of these names. ``is_of_all`` says that ``collect`` gives those of several processes."""
        if _PROTOBUF.match(accept):
            return self._protobuf(collect, names, is_of_all=is_of_all), protobuf.CONTENT_TYPE
        encode, content_type = _format(accept)
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        with self._lock:
            tables, target, others = self._gathered(collect(is_openmetrics), names, is_of_all=is_of_all)
            written = self._writer.write(tables, is_openmetrics=is_openmetrics, names=names)
        head = target_info(target, is_openmetrics=is_openmetrics).encode() if target is not None else b""
        return b"".join((head, *written, encoded(others, encode, self._note))), content_type

    def _protobuf(self, collect: Collect, names: Collection[str], *, is_of_all: bool) -> bytes:
        is_detailed = True
        with self._lock:
            tables, target, others = self._gathered(collect(is_detailed), names, is_of_all=is_of_all)
        head = protobuf.target_info(target) if target is not None else b""
        written = [protobuf.written(table, names) for table in tables]
        return b"".join((head, *written, encoded(others, protobuf.written_families, self._note)))

    def _gathered(
        self, found: Collected, names: Collection[str], *, is_of_all: bool
    ) -> tuple[list[Table], str | None, list[Metric]]:
        """One table a family; the labels of ``target_info``, None when that is not to be shown; the application's own."""
        tables = self._distinct(found)
        taken = _TARGET.union(*(sample_names(table.family) for table in tables))
        others = list(self._registry.families(taken, is_of_one=is_of_all))
        target = rendered(found.resource) if tables else None
        if names:
            others = list(filtered(others, names))
            target = target if _TARGET & set(names) else None
        return tables, target, others

    def _distinct(self, found: Collected) -> list[Table]:
        """Older names included, without a second table that would expose a name of the first."""
        tables = list(found.tables)
        if self._shown.legacy_names:
            tables = with_legacy(tables, self._shown.catalogue, self._note)
        taken: set[str] = set(_TARGET)
        kept = []
        for table in tables:
            names = sample_names(table.family)
            if names & taken:
                self._note(table.family.name, "exposes a name that another metric exposes too; the first one is exposed")
            else:
                taken |= names
                kept.append(table)
        return kept


def _format(accept: str) -> tuple[Callable[[Any], bytes], str]:
    try:
        return choose_encoder(_DOTS.sub("escaping=underscores", accept))
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")
