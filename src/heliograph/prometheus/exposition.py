"""What ``/metrics`` answers: our metrics and whatever the application registered with ``prometheus_client``.

Called by the endpoint, by many scrapes at once. The way of a metric: cells -> tables (`source.py`) -> those of all processes
(`multiprocess/`), when there are several -> older names (`legacy.py`) -> text (`text.py`) or protobuf (`protobuf.py`).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import prometheus_client
from opentelemetry.sdk.metrics.export import MetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from heliograph.clock import Clock
from heliograph.prometheus import protobuf
from heliograph.prometheus.labels import rendered
from heliograph.prometheus.legacy import with_legacy
from heliograph.prometheus.multiprocess.member import Collected, Member
from heliograph.prometheus.registry import Registry, encoded, filtered
from heliograph.prometheus.source import Shown, Source
from heliograph.prometheus.table import Table
from heliograph.prometheus.text import TextWriter, sample_names, target_info

logger = logging.getLogger("heliograph.prometheus")

# Names and labels of ours are valid without escaping. Of the schemes, `dots` alone would change such names; nobody who asks
# for it insists (Prometheus, "Content negotiation": the server chooses).
_DOTS: Final = re.compile(r"escaping\s*=\s*dots", re.IGNORECASE)
# What Prometheus sends first when it takes native histograms, which only this format has.
_PROTOBUF: Final = re.compile(r"\s*application/vnd\.google\.protobuf\s*;[^,]*encoding\s*=\s*delimited", re.IGNORECASE)
_TARGET: Final = frozenset({"target", "target_info"})  # what says who sends


class Exposition:
    """Renders metrics for scraping. Thread-safe: one scrape collects at a time, and gets all of it or waits."""

    def __init__(self, application: CollectorRegistry | None = None, shown: Shown | None = None) -> None:
        self._registry = Registry(application if application is not None else prometheus_client.REGISTRY, self._say_once)
        self._shown = shown or Shown()
        self._source = Source(self._shown, self._say_once)
        self._member: Member | None = None
        self._lock = threading.Lock()
        self._writer = TextWriter()
        self._said: set[tuple[str, str]] = set()

    def after_fork_in_child(self) -> None:
        """A scrape of the parent does not go on in the child, which is a process of its own among the service's."""
        self._lock = threading.Lock()
        self._source.after_fork_in_child()
        if self._member is not None:
            self._member.after_fork_in_child()

    def reader(self, options: Mapping[str, Any]) -> MetricReader:
        """A new metric reader with ``options``, whose metrics are exposed from now on in place of those of the one before."""
        self._member = None
        return self._source.reader(options)

    def join(self, directory: Path, clock: Clock) -> Member:
        """From now on a scrape shows all processes that share ``directory``; the caller lets the member publish, and closes
        it."""
        self._member = Member(directory, lambda: self._source.collect(is_detailed=True), self._say_once, clock)
        return self._member

    def render(self, accept: str, names: Collection[str] = ()) -> tuple[bytes, str]:
        """All metrics in the format that the ``Accept`` header prefers, and its content type. With ``names``, only families
        and samples of these names."""
        if _PROTOBUF.match(accept):
            return self._protobuf(names), protobuf.CONTENT_TYPE
        encode, content_type = _format(accept)
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        with self._lock:
            tables, target, others = self._gathered(names, is_detailed=is_openmetrics)
            written = self._writer.write(tables, is_openmetrics=is_openmetrics, names=names)
        head = target_info(target, is_openmetrics=is_openmetrics).encode() if target is not None else b""
        return b"".join((head, *written, encoded(others, encode, self._say_once))), content_type

    def _protobuf(self, names: Collection[str]) -> bytes:
        with self._lock:
            tables, target, others = self._gathered(names, is_detailed=True)
        head = protobuf.target_info(target) if target is not None else b""
        written = [protobuf.written(table, names) for table in tables]
        return b"".join((head, *written, encoded(others, protobuf.written_families, self._say_once)))

    def _gathered(self, names: Collection[str], *, is_detailed: bool) -> tuple[list[Table], str | None, list[Metric]]:
        """One table a family; the labels of ``target_info``, None when that is not to be shown; the application's own."""
        member = self._member
        found = member.scrape() if member is not None else self._source.collect(is_detailed=is_detailed)
        tables = self._distinct(found)
        taken = _TARGET.union(*(sample_names(table.family) for table in tables))
        others = list(self._registry.families(taken, is_of_one=member is not None))
        target = rendered(found.resource) if tables else None
        if names:
            others = list(filtered(others, names))
            target = target if _TARGET & set(names) else None
        return tables, target, others

    def _distinct(self, found: Collected) -> list[Table]:
        """Older names included, without a second table that would expose a name of the first."""
        tables = list(found.tables)
        if self._shown.legacy_names:
            tables = with_legacy(tables, self._shown.catalogue, self._say_once)
        taken: set[str] = set(_TARGET)
        kept = []
        for table in tables:
            names = sample_names(table.family)
            if names & taken:
                self._say_once(table.family.name, "exposes a name that another metric exposes too; the first one is exposed")
            else:
                taken |= names
                kept.append(table)
        return kept

    def _say_once(self, name: str, what: str) -> None:
        if (name, what) not in self._said:
            self._said.add((name, what))
            logger.warning("metric or collector %s %s", name, what)


def _format(accept: str) -> tuple[Callable[[Any], bytes], str]:
    try:
        return choose_encoder(_DOTS.sub("escaping=underscores", accept))
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")
