"""The TelemetryManager: builds the parts, starts, flushes and closes them, and hands out the recording calls.

It holds no logic of its own: each method is a line or two to the part that does the work. An application starts one at
start-up; everything else finds it through ``TelemetryManager.current()`` or through OpenTelemetry's own API.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from heliograph.assembly import Assembly
from heliograph.calls import RecordingCalls
from heliograph.clock import Clock, SystemClock
from heliograph.endings import Endings
from heliograph.errors import AlreadyStartedError, NotStartedError
from heliograph.health.manager import HealthCheckManager
from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.status import ExportStatus, ShutdownReport
from heliograph.rearming import Rearming, is_being_spawned
from heliograph.recording.calls.instruments import Instruments
from heliograph.recording.calls.spans import Spans
from heliograph.recording.collecting import COLLECTING
from heliograph.recording.mishaps import Mishaps
from heliograph.settings import TelemetrySettings, differences
from heliograph.surface import Surface
from heliograph.termination import TerminationHandler

if TYPE_CHECKING:
    import asyncio
    from wsgiref.types import WSGIApplication

    from starlette.applications import Starlette

    from heliograph.settings.loading.load import Loaded


_logger: Final = logging.getLogger("heliograph")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_GIVING_WAY_S: Final = 0.5  # for what has hardly begun; the application waits for it


class StandIn(Protocol):
    """What stands in for every manager during a test (`testing/`)."""

    _assembly: Assembly

    def take_in(self, manager: TelemetryManager) -> TelemetryManager:
        """``manager`` was to start: let it record here; returns the one that runs."""

    def go_on(self, timeout_s: float | None) -> ShutdownReport:
        """It was to shut down: deliver what there is, and record on."""


class TelemetryManager(RecordingCalls):
    """Telemetry of one process.

    ``TelemetryManager.start(service_name=...)`` builds and initialises in one step. Before ``initialize()`` and after
    ``shutdown()`` every recording call does nothing; after ``initialize()`` none of them raises or blocks. All methods are
    thread-safe. ``environ`` is where ``OTEL_SDK_DISABLED`` and ``PROMETHEUS_MULTIPROC_DIR`` are looked up. ``loaded`` says
    where each setting is from, if :meth:`start` put them together.
    """

    _running: ClassVar[TelemetryManager | None] = None
    _latest: ClassVar[TelemetryManager | None] = None  # the last one that ran
    _guard: ClassVar[threading.RLock] = threading.RLock()
    _stand_in: ClassVar[StandIn | None] = None  # a test's, in whose place no other one starts

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
        self.loaded: Loaded | None = None
        self._is_owner = False
        self._gives_way = False  # nobody in this process asked for it: its parent did, or a hook of a server
        self._may_serve = True

    # Life

    @classmethod
    def start(
        cls,
        service_name: str | None = None,
        *,
        settings: TelemetrySettings | None = None,
        file: str | Path | None = None,
        environ: Mapping[str, str] = os.environ,
        **options: Any,
    ) -> TelemetryManager:
        """Build and initialise a manager, or return the running one when its settings are the same.

        Give either ``settings``, which are taken as they are, or the fields of
        :class:`~heliograph.settings.TelemetrySettings` as ``service_name`` and ``options`` (sections as mappings). Below those
        lie the environment, a file (``file``, or one that is found) and a preset; ``loaded`` then says where each value is
        from, and what is set but ignored is logged. Raises :class:`~heliograph.errors.SettingsError` with every fault, or
        :class:`~heliograph.errors.AlreadyStartedError` naming the settings that differ from the running manager's. An
        unreachable collector or a taken port raises nothing and delays nothing.
        """
        if service_name is not None:
            options["service_name"] = service_name
        if settings is not None:
            if beside := [*sorted(options), *(["file"] if file is not None else [])]:
                raise TypeError(f"start() was given settings and also {', '.join(beside)}, expected one or the other")
            return cls(settings, environ=environ).initialize()
        from heliograph.settings.loading.load import load  # who gives settings needs none of it  # noqa: PLC0415

        loaded = load(options, file=file, environ=environ)
        manager = cls(loaded.settings, environ=environ)
        manager.loaded = loaded
        running = manager.initialize()
        for notice in loaded.notices if running is manager and manager.is_enabled else ():
            _logger.warning("%s", notice)
        return running

    def initialize(self) -> TelemetryManager:
        """Start recording and serving, and become the process's manager; returns the one that runs then.

        With a manager of the same settings running, this one records through it and that one is returned. With one of
        other settings running, raises :class:`~heliograph.errors.AlreadyStartedError`.
        """
        with TelemetryManager._guard:
            if TelemetryManager._stand_in is not None:
                return TelemetryManager._stand_in.take_in(self)
            running = TelemetryManager._running
            if running is not None and (found := differences(running.settings, self.settings)):
                if running.is_enabled and not running._gives_way:
                    raise AlreadyStartedError(found)
                running.shutdown(_GIVING_WAY_S)
                running = None
            if running is not None:
                running._gives_way = False
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
            self._assembly.start(may_serve=self._may_serve and not is_being_spawned())
            self._termination.install()
            _endings.watch()
            _rearming.arm(self.settings)
            # What is instrumented in this process goes on with this manager; who has never instrumented has not loaded it.
            if (instrumenting := sys.modules.get("heliograph.instrumentation.instrumenting")) is not None:
                instrumenting.INSTRUMENTATION.renew(self, self._environ)
        watch_forks()
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
            stand_in = TelemetryManager._stand_in
            if stand_in is not None and stand_in._assembly is self._assembly:
                return stand_in.go_on(timeout_s)
            running = TelemetryManager._running
            if running is not None and running._assembly is self._assembly:
                TelemetryManager._running = None
                _rearming.disarm()
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
        """False when ``enabled`` is off, when ``OTEL_SDK_DISABLED`` is "true", and under pytest unless telemetry was asked for
        there (by ``enabled=True``, or ``HELIOGRAPH_ENABLED``): then every call does nothing."""
        if not self.settings.enabled or self._environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return False
        is_asked_for = self._environ.get("HELIOGRAPH_ENABLED", "").strip().lower() in _TRUE
        is_tested = "PYTEST_VERSION" in self._environ  # pytest sets it, and the processes below it inherit it
        return is_asked_for or not is_tested or "enabled" in self.settings.fields_set

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
        self._may_serve = False  # should gevent let it begin again

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

    # Other libraries

    def instrument(
        self,
        *,
        exclude: Collection[str] = (),
        response_headers: bool = True,
        probes: Sequence[str] | None = None,
        **targets: Any,
    ) -> tuple[str, ...]:
        """Instrument the libraries that are installed, each when it is imported; returns their names.

        With ``targets`` (``fastapi=app, django=True, sqlalchemy=engine, httpx=client``) only those; ``name=False`` and
        ``exclude`` leave one out. Requests to ``probes``, paths in which ``*`` stands for anything (by default those of
        health checks), to the path of metrics and to our own applications make neither spans nor metrics. Responses get
        the headers ``traceresponse`` and ``x-request-id`` with ``response_headers``. A second time nothing happens.

        Raises ``ImportError`` naming the extra to install, or ``ValueError`` for a name that is none.
        """
        from heliograph.instrumentation.instrumenting import INSTRUMENTATION  # noqa: PLC0415  # reads what is installed

        return INSTRUMENTATION.instrument(
            self, self._environ, targets, exclude=exclude, response_headers=response_headers, probes=probes
        )

    def uninstrument(self) -> None:
        """Take off again what :meth:`instrument` did, in the whole process."""
        from heliograph.instrumentation.instrumenting import INSTRUMENTATION  # noqa: PLC0415  # as above

        INSTRUMENTATION.uninstrument()

    def asgi_app(self) -> Starlette:
        """/metrics and /health as an ASGI application, to be mounted."""
        return self._surface.asgi_app(self.watch_event_loop)

    def wsgi_app(self) -> WSGIApplication:
        """/metrics and /health as a WSGI application, to be mounted."""
        return self._surface.wsgi_app()


def start_for_hook() -> TelemetryManager:
    """The running manager, else one as :meth:`TelemetryManager.start` makes it that gives way to the application's own."""
    with TelemetryManager._guard:
        is_first = TelemetryManager._running is None
        running = TelemetryManager.start() if is_first else TelemetryManager.current()
        running._gives_way |= is_first
        return running


