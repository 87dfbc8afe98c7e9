"""The native ``MeterProvider``: takes the official one's arguments, and can stand in its place.

Readers, views and exporters of the SDK attach as they are; a reader gets the SDK's own ``MetricsData``.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import metrics as api
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.metrics import ExemplarFilter
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.catalog.catalogue import Catalogue
from heliograph.locks import recording_lock
from heliograph.recording import resources
from heliograph.recording.forks import watch_forks
from heliograph.recording.metrics.collection import CollectedStream, Collecting
from heliograph.recording.metrics.declared import Declarations
from heliograph.recording.metrics.exemplars import chosen_filter
from heliograph.recording.metrics.meter import Meter
from heliograph.recording.metrics.views import ViewRule
from heliograph.recording.mishaps import Mishaps

logger = logging.getLogger("heliograph.recording")


class MeterProvider(api.MeterProvider):
    """Makes meters. Thread-safe.

    The arguments are those of ``opentelemetry.sdk.metrics.MeterProvider``, with the same defaults from the environment
    (``OTEL_METRICS_EXEMPLAR_FILTER``, ``OTEL_SDK_DISABLED``); ``views`` may hold `ViewRule` too. ``mishaps`` counts what was
    not recorded as it was given. ``catalogue`` has what callers do not say of the metrics in it. After a fork the child is
    another instance of the service, and begins at zero.

    Raises ValueError for a reader that another provider has already.
    """

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        exemplar_filter: ExemplarFilter | None = None,
        shutdown_on_exit: bool = True,  # noqa: FBT001, FBT002  # the official signature
        views: Sequence[View | ViewRule] = (),
        *,
        _meter_configurator: Callable[[InstrumentationScope], Any] | None = None,
        mishaps: Mishaps | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._resource = resources.adopted(resource)
        self._mishaps = mishaps or Mishaps()
        self._declarations = Declarations(catalogue or Catalogue(()), self._mishaps)
        self._is_disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._is_shut_down = False
        self._configure = _meter_configurator
        self._lock = recording_lock()  # guards the meters and readers; reentrant for finalisers that make an instrument
        self._meters: dict[InstrumentationScope, Meter] = {}
        self._metric_readers: list[MetricReader] = []
        self._collecting = Collecting(
            resource=lambda: self._resource,
            views=tuple(views),
            exemplar_filter=chosen_filter(exemplar_filter),
            mishaps=self._mishaps,
        )
        for reader in metric_readers:
            if reader._collect is not None:
                raise ValueError(f"{reader!r} was given, which another MeterProvider has already; make one for each provider")
        for reader in metric_readers:
            self._attach(reader)
        self._at_exit = atexit.register(self.shutdown) if shutdown_on_exit else None
        watch_forks(self)

    @property
    def resource(self) -> Resource:
        """Who sends."""
        return self._resource

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> api.Meter:
        """The meter of an instrumentation scope: the same object for the same arguments."""
        if self._is_disabled:
            return NoOpMeter(name, version=version, schema_url=schema_url)
        if self._is_shut_down or not name:
            reason = "the MeterProvider was shut down" if self._is_shut_down else "it was given no name"
            logger.warning("get_meter() returns a meter that records nothing: %s", reason)
            return NoOpMeter(name, version=version, schema_url=schema_url)
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._lock:
            meter = self._meters.get(scope)
            if meter is None:
                register = self._registration(scope)
                about = (self._collecting.guard, self._mishaps, self._declarations)
                meter = self._meters[scope] = Meter(scope, register, *about)
            return meter

    def report_undeclared(self, meter: api.Meter) -> None:
        """Let ``meter`` report series with attributes that the catalogue does not declare."""
        self._declarations.undeclared.register(meter)

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Let ``metric_reader`` collect too."""
        if metric_reader._collect is not None:
            logger.warning("metric reader %r has been added already", metric_reader)
            return
        self._attach(metric_reader)  # without the lock: a collection that goes on may need it for its callbacks

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Shut ``metric_reader`` down, and let it collect no more."""
        with self._lock:
            if metric_reader not in self._metric_readers:
                logger.warning("metric reader %r is none of this provider's", metric_reader)
                return
            self._metric_readers.remove(metric_reader)
        self._shut_down(metric_reader, 30_000)
        metric_reader._set_collect_callback(None)
        self._collecting.remove_reader(metric_reader, self._is_on)

    def streams(self, reader: MetricReader, timeout_millis: float = 10_000) -> list[CollectedStream]:
        """What ``reader``, which is one for cumulative values, would collect now, as cells: for whoever renders them itself.

        ``timeout_millis`` is for the callbacks of observable instruments, in ms.
        """
        return self._collecting.streams(reader, timeout_millis)

    def restart(self, *, is_forgetting_callbacks: bool) -> None:
        """Begin anew at zero, for a test: instruments that somebody holds record on. Those that callbacks observe have to be
        made again with ``is_forgetting_callbacks``."""
        if is_forgetting_callbacks:
            with self._lock:
                meters = list(self._meters.values())
            for meter in meters:
                meter.forget_callbacks()
        self._collecting.restart(is_forgetting_callbacks=is_forgetting_callbacks)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Let each reader collect and deliver; true when all said, within ``timeout_millis`` ms together, that they did."""
        deadline_ns = time.monotonic_ns() + int(timeout_millis * 1e6)
        is_flushed = True
        for reader in list(self._metric_readers):
            left_ms = (deadline_ns - time.monotonic_ns()) / 1e6
            try:
                is_flushed &= left_ms > 0 and reader.force_flush(timeout_millis=left_ms) is not False
            except Exception as error:  # readers and exporters of the application's may raise anything; the others go on
                self._mishaps.note("metric reader", error)
                is_flushed = False
        return is_flushed

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shut the readers down, within ``timeout_millis`` ms together. Only the first call does."""
        with self._lock:
            if self._is_shut_down:
                logger.warning("shutdown() of the MeterProvider was called before; nothing is left to do")
                return
            self._is_shut_down = True
        deadline_ns = time.monotonic_ns() + int(timeout_millis * 1e6)
        for reader in list(self._metric_readers):
            self._shut_down(reader, max(0.0, (deadline_ns - time.monotonic_ns()) / 1e6))
        if self._at_exit is not None:
            atexit.unregister(self._at_exit)
            self._at_exit = None

    def _shut_down(self, reader: MetricReader, timeout_millis: float) -> None:
        try:
            reader.shutdown(timeout_millis=timeout_millis)
        except Exception as error:  # as in `force_flush`
            self._mishaps.note("metric reader", error)

    def _attach(self, reader: MetricReader) -> None:
        self._collecting.add_reader(reader, self._is_on)
        self._metric_readers.append(reader)
        reader._set_collect_callback(self._collecting.collect)  # type: ignore[arg-type]  # the SDK's annotation is not its use
        reader._set_meter_provider(self)

    def _registration(self, scope: InstrumentationScope) -> Callable[[Any], None]:
        return lambda instrument: self._collecting.add_instrument(instrument, is_enabled=self._is_on(scope))

    def _is_on(self, scope: InstrumentationScope) -> bool:
        if self._configure is None:
            return True
        try:
            return bool(self._configure(scope).is_enabled)
        except Exception as error:  # the application's own code; meters are on by default
            self._mishaps.note("meter configurator", error)
            return True

    def _set_meter_configurator(self, *, meter_configurator: Callable[[InstrumentationScope], Any]) -> None:
        with self._lock:
            self._configure = meter_configurator
            for scope in self._meters:
                self._collecting.switch(scope, is_enabled=self._is_on(scope))

    def after_fork_in_child(self) -> None:
        """Begin anew, as another instance of the service."""
        self._lock = recording_lock()
        self._mishaps.after_fork_in_child()
        self._declarations.undeclared.after_fork_in_child()
        self._resource = resources.forked(self._resource)
        for meter in self._meters.values():
            meter.after_fork_in_child()
        self._collecting.after_fork_in_child()


sdk.MeterProvider.register(MeterProvider)  # isinstance() holds for ours
