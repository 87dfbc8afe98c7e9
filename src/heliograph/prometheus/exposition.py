"""What ``/metrics`` answers, from the reader that the recorder collects for to the bytes of a scrape.

Called by the assembly, which asks for the reader, and by the endpoint, by many scrapes at once. What a scrape needs is loaded
by the first one: an application that nobody scrapes yet does not pay for it, and none pays at its start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricReader

from heliograph.clock import Clock
from heliograph.prometheus.reader import PullReader
from heliograph.prometheus.shown import Shown
from heliograph.recording.collecting import COLLECTING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from heliograph.prometheus.multiprocess.member import Member
    from heliograph.prometheus.rendering import Rendering
    from heliograph.prometheus.source import Source
    from heliograph.prometheus.table import Collected

logger = logging.getLogger("heliograph.prometheus")


class Exposition:
    """Renders metrics for scraping. Thread-safe: one scrape collects at a time, and gets all of it or waits."""

    def __init__(self, application: CollectorRegistry | None = None, shown: Shown | None = None) -> None:
        self._application = application
        self._shown = shown or Shown()
        self._reader: PullReader | None = None
        self._member: Member | None = None
        self._loading = threading.RLock()
        self._loaded: tuple[Source, Rendering] | None = None
        self._said: set[tuple[str, str]] = set()

    def after_fork_in_child(self) -> None:
        """A scrape of the parent does not go on in the child, which is a process of its own among the service's."""
        self._loading = threading.RLock()
        for part in (*(self._loaded or ()), self._member):
            if part is not None:
                part.after_fork_in_child()

    def reader(self, options: Mapping[str, Any]) -> MetricReader:
        """A new metric reader with ``options``, whose metrics are exposed from now on in place of those of the one before."""
        self._reader = PullReader(**options)
        return self._reader

    def join(self, directory: Path, clock: Clock) -> Member:
        """From now on a scrape shows all processes that share ``directory``; the caller lets the member publish, and closes
        it."""
        from heliograph.prometheus.multiprocess.member import Member  # noqa: PLC0415

        self._member = Member(directory, lambda: self._collect(is_detailed=True), self._say_once, clock)
        return self._member

    def render(self, accept: str, names: Collection[str] = ()) -> tuple[bytes, str]:
        """All metrics in the format that the ``Accept`` header prefers, and its content type. With ``names``, only families
        and samples of these names."""
        member, (_source, rendering) = self._member, self._parts()
        if member is not None:
            return rendering.render(lambda _is_detailed: member.scrape(), accept, names, is_of_all=True)
        return rendering.render(lambda is_detailed: self._collect(is_detailed=is_detailed), accept, names, is_of_all=False)

    def _collect(self, *, is_detailed: bool) -> Collected:
        source, _rendering = self._parts()
        return source.collect(self._reader, is_detailed=is_detailed)

    def _parts(self) -> tuple[Source, Rendering]:
        if self._loaded is None:
            # No fork in the middle of an import: the child would wait for the module's lock for ever.
            with COLLECTING.collecting(), self._loading:
                if self._loaded is None:
                    from heliograph.prometheus.rendering import Rendering  # noqa: PLC0415
                    from heliograph.prometheus.source import Source  # noqa: PLC0415

                    source = Source(self._shown, self._say_once)
                    self._loaded = source, Rendering(self._application, self._shown, self._say_once)
        return self._loaded

    def _say_once(self, name: str, what: str) -> None:
        if (name, what) not in self._said:
            self._said.add((name, what))
            logger.warning("metric or collector %s %s", name, what)
