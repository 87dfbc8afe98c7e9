"""Collections: all instruments of a provider, its readers, and what a reader gets when it asks.

Called by `provider.py`; a reader of the SDK calls `Collecting.collect` itself. One collection at a time: callbacks of the
application are not called by two threads at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time_ns
from typing import Any, Final

from opentelemetry.metrics import Asynchronous, CallbackOptions
from opentelemetry.sdk.metrics import ExemplarFilter, MetricsTimeoutError
from opentelemetry.sdk.metrics.export import Metric, MetricReader, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.locks import recording_lock
from heliograph.recording.metrics.cells import Cell
from heliograph.recording.metrics.exemplars import Sampling
from heliograph.recording.metrics.points import metric_of
from heliograph.recording.metrics.series import Guard
from heliograph.recording.metrics.storage import Storage
from heliograph.recording.metrics.views import Stream, ViewRule, streams
from heliograph.recording.metrics.wiring import Wiring
from heliograph.recording.mishaps import Mishaps

_LONGEST_CALLBACK_MS: Final = 10_000.0  # OpenTelemetry's default for one callback


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedStream:
    """One metric as its cells are now, without the SDK's points. ``cells`` go on to change."""

    scope: InstrumentationScope
    name: str
    unit: str
    description: str
    kind: str  # "sum", "last_value", "explicit" or "exponential"
    is_monotonic: bool
    is_observed: bool  # by callbacks
    bounds: tuple[float, ...]  # of explicit buckets
    sampling: Sampling  # which has the exemplars of the cells
    cells: list[Cell]