def _start_spawned(settings: TelemetrySettings) -> None:
    """With what the parent has, but for its port, unless the two share it."""
    if TelemetryManager._running is None:  # else the program's main module has started it
        manager = TelemetryManager(settings)
        manager._may_serve, manager._gives_way = False, True
        manager.initialize()


def _pause() -> Callable[[], object]:
    """End every thread. Returns what begins again, with new locks, as in a forked child."""
    running = TelemetryManager._running
    if running is None:
        return lambda: None
    running.shutdown(None if running._may_serve else _GIVING_WAY_S)

    def go_on() -> None:
        may_serve = running._may_serve
        _after_fork_in_child()
        running._may_serve = may_serve
        running.initialize()

    return go_on


def _shut_latest_down() -> None:
    # Also one that is not running any more: another thread may be at its shutdown still, which this waits for.
    if TelemetryManager._latest is not None:
        TelemetryManager._latest.shutdown()


_endings = Endings(_shut_latest_down)
_rearming = Rearming(_start_spawned, _pause)


def _after_fork_in_child() -> None:
    TelemetryManager._guard = threading.RLock()
    # Also one that is not running any more: another thread of the parent may be at its shutdown.
    latest = TelemetryManager._running or TelemetryManager._latest
    if latest is not None:
        latest._after_fork_in_child()
        _endings.watch()
        _rearming.watch_gevent()


@functools.cache
def watch_forks() -> None:
    """Once in a process, and not before a manager starts: the hook cannot be removed again."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)
        COLLECTING.watch_forks()
