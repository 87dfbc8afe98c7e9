"""The native LoggerProvider: OpenTelemetry's, with the constructor and the methods of the SDK's.

Built by an application on its own, or by a manager, which gives ``accept``. Makes loggers, holds what they share.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import _logs as api
from opentelemetry._logs import NoOpLogger
from opentelemetry.metrics import MeterProvider, get_meter_provider
from opentelemetry.sdk import _logs as sdk
from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED, OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv._incubating.metrics.otel_metrics import create_otel_sdk_log_created

from heliograph.recording import resources
from heliograph.recording.forks import watch_forks
from heliograph.recording.logs.logger import Logger
from heliograph.recording.logs.outlet import Outlet
from heliograph.recording.logs.processors import Processors
from heliograph.recording.logs.record import NativeLogRecord
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.recorder import nowhere

# A name for each request would otherwise be kept for ever.
_MOST_LOGGERS: Final = 1024
_TIMEOUT_MS: Final = 30_000
_RESTART_S: Final = 1.0


class LoggerProvider(api.LoggerProvider):
    """Thread-safe. The arguments are those of the SDK's, and two more.

    ``accept`` takes each record that was emitted, after the attached processors have seen and changed it; ``mishaps`` counts
    what fails in an emit, which never raises. ``meter_provider`` counts the records (``otel.sdk.log.created``) when
    ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`` is "true". With ``OTEL_SDK_DISABLED`` "true" all loggers do nothing.
    """

    def __init__(
        self,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,  # noqa: FBT001, FBT002  # the SDK's signature
        multi_log_record_processor: LogRecordProcessor | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        log_record_limits: LogRecordLimits | None = None,
        _logger_configurator: Callable[[InstrumentationScope], Any] | None = None,
        accept: Callable[[NativeLogRecord], None] | None = None,
        mishaps: Mishaps | None = None,
    ) -> None:
        limits = log_record_limits or LogRecordLimits()
        self._mishaps = mishaps or Mishaps()
        self._outlet = Outlet(
            resource=resources.adopted(resource),
            limits=limits,
            most_attributes=limits.max_log_record_attributes,
            longest_text=limits.max_log_record_attribute_length,
            mishaps=self._mishaps,
            accept=accept or nowhere,
            processors=None,
            count=_counter(meter_provider),
            is_direct=False,
        )
        self._multi = multi_log_record_processor
        self._configure = _logger_configurator
        self._is_disabled = _is_set(OTEL_SDK_DISABLED)
        self._is_shut_down = False
        self._loggers: dict[tuple[Any, Any, Any], Logger] = {}
        self._set_processors(None if self._multi is None else Processors((self._multi,), self._mishaps))
        # Not through a weak reference: who keeps a logger only still wants its records delivered.
        self._at_exit = atexit.register(self.shutdown) if shutdown_on_exit else None
        watch_forks(self._outlet)

    @property
    def resource(self) -> Resource:
        """Who sends."""
        return self._outlet.resource

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> api.Logger:
        if self._is_disabled:
            return NoOpLogger(name, version=version, schema_url=schema_url, attributes=attributes)
        key = (name, version, schema_url)
        try:
            known = self._loggers.get(key) if attributes is None else None
        except TypeError:  # no name that could be looked up
            return self._made(*key, attributes)
        if known is None:
            known = self._made(*key, attributes)
            if attributes is None:
                self._keep(key, known)
        return known

    def _keep(self, key: tuple[Any, Any, Any], made: Logger) -> None:
        if len(self._loggers) >= _MOST_LOGGERS:
            self._loggers = {}
        self._loggers[key] = made

    def _made(self, name: str, version: str | None, schema_url: str | None, attributes: Mapping[str, Any] | None) -> Logger:
        try:
            scope = InstrumentationScope(name, version, schema_url, attributes)
        except Exception as error:  # a mapping of the application's own may raise anything
            self._mishaps.note("get_logger", error)
            scope = InstrumentationScope(name, version, schema_url)
        return Logger(scope, self._outlet, is_enabled=self._is_wanted(scope))

    def _is_wanted(self, scope: InstrumentationScope) -> bool:
        if self._configure is None:
            return True
        try:
            return bool(self._configure(scope).is_enabled)
        except Exception as error:  # somebody else's code
            self._mishaps.note("logger configurator", error)
            return True

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Show every record from now on to ``log_record_processor``, after those that are there already."""
        with self._outlet.lock:
            add: Any = getattr(self._multi, "add_log_record_processor", None)
            if add is not None:
                add(log_record_processor)
                return
            known = self._outlet.processors or Processors((), self._mishaps)
            self._set_processors(known.joined_by(log_record_processor))

    def _set_processors(self, processors: Processors | None) -> None:
        outlet = self._outlet
        outlet.processors = processors
        outlet.is_direct = processors is None and outlet.count is None

    def restart(self, accept: Callable[[NativeLogRecord], None]) -> None:
        """Begin anew, for a test: every record from now on goes to ``accept``, and processors that were attached are shut
        down."""
        with self._outlet.lock:
            self._outlet.accept = accept
            attached = self._outlet.processors
            self._set_processors(None)
        if attached is not None:
            attached.shutdown(_RESTART_S)

    def record_as(self, other: LoggerProvider) -> Callable[[], None]:
        """Let the loggers that there are emit to where those of ``other`` do; returns what ends that. For a test."""
        lent = list(self._loggers.values())
        for logger in lent:
            logger.outlet = other._outlet

        def record_itself() -> None:
            for logger in lent:
                logger.outlet = self._outlet

        return record_itself

    def force_flush(self, timeout_millis: int = _TIMEOUT_MS) -> bool:
        """Flush every processor; true when each said within ``timeout_millis`` for all together that it did."""
        processors = self._outlet.processors
        return processors is None or processors.force_flush(timeout_millis / 1000)

    def shutdown(self, timeout_millis: int = _TIMEOUT_MS) -> bool:
        """Shut every processor down, once; true when each did within ``timeout_millis`` for all together."""
        with self._outlet.lock:
            if self._is_shut_down:
                return True
            self._is_shut_down = True
        if self._at_exit is not None:
            atexit.unregister(self._at_exit)
        processors = self._outlet.processors
        return processors is None or processors.shutdown(timeout_millis / 1000)


sdk.LoggerProvider.register(LoggerProvider)  # for who asks isinstance(provider, opentelemetry.sdk._logs.LoggerProvider)


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() == "true"


def _counter(meter_provider: MeterProvider | None) -> Callable[[], None] | None:
    """Counts the records that were made, as the SDK does on demand."""
    if not _is_set(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED):
        return None
    created = create_otel_sdk_log_created((meter_provider or get_meter_provider()).get_meter("opentelemetry-sdk"))
    return lambda: created.add(1)
