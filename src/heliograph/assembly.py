"""One run of a manager: every part, built from the settings, started, flushed and closed in order.

This is where the floors meet: recording hands to pipelines, pipelines to exporters, readers feed the exposition.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LoggerProvider, NoOpLoggerProvider

from heliograph import names
from heliograph.clock import Clock, bounded_s
from heliograph.endpoint.server import ThreadedServer
from heliograph.exporters.deliveries import build_delivery, exporters_of
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline import pipeline as pipelines
from heliograph.pipeline import self_metrics
from heliograph.pipeline.ledger import DropReason, LedgerCounts, Signal
from heliograph.pipeline.outcome import Exporter
from heliograph.pipeline.own_log import OwnLog
from heliograph.pipeline.pipeline import Pipeline
from heliograph.pipeline.scheduler import Scheduler
from heliograph.pipeline.status import ExportStatus, ShutdownReport
from heliograph.pipeline.tail import Keep, TailSampler
from heliograph.recording import chosen
from heliograph.recording import globals as global_providers
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.propagators import set_propagators
from heliograph.recording.providers import Providers
from heliograph.recording.readers import USUAL, MetricHandoff, Preference, data_points
from heliograph.recording.recorder import IDLE, Recorder, nowhere
from heliograph.recording.suppression import suppressed_instrumentation
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import ExporterSettings, PrometheusExporter
from heliograph.surface import Surface
from heliograph.system.collector import SystemCollector
from heliograph.system.selection import selected
from heliograph.text import described

if TYPE_CHECKING:
    import asyncio

    from heliograph.prometheus.multiprocess.member import Member

logger = logging.getLogger("heliograph")

_PORTS_TO_TRY = 100
_PUBLICATION_S = 0.5  # what a process shows of another one is as old at most, and as long as it takes to read


class Assembly:
    """Built idle; :meth:`start` once, :meth:`shutdown` once. The lock guards those two."""

    def __init__(
        self,
        settings: TelemetrySettings,
        surface: Surface,
        mishaps: Mishaps,
        clock: Clock,
        *,
        multiprocess_dir: Path | None = None,
    ) -> None:
        self._settings = settings
        self._multiprocess_dir = multiprocess_dir
        self._surface = surface
        self._mishaps = mishaps
        self._clock = clock
        self._lock = threading.RLock()  # reentrant: a signal handler may shut down while this thread is at it
        self.is_closing = False  # said by the manager, so that it does not start what is about to close
        self._is_entered = False
        self.recorder: Recorder = IDLE
        self.logger_provider: LoggerProvider = NoOpLoggerProvider()
        self._report: ShutdownReport | None = None
        self._pipelines: dict[tuple[Signal, Preference], Pipeline[Any]] = {}
        self._scheduler = Scheduler(clock)
        self._collect: list[MetricHandoff] = []
        self._providers: Providers | None = None
        self._tail: TailSampler | None = None
        self._system: SystemCollector | None = None
        self._member: Member | None = None
        self._server: ThreadedServer | None = None
        self._own_log = OwnLog(debug=settings.tracing.debug_mode, spans=settings.tracing.log_spans)

    def start(self, *, may_serve: bool = True) -> None:
        """Build and start every part that the settings ask for; register the global providers.

        A process that is one of several serves only if it ``may_serve``, or shares the port with the others.
        """
        settings = self._settings
        if settings.log_level is not None:
            for name in ("heliograph", "opentelemetry"):
                logging.getLogger(name).setLevel(settings.log_level)
        self._own_log.open()
        set_propagators(settings.propagators)
        self._pipelines = {
            (signal, preference): self._pipeline(signal, pushing)
            for signal, exporters in exporters_of(settings)
            for preference, pushing in _pushing(signal, exporters).items()
        }
        providers = _recorder(settings).build(
            settings,
            accept_span=self._accept_span(),
            accept_log=self._accept(Signal.LOGS),
            readers=self._readers(),
            mishaps=self._mishaps,
        )
        self._providers = providers
        self.recorder, self.logger_provider = providers.recorder(), providers.logger
        global_providers.register(providers)
        for pipeline in self._pipelines.values():
            pipeline.start()
        self._start_observing(providers)
        if may_serve or self._multiprocess_dir is not None:
            self._start_serving()
        if settings.tracing.debug_mode:
            sent = ", ".join(f"{signal} to {destination}" for signal, destination in self.ledger()) or "nothing to anywhere"
            logger.debug("started: %s; endpoint: %s", sent, self.endpoint_url or "none")

    def _pipeline(self, signal: Signal, pushing: list[ExporterSettings]) -> Pipeline[Any]:
        return Pipeline(
            signal,
            [build_delivery(self._settings, signal, exporter, self._clock) for exporter in pushing],
            encoder=SIGNALS[signal.value].encoder(),
            weigh=data_points if signal is Signal.METRICS else None,
            clock=self._clock,
        )

    def _accept(self, signal: Signal) -> Callable[[Any], None]:
        pipeline = self._pipelines.get((signal, USUAL))
        return pipeline.accept if pipeline is not None else nowhere

    def _accept_span(self) -> Callable[[Any], None]:
        accept, tracing = self._accept(Signal.TRACES), self._settings.tracing
        if accept is nowhere or not tracing.is_tail_sampled:
            return accept
        slower_than = tracing.keep_slower_than
        keep = Keep(
            errors=tracing.keep_errors,
            slower_than_ns=round(slower_than.total_seconds() * 1e9) if slower_than is not None else None,
            rules=[chosen.span_rule(pattern) for pattern in tracing.keep_rules],
        )
        max_age_s = tracing.tail_max_age.total_seconds()
        self._tail = TailSampler(accept, keep=keep, max_bytes=tracing.tail_max_bytes, max_age_s=max_age_s, clock=self._clock)
        self._scheduler.every(max_age_s / 4, self._tail.expire, name="tail sampling")
        return self._tail.accept

    def _readers(self) -> list[Any]:
        metrics = self._settings.metrics
        readers: list[Any] = []
        if self._settings.prometheus is not None:
            readers.append(self._surface.exposition.reader(chosen.reader(metrics)))
        self._collect = [
            MetricHandoff(pipeline.accept, chosen.reader(metrics, preference))
            for (signal, preference), pipeline in self._pipelines.items()
            if signal is Signal.METRICS
        ]
        return readers + self._collect

    def _start_observing(self, providers: Providers) -> None:
        settings = self._settings
        if settings.metrics.enabled and settings.system.enabled:
            interval_s = settings.metrics.collection_interval.total_seconds()
            self._system = SystemCollector(interval_s, self._clock, selected(settings.system))
            self._system.register(providers.meter.get_meter(names.SYSTEM_SCOPE))
        self_metrics.register(
            providers.meter.get_meter(names.PIPELINE_SCOPE), lambda: pipelines.deliveries(self._pipelines.values())
        )
        if self._tail is not None:
            self._tail.register(providers.meter.get_meter(names.PIPELINE_SCOPE))
        if self._multiprocess_dir and settings.prometheus is not None:
            self._member = self._surface.exposition.join(self._multiprocess_dir, self._clock)
            self._member.publish()  # before it serves: the directory is there, and says whose port it may share
            self._scheduler.every(_PUBLICATION_S, self._member.publish, name="metric publication")
        for reader in self._collect:
            interval_s = settings.metrics.collection_interval.total_seconds()
            self._scheduler.every(interval_s, reader.hand_over, name="metric collection")
        if settings.health.enabled:
            health = self._surface.health
            health.register_gauges(providers.meter.get_meter(names.HEALTH_SCOPE))
            interval_s = settings.health.check_interval.total_seconds()
            self._scheduler.every(interval_s, health.run_all, name="health checks", first_after_s=0)

    def _start_serving(self) -> None:
        wanted = self._settings.effective_server
        if not wanted.enabled:
            return
        try:
            self._server = ThreadedServer.start(
                self._surface.asgi_app,
                wanted.host,
                wanted.port,
                thread_name="heliograph-endpoint",
                ports=_PORTS_TO_TRY if wanted.when_taken == "next" else 1,
                shared=self._member is not None,  # each of the processes answers for all
                among=self._multiprocess_dir,
                make_wsgi_app=self._surface.wsgi_app,
            )
            if wanted.port not in (0, self._server.port):
                logger.warning("port %s is taken: the telemetry endpoint is at %s", wanted.port, self._server.url)
        except OSError as error:
            logger.warning(
                "no telemetry endpoint: cannot listen on %s:%s (%s). The application goes on; "
                "set server.port to a free port, or to 0 for any, or server.when_taken to 'next'.",
                wanted.host,
                wanted.port,
                error.strerror or error,
            )

    def watch_event_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Measure the lag of ``loop``, by default of the one that runs this, where that metric is wanted."""
        if self._system is not None:
            self._system.watch_event_loop(loop)

    @property
    def endpoint_url(self) -> str | None:
        return self._server.url if self._server is not None else None

    def exporter(self, signal: str, destination: str) -> Exporter:
        for pipeline in self._pipelines.values():
            for delivery in pipeline.deliveries:
                if (delivery.signal, delivery.destination) == (signal, destination):
                    return delivery.exporter
        known = ", ".join(f"{signal}/{name}" for signal, name in self.ledger()) or "none"
        raise LookupError(f"no exporter takes {signal!r} to {destination!r}; there are: {known}")

    def ledger(self) -> dict[tuple[str, str], LedgerCounts]:
        return pipelines.ledger(self._pipelines.values())

    def export_status(self) -> dict[str, ExportStatus]:
        return pipelines.export_status(self._pipelines.values())

    def flush(self, timeout_s: float) -> bool:
        until_ns = self._clock.monotonic_ns() + round(bounded_s(timeout_s) * 1e9)
        if self._tail is not None:
            self._tail.release()
        is_collected = self._collect_now(bounded_s(timeout_s))
        left_s = (until_ns - self._clock.monotonic_ns()) / 1e9
        return pipelines.flush(self._pipelines.values(), left_s, self._clock) and is_collected

    def shutdown(self, timeout_s: float) -> ShutdownReport:
        """Close in the order of the data's way, all under one deadline. Whoever comes later waits and gets the same report;
        only a signal handler that interrupts the closing itself gets one of how things stand."""
        with self._lock:
            if self._report is None and not self._is_entered:
                self._is_entered = self.is_closing = True
                self._report = self._close(bounded_s(timeout_s))
            return self._report or self._account(self._clock.monotonic_ns())

    def _close(self, timeout_s: float) -> ShutdownReport:
        started_ns = self._clock.monotonic_ns()

        def left_s() -> float:
            return max(0.0, timeout_s - (self._clock.monotonic_ns() - started_ns) / 1e9)

        self._scheduler.close(min(0.5, left_s()))
        self._collect_now(left_s() / 2)  # the rest is for delivering, should a callback hang
        self._collect = []
        if self._system is not None:
            self._system.close()
        self.recorder = IDLE
        if self._member is not None:
            _within(left_s() / 2, self._member.close)
        if self._tail is not None:
            self._tail.close()
        pipelines.shutdown(self._pipelines.values(), left_s(), self._clock)
        if self._providers is not None:
            self._providers.shutdown()
        if self._server is not None:
            # Its loop looks up every tenth of a second, so it gets a little even when the deadline is past.
            self._server.stop(max(0.3, min(1.0, left_s())))
            self._server = None
        self._own_log.close()
        return self._account(started_ns)

    def _account(self, started_ns: int) -> ShutdownReport:
        final = self.ledger()
        return ShutdownReport(
            is_complete=not any(counts.pending or counts.dropped.get(DropReason.SHUTDOWN.value) for counts in final.values()),
            duration_s=(self._clock.monotonic_ns() - started_ns) / 1e9,
            ledger=final,
        )

    def after_fork_in_child(self) -> None:
        """Give the child its own queues, threads and locks; the parent keeps the endpoint, and a shutdown that it is at."""
        self._lock = threading.RLock()
        pipelines.after_fork_in_child(self._pipelines.values())
        if self._tail is not None:
            self._tail.after_fork_in_child()
        if self.is_closing and self._report is None:
            self._report = self._account(self._clock.monotonic_ns())
        self._surface.health.after_fork_in_child()
        self._surface.exposition.after_fork_in_child()
        if self._system is not None:
            self._system.after_fork_in_child()
        if self._server is not None:
            self._server.after_fork_in_child()
            self._server = None
        self._scheduler.after_fork_in_child()

    def _collect_now(self, timeout_s: float) -> bool:
        """Collect what is pushed; returns whether it came to an end."""
        return _within(timeout_s, self._collect_all) if self._collect else True

    def _collect_all(self) -> None:
        with suppressed_instrumentation():
            for reader in self._collect:
                try:
                    reader.hand_over()
                except BaseException as error:  # a callback may raise anything; it alone costs its metric
                    logger.warning("a metric collection failed: %s", described(error))


def _within(timeout_s: float, collect: Callable[[], None]) -> bool:
    """Collect on a thread of its own, since a callback of the application may hang: it is left behind then, and the rest goes
    on. Returns whether it came to an end."""
    thread = threading.Thread(target=collect, name="heliograph-collection", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is exiting
        collect()
        return True
    thread.join(timeout_s)
    return not thread.is_alive()


def _pushing(signal: Signal, exporters: tuple[ExporterSettings, ...]) -> dict[Preference, list[ExporterSettings]]:
    """Those that items are sent to, by how they want metrics; Prometheus comes and fetches instead."""
    found: dict[Preference, list[ExporterSettings]] = {}
    for exporter in exporters:
        if not isinstance(exporter, PrometheusExporter):
            preference = chosen.preference(exporter) if signal is Signal.METRICS else USUAL
            found.setdefault(preference, []).append(exporter)
    return found


def _recorder(settings: TelemetrySettings) -> Any:
    """The module that builds the providers; the other one is not loaded."""
    if settings.recorder == "native":
        from heliograph.recording import native  # noqa: PLC0415

        return native
    from heliograph.recording.official import providers  # noqa: PLC0415

    return providers
