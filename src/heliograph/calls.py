"""The recording calls of a manager: spans, instruments, events. They only hand over to the recorder that is at work.

Mixed into :class:`~heliograph.manager.TelemetryManager`, which owns the state; the hot path is in `recording/`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from opentelemetry._logs import Logger
from opentelemetry.metrics import Meter
from opentelemetry.trace import Link, SpanKind, Tracer

from heliograph.assembly import Assembly
from heliograph.clock import Clock
from heliograph.recording.calls.builder import SpanBuilder
from heliograph.recording.calls.instruments import Attributes, Counter, Gauge, Histogram, Instruments, UpDownCounter
from heliograph.recording.calls.spans import Spans, SpanScope
from heliograph.recording.logs.events import emit_event
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.mishaps import Mishaps
from heliograph.settings import TelemetrySettings

P = ParamSpec("P")
R = TypeVar("R")


class RecordingCalls:
    """What an application calls to record. Thread-safe; none of the calls raises or blocks after set-up."""

    settings: TelemetrySettings
    _assembly: Assembly
    _clock: Clock
    _mishaps: Mishaps
    _spans: Spans
    _instruments: Instruments

    # Traces

    @property
    def tracer(self) -> Tracer:
        """An OpenTelemetry tracer."""
        return self._assembly.recorder.tracer

    def span(
        self,
        name: str,
        /,
        attributes: Mapping[str, Any] | None = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
        **more: Any,
    ) -> SpanScope:
        """A span around a ``with`` block (also ``async with``), or around each call of what it decorates.

        ``attributes`` and ``more`` are set on the span; the first form takes keys that are no Python names. ``name`` stays
        as it is written (``"render {video_id}"``): OpenTelemetry asks for names of low cardinality, and the values are in
        the attributes. An ``Exception`` that leaves the block is recorded and sets the status.
        """
        return SpanScope(self._spans, name, self._spans.joined(attributes, more), kind, links)

    def trace(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate ``function`` with a span named after it (``module.qualified_name``)."""
        if not callable(function):
            raise TypeError(f"trace was given {function!r}, expected a function; use @telemetry.span({function!r})")
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return self.span(f"{function.__module__}.{name}")(function)

    async def trace_async(
        self, name: str, function: Callable[[], Any] | Awaitable[Any], attributes: Mapping[str, Any] | None = None
    ) -> Any:
        """Run ``function`` (an async or plain function without arguments, or an awaitable) in a span; returns its result."""
        with self.span(name, attributes):
            result = function() if callable(function) else function
            return await result if inspect.isawaitable(result) else result

    def span_builder(self, name: str) -> SpanBuilder:
        """A span put together step by step: ``.with_attribute(k, v).with_parent(span).start()``."""
        return SpanBuilder(self._spans, name)

    # Metrics

    @property
    def meter(self) -> Meter:
        """An OpenTelemetry meter."""
        return self._assembly.recorder.meter

    def counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """A sum that only grows. The same name gives the same object; raises :class:`~heliograph.errors.InstrumentError`
        when the name is not allowed or taken by another kind. ``unit`` is in UCUM (``s``, ``By``, ``{request}``)."""
        return self._instruments.get(Counter, name, unit=unit, description=description)

    def up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """A sum that grows and shrinks; otherwise as :meth:`counter`."""
        return self._instruments.get(UpDownCounter, name, unit=unit, description=description)

    def gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """The latest value of something; otherwise as :meth:`counter`."""
        return self._instruments.get(Gauge, name, unit=unit, description=description)

    def histogram(self, name: str, unit: str = "", description: str = "", buckets: Sequence[float] | None = None) -> Histogram:
        """A distribution, with ``buckets`` as upper bounds in ``unit``; otherwise as :meth:`counter`."""
        return self._instruments.get(Histogram, name, unit=unit, description=description, buckets=buckets)

    def increment_counter(self, name: str, value: float = 1, attributes: Attributes = None) -> None:
        """Add ``value`` to the counter of that name, which is made at first use. Never raises."""
        if (counter := self._instruments.by_name(Counter, name)) is not None:
            counter.add(value, attributes)

    def increment_counter_with_attributes(self, name: str, value: float, attributes: Mapping[str, Any]) -> None:
        """:meth:`increment_counter` with all its arguments."""
        self.increment_counter(name, value, attributes)

    def set_gauge(self, name: str, value: float, attributes: Attributes = None) -> None:
        """Set the gauge of that name, which is made at first use. Never raises."""
        if (gauge := self._instruments.by_name(Gauge, name)) is not None:
            gauge.set(value, attributes)

    def record_histogram(self, name: str, value: float, attributes: Attributes = None) -> None:
        """Record into the histogram of that name, which is made at first use. Never raises."""
        if (histogram := self._instruments.by_name(Histogram, name)) is not None:
            histogram.record(value, attributes)

    # Logs and events

    @property
    def logger(self) -> Logger:
        """An OpenTelemetry logger."""
        return self._assembly.recorder.logger

    def event(self, name: str, /, severity: str = "INFO", body: str | None = None, **attributes: Any) -> None:
        """Emit an event with the ids of the current span. ``severity`` is TRACE, DEBUG, INFO, WARN, ERROR or FATAL."""
        emit_event(
            self._assembly.recorder.logger,
            name,
            severity=severity,
            body=body,
            attributes=attributes,
            time_ns=self._clock.time_ns(),
            mishaps=self._mishaps,
        )

    def logging_handler(self, level: int | str | None = None) -> LoggingHandler:
        """A handler for the standard library's ``logging``, at ``level`` (by default ``logs.level``).

        Attach it where you want it: ``logging.getLogger().addHandler(telemetry.logging_handler())``.
        """
        return LoggingHandler(
            self.settings.logs.level if level is None else level, lambda: self._assembly.logger_provider, self._mishaps
        )
