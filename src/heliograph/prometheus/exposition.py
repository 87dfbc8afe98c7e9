"""What ``/metrics`` answers: our metrics and whatever the application registered with ``prometheus_client``.

Called by the endpoint, by many scrapes at once. Collects through a metric reader of the SDK.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import prometheus_client
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from heliograph.prometheus.families import families
from heliograph.prometheus.text import Written, write
from heliograph.recording.official.collecting import COLLECTING
from heliograph.recording.readers import LimitedReader

logger = logging.getLogger("heliograph.prometheus")

# What a family of each type may expose beside its own name.
_SUFFIXES: Final = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("_count", "_sum", "_created"),
    "info": ("_info",),
}


class Exposition:
    """Renders metrics for scraping. Thread-safe: one scrape collects at a time, and gets all of it or waits."""

    def __init__(self, application: CollectorRegistry | None = None) -> None:
        self._application = application if application is not None else prometheus_client.REGISTRY
        self._lock = threading.Lock()
        self._reader: PullReader | None = None
        self._said: set[str] = set()

    def after_fork_in_child(self) -> None:
        """A scrape of the parent does not go on in the child."""
        self._lock = threading.Lock()

    def reader(self, options: Mapping[str, Any]) -> MetricReader:
        """A new metric reader with ``options``, whose metrics are exposed from now on in place of those of the one before."""
        self._reader = PullReader(**options)
        return self._reader

    def render(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that the ``Accept`` header prefers, and its content type."""
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is no number
            encode, content_type = choose_encoder("")
        with self._lock:
            own = self._own(content_type)
            found = list(self._distinct(own))
        written = "".join(own.lines).encode()
        try:
            return written + encode(_Fixed(found)), content_type
        except Exception:  # a family of the application's may be odd in any way; the others are still shown
            encodable = [family for family in found if self._is_encodable(family, encode)]
            return written + encode(_Fixed(encodable)), content_type

    def _own(self, content_type: str) -> Written:
        """Our metrics: as text where the native recorder has them and names need no escaping, else as families."""
        reader = self._reader
        if reader is None:
            return Written()
        provider = reader.native_provider
        if provider is None or "escaping=dots" in content_type:
            data = reader.take()
            return Written(others=families(data, self._say_once) if data is not None else [])
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        return write(provider.streams(reader), provider.resource, self._say_once, is_openmetrics=is_openmetrics)

    def _distinct(self, own: Written) -> Iterator[Metric]:
        """Our families, then those of the application whose names are free; no name is exposed twice."""
        taken = set(own.names)
        for family in own.others:
            taken |= _names(family)
            yield family
        for family in self._application_families():
            names = _names(family)
            if names & taken:
                self._say_once(family.name, "is in prometheus_client.REGISTRY too, or twice; the first one is exposed")
            else:
                taken |= names
                yield family

    def _application_families(self) -> list[Metric]:
        try:
            found = list(self._application.collect())
        except Exception:  # a collector of the application's may raise anything; the others are asked one by one
            found = [family for collector in self._collectors() for family in self._asked(collector)]
        return [family for family in found if isinstance(family, Metric)]

    def _collectors(self) -> list[Any]:
        return list(getattr(self._application, "_collector_to_names", ()))

    def _asked(self, collector: Any) -> list[Metric]:
        try:
            return list(collector.collect())
        except Exception as error:  # as above
            kind = type(collector).__name__
            self._say_once(kind, f"in prometheus_client.REGISTRY failed, so its metrics are missing: {error!r}")
            return []

    def _is_encodable(self, family: Metric, encode: Callable[[Any], bytes]) -> bool:
        try:
            encode(_Fixed([family]))
        except Exception as error:  # as above
            self._say_once(family.name, f"cannot be exposed: {error!r}")
            return False
        return True

    def _say_once(self, name: str, what: str) -> None:
        if name not in self._said:
            self._said.add(name)
            logger.warning("metric or collector %s %s", name, what)


class PullReader(LimitedReader):
    """A reader that collects when it is asked to, and keeps nothing in between."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._data: MetricsData | None = None
        self._is_shut_down = False
        self._provider: weakref.ReferenceType[Any] | None = None

    def _set_meter_provider(self, meter_provider: Any) -> None:
        super()._set_meter_provider(meter_provider)
        self._provider = weakref.ref(meter_provider)

    @property
    def native_provider(self) -> Any:
        """The provider whose cells can be read as they lie; None when it is another recorder's, or gone."""
        provider = self._provider() if self._provider is not None and not self._is_shut_down else None
        return provider if hasattr(provider, "streams") else None

    def take(self) -> MetricsData | None:
        """Everything as it is now; None when there is nothing. One caller at a time."""
        if self._is_shut_down:
            return None
        self._data = None
        with COLLECTING.collecting():
            self.collect()
        data, self._data = self._data, None
        return data

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._data = metrics_data

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing to do: who wants it comes and fetches."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._is_shut_down = True


class _Fixed:
    """What ``prometheus_client`` encodes: something with a ``collect()``."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Sequence[Metric]:
        return self._found


def _names(family: Metric) -> set[str]:
    exposed = {family.name, *(family.name + suffix for suffix in _SUFFIXES.get(family.type, ()))}
    return exposed | {sample.name for sample in family.samples}
