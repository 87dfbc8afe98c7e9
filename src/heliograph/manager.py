"""The TelemetryManager: builds the parts, starts, flushes and closes them, and hands out the recording calls.

It holds no logic of its own: each method is a line or two to the part that does the work. An application starts one at
start-up; everything else finds it through ``TelemetryManager.current()`` or through OpenTelemetry's own API.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from opentelemetry._logs import Logger
from opentelemetry.metrics import Meter
from opentelemetry.trace import Link, SpanKind, Tracer

from heliograph.assembly import Assembly
from heliograph.clock import Clock, SystemClock
from heliograph.endings import Endings
from heliograph.errors import AlreadyStartedError, NotStartedError
from heliograph.health.manager import HealthCheckManager
from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.status import ExportStatus, ShutdownReport
from heliograph.recording.calls.builder import SpanBuilder
from heliograph.recording.calls.instruments import Attributes, Counter, Gauge, Histogram, Instruments, UpDownCounter
from heliograph.recording.calls.spans import Spans, SpanScope
from heliograph.recording.collecting import COLLECTING
from heliograph.recording.logs.events import emit_event
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.mishaps import Mishaps
from heliograph.settings import TelemetrySettings, differences
from heliograph.surface import Surface
from heliograph.termination import TerminationHandler

if TYPE_CHECKING:
    import asyncio
    from wsgiref.types import WSGIApplication

    from starlette.applications import Starlette

P = ParamSpec("P")
R = TypeVar("R")


class TelemetryManager:
    """Telemetry of one process.

    ``TelemetryManager.start(service_name=...)`` builds and initialises in one step. Before ``initialize()`` and after
    ``shutdown()`` every recording call does nothing; after ``initialize()`` none of them raises or blocks. All methods are
    thread-safe. ``environ`` is where ``OTEL_SDK_DISABLED`` and ``PROMETHEUS_MULTIPROC_DIR`` are looked up.
    """

    _running: ClassVar[TelemetryManager | None] = None
    _latest: ClassVar[TelemetryManager | None] = None  # the last one that ran
    _guard: ClassVar[threading.RLock] = threading.RLock()

    def __init__(
        self,
        settings: TelemetrySettings | None = None,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if settings is not None and not isinstance(settings, TelemetrySettings):
            raise TypeError(
                f"TelemetryManager was given settings of type {type(settings).__name__}, expected TelemetrySettings; "
                "build them with TelemetrySettings(**mapping)"
            )
        self.settings = settings or TelemetrySettings()
        self._clock = clock or SystemClock()
        self._environ = environ
        self._mishaps = Mishaps(self._clock)
        self._surface = Surface(self.settings, self._clock)
        self._assembly = self._built()
        self._spans = Spans(lambda: self._assembly.recorder.tracer, self._mishaps)
        self._instruments = Instruments(self._mishaps, self.settings.metrics.full_catalogue)
        self._termination = TerminationHandler(self.shutdown, self.force_flush)
        self._is_owner = False

    # Life

    @classmethod
    def start(
        cls, service_name: str | None = None, *, settings: TelemetrySettings | None = None, **options: Any
    ) -> TelemetryManager:
        """Build and initialise a manager, or return the running one when its settings are the same.

        Give either ``settings``, or the fields of :class:`~heliograph.settings.TelemetrySettings` as ``service_name`` and
        ``options`` (sections as mappings). Raises :class:`~heliograph.errors.SettingsError` with every fault, or
        :class:`~heliograph.errors.AlreadyStartedError` naming the settings that differ from the running manager's. An
        unreachable collector or a taken port raises nothing and delays nothing.
        """
        if service_name is not None:
            options["service_name"] = service_name
        if settings is not None and options:
            raise TypeError(f"start() was given settings and also {', '.join(sorted(options))}, expected one or the other")
        return cls(settings or TelemetrySettings(**options)).initialize()

    def initialize(self) -> TelemetryManager:
        """Start recording and serving, and become the process's manager; returns the one that runs then.

        With a manager of the same settings running, this one records through it and that one is returned. With one of
        other settings running, raises :class:`~heliograph.errors.AlreadyStartedError`.
        """
        with TelemetryManager._guard:
            running = TelemetryManager._running
            if running is not None:
                if found := differences(running.settings, self.settings):
                    raise AlreadyStartedError(found)
                self._surface, self._assembly = running._surface, running._assembly
            else:
                self._begin()
            self._instruments.attach(self._assembly.recorder.meter)
            return running or self

    def _begin(self) -> None:
        if self._assembly.is_closing:
            self._assembly.shutdown(0)  # another thread may be at it still; its port must be free again
            self._assembly = self._built()
        if self.is_enabled:
            self._assembly.start()
            self._termination.install()
            _endings.watch()
        _watch_forks()
        self._is_owner = True
        TelemetryManager._running = TelemetryManager._latest = self

    def _built(self) -> Assembly:
        found = self.settings.metrics.multiprocess_dir or self._environ.get("PROMETHEUS_MULTIPROC_DIR")
        directory = Path(found).absolute() if found else None
        return Assembly(self.settings, self._surface, self._mishaps, self._clock, multiprocess_dir=directory)

    def shutdown(self, timeout_s: float | None = None) -> ShutdownReport:
        """Stop recording, deliver what was accepted, close everything; never raises.

        ``timeout_s`` (by default ``delivery.shutdown_timeout``) is for all of it together; what was not delivered by then
        is counted as dropped in the report. A second call returns the first one's report.
        """
        with TelemetryManager._guard:
            running = TelemetryManager._running
            if running is not None and running._assembly is self._assembly:
                TelemetryManager._running = None
            self._is_owner = False
            assembly = self._assembly
            if not assembly.is_closing:
                assembly.is_closing = True
                self._instruments.detach()
        wanted_s = self.settings.delivery.shutdown_timeout.total_seconds() if timeout_s is None else timeout_s
        report = assembly.shutdown(wanted_s)
        if running is not None and running._assembly is assembly:
            running._termination.uninstall()  # not before: a SIGTERM that comes meanwhile must not end the delivery
        return report

    def force_flush(self, timeout_s: float = 5.0) -> bool:
        """Deliver now; true only if everything accepted before the call was delivered within ``timeout_s`` seconds."""
        return self._assembly.flush(timeout_s)

    @classmethod
    def current(cls) -> TelemetryManager:
        """The running manager; raises :class:`~heliograph.errors.NotStartedError` (a ``LookupError``) when there is none."""
        running = TelemetryManager._running
        if running is None:
            raise NotStartedError
        return running

    get_instance = current

    @property
    def is_enabled(self) -> bool:
        """False when ``enabled`` is off or ``OTEL_SDK_DISABLED`` is "true": then every call does nothing."""
        return self.settings.enabled and self._environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"

    @property
    def is_running(self) -> bool:
        """Whether this manager records at the moment."""
        running = TelemetryManager._running
        return running is not None and running._assembly is self._assembly

    def __enter__(self) -> TelemetryManager:
        return self.initialize()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        # A manager that found another one running leaves it running.
        if self._is_owner:
            self.shutdown()

    async def __aenter__(self) -> TelemetryManager:
        running = self.initialize()
        running.watch_event_loop()
        return running

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio  # noqa: PLC0415  # who awaits has loaded it; nobody else needs it

        if self._is_owner:
            await asyncio.to_thread(self.shutdown)

    def _after_fork_in_child(self) -> None:
        self._mishaps.after_fork_in_child()
        self._instruments.after_fork_in_child()
        self._assembly.after_fork_in_child()

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

    # Looking at it

    @property
    def health(self) -> HealthCheckManager:
        """The health checks."""
        return self._surface.health

    def exporter(self, signal: str, destination: str) -> Any:
        """The exporter behind one destination of ``"traces"``, ``"metrics"`` or ``"logs"``: for a memory exporter's
        ``items()``. Raises ``LookupError`` when there is none."""
        return self._assembly.exporter(signal, destination)

    def export_status(self) -> dict[str, ExportStatus]:
        """How each destination is doing: state, reason, and counts by signal."""
        return self._assembly.export_status()

    get_export_status = export_status

    def ledger(self) -> dict[tuple[str, str], LedgerCounts]:
        """The account of each (signal, destination): accepted = delivered + dropped + pending."""
        return self._assembly.ledger()

    @property
    def endpoint_url(self) -> str | None:
        """Where this process serves /metrics and /health; None when it does not."""
        return self._assembly.endpoint_url

    def watch_event_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Measure how late ``loop`` comes to what is due (``asyncio.event_loop.lag``), by default the loop that runs this.

        ``async with`` the manager does so by itself, and so does the first request to the mounted ASGI application. Does
        nothing outside of a loop, for one that is watched already, or when the metric is not selected.
        """
        self._assembly.watch_event_loop(loop)

    def asgi_app(self) -> Starlette:
        """/metrics and /health as an ASGI application, to be mounted."""
        return self._surface.asgi_app(self.watch_event_loop)

    def wsgi_app(self) -> WSGIApplication:
        """/metrics and /health as a WSGI application, to be mounted."""
        return self._surface.wsgi_app()


def _shut_latest_down() -> None:
    # Also one that is not running any more: another thread may be at its shutdown still, which this waits for.
    if TelemetryManager._latest is not None:
        TelemetryManager._latest.shutdown()


_endings = Endings(_shut_latest_down)


def _after_fork_in_child() -> None:
    TelemetryManager._guard = threading.RLock()
    # Also one that is not running any more: another thread of the parent may be at its shutdown.
    latest = TelemetryManager._running or TelemetryManager._latest
    if latest is not None:
        latest._after_fork_in_child()
        _endings.watch()


@functools.cache
def _watch_forks() -> None:
    """Once in a process, and not before a manager starts: the hook cannot be removed again."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)
        COLLECTING.watch_forks()