class Collecting:
    """The instruments, the readers and what connects them. Thread-safe."""

    def __init__(
        self,
        *,
        resource: Callable[[], Resource],
        views: tuple[View | ViewRule, ...],
        exemplar_filter: ExemplarFilter,
        mishaps: Mishaps,
    ) -> None:
        self._resource = resource
        self._views = views
        self._exemplar_filter = exemplar_filter
        self._mishaps = mishaps
        self.guard = Guard()
        self._wirings: list[Wiring] = []
        self._readers: dict[MetricReader, int] = {}  # with the time of the last collection
        self._names: dict[tuple[Any, ...], Stream] = {}
        self._make_locks()

    def _make_locks(self) -> None:
        self._lock = recording_lock()  # guards the lists; a finaliser may make an instrument
        self._one_at_a_time = threading.RLock()  # held by a collection, callbacks included; they may measure
        self._is_observing = False

    def after_fork_in_child(self) -> None:
        """Begin anew: nothing was recorded, nobody collects."""
        self._make_locks()
        self.guard.after_fork_in_child()
        self._readers = dict.fromkeys(self._readers, 0)
        for wiring in self._wirings:
            wiring.instrument.restart()

    def restart(self, *, is_forgetting_callbacks: bool) -> None:
        """Begin anew, as if nothing had been recorded, and without the instruments that callbacks observe if these are to be
        forgotten."""
        with self._one_at_a_time, self._lock:
            self._readers = dict.fromkeys(self._readers, 0)
            if is_forgetting_callbacks:
                self._wirings = [wiring for wiring in self._wirings if not isinstance(wiring.instrument, Asynchronous)]
            with self.guard.lock:
                for wiring in self._wirings:
                    wiring.instrument.restart()

    def add_instrument(self, instrument: Any, *, is_enabled: bool) -> None:
        """Let ``instrument`` record for the readers, those to come too."""
        with self._lock:
            found = streams(self._views, instrument, self._mishaps)
            for stream in found:
                self._note_conflict(stream)
            wiring = Wiring(instrument, found, self._exemplar_filter, self._mishaps)
            wiring.connect(self._readers, is_enabled=is_enabled)
            self._wirings.append(wiring)

    def switch(self, scope: InstrumentationScope, *, is_enabled: bool) -> None:
        """Let the instruments of ``scope`` record, or not."""
        with self._lock:
            for wiring in self._wirings:
                if wiring.instrument.instrumentation_scope == scope:
                    wiring.switch(is_enabled=is_enabled)

    def add_reader(self, reader: MetricReader, is_enabled: Callable[[InstrumentationScope], bool]) -> None:
        """Let ``reader`` collect what is recorded from now on (and what cumulative readers have already)."""
        with self._one_at_a_time, self._lock:
            self._readers[reader] = 0
            self._connect(is_enabled)

    def remove_reader(self, reader: MetricReader, is_enabled: Callable[[InstrumentationScope], bool]) -> None:
        with self._one_at_a_time, self._lock:
            self._readers.pop(reader, None)
            self._connect(is_enabled)

    def _connect(self, is_enabled: Callable[[InstrumentationScope], bool]) -> None:
        for wiring in self._wirings:
            wiring.connect(self._readers, is_enabled=is_enabled(wiring.instrument.instrumentation_scope))

    def collect(self, reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        """Everything that ``reader`` is to get; None when there is nothing. Called by the reader.

        Raises the SDK's ``MetricsTimeoutError`` when another collection takes longer than ``timeout_millis`` ms.
        """
        with self._collection(reader, timeout_millis) as wirings:
            now_ns = time_ns()
            since_ns = self._readers.get(reader, 0)
            scopes: dict[InstrumentationScope, list[Metric]] = {}
            for wiring in wirings:
                for storage in wiring.of(reader):
                    metric = metric_of(storage, now_ns, since_ns, self._mishaps)
                    self._end(storage, wiring, now_ns)
                    if metric is not None:
                        scopes.setdefault(wiring.instrument.instrumentation_scope, []).append(metric)
            if reader in self._readers:
                self._readers[reader] = time_ns()
        return self._data(scopes) if scopes else None

    def streams(self, reader: MetricReader, timeout_millis: float = 10_000) -> list[CollectedStream]:
        """The same for a reader that asks for cumulative values, as cells. Deltas are not to be had in this way."""
        by_scope: dict[InstrumentationScope, list[CollectedStream]] = {}
        with self._collection(reader, timeout_millis) as wirings:
            for wiring in wirings:
                for storage in wiring.of(reader):
                    if not storage.is_delta:
                        by_scope.setdefault(wiring.instrument.instrumentation_scope, []).append(_collected(storage))
                        self._end(storage, wiring, time_ns())
        return [stream for found in by_scope.values() for stream in found]

    @contextmanager
    def _collection(self, reader: MetricReader, timeout_millis: float) -> Iterator[list[Wiring]]:
        deadline_ns = time.monotonic_ns() + int(min(max(timeout_millis, 0), 1e12) * 1e6)
        one_at_a_time = self._one_at_a_time
        if not one_at_a_time.acquire(timeout=max(timeout_millis, 0) / 1e3 if timeout_millis < 1e9 else -1):
            raise MetricsTimeoutError(f"another collection goes on for more than {timeout_millis} ms")
        try:
            with self._lock:
                wirings = list(self._wirings)
            self._observe(reader, wirings, deadline_ns)
            yield wirings
        finally:
            one_at_a_time.release()

    def _observe(self, reader: MetricReader, wirings: list[Wiring], deadline_ns: int) -> None:
        wirings = [wiring for wiring in wirings if isinstance(wiring.instrument, Asynchronous)]
        if not wirings:
            return
        if self._is_observing:
            self._mishaps.note("observable callback", "collected metrics itself; it is not called again for that")
            return
        self._is_observing = True
        try:
            for wiring in wirings:
                left_ms = (deadline_ns - time.monotonic_ns()) / 1e6
                options = CallbackOptions(timeout_millis=max(0.0, min(left_ms, _LONGEST_CALLBACK_MS)))
                wiring.instrument.observe(wiring.of(reader), options, is_late=left_ms <= 0)
        finally:
            self._is_observing = False

    def _end(self, storage: Storage, wiring: Wiring, now_ns: int) -> None:
        storage.end_collection(now_ns, getattr(wiring.instrument, "forget", _nothing))

    def _data(self, scopes: dict[InstrumentationScope, list[Metric]]) -> MetricsData:
        resource = self._resource()
        scope_metrics = [
            ScopeMetrics(scope=scope, metrics=metrics, schema_url=scope.schema_url or "") for scope, metrics in scopes.items()
        ]
        return MetricsData(
            resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=scope_metrics, schema_url=resource.schema_url)]
        )

    def _note_conflict(self, stream: Stream) -> None:
        """Say so when a view makes a metric that another one of the same scope makes already."""
        scope = stream.instrument.instrumentation_scope
        key = (scope.name, scope.version, scope.schema_url, stream.name.lower(), stream.instrument.unit)
        other = self._names.setdefault(key, stream)
        if other is not stream and (stream.view is not None or other.view is not None):
            self._mishaps.note(
                "view", f"{stream.instrument.name} and {other.instrument.name} both become metric {stream.name}"
            )


def _collected(storage: Storage) -> CollectedStream:
    stream = storage.stream
    return CollectedStream(
        scope=stream.instrument.instrumentation_scope,
        name=stream.name,
        unit=stream.instrument.unit,
        description=stream.description,
        kind=storage.aggregation.kind,
        is_monotonic=storage.aggregation.is_monotonic,
        is_observed=storage.is_observed,
        bounds=storage.aggregation.bounds,
        sampling=storage.sampling,
        cells=storage.touched(),
    )


def _nothing() -> None:
    """An observable instrument keeps no shortcuts."""
