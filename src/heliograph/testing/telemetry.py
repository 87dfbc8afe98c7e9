"""The manager of a test: a real one, that keeps what it records in memory and says it.

Made and put in the place of others by `capture.py`; the fixture ``telemetry`` is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from heliograph import names
from heliograph.assembly import Assembly
from heliograph.clock import SystemClock
from heliograph.manager import TelemetryManager
from heliograph.pipeline.status import ShutdownReport
from heliograph.recording import globals as global_providers
from heliograph.recording.logs.record import NativeLogRecord
from heliograph.recording.metrics.collection import CollectedStream
from heliograph.recording.recorder import nowhere
from heliograph.recording.traces.span import Span
from heliograph.settings import TelemetrySettings
from heliograph.testing.clock import SettableClock
from heliograph.testing.ids import SequentialIds
from heliograph.testing.instruments import ReadCounter, ReadGauge, ReadHistogram, ReadInstruments, ReadUpDownCounter
from heliograph.testing.logs import RecordedEvents, RecordedLogs, recorded_events, recorded_logs
from heliograph.testing.metrics import metric_lines
from heliograph.testing.spans import RecordedSpans, recorded_spans

_FLUSH_S: Final = 10.0

_MOST_ITEMS: Final = 1_000_000
_MEMORY: Final = {"type": "memory", "max_items": _MOST_ITEMS}

# Everything in memory; nothing listens, looks at the machine or runs by itself.
_SETTINGS: Final[Mapping[str, Any]] = {
    "service_name": "under-test",
    "enabled": True,
    "tracing": {"exporters": [_MEMORY]},
    "metrics": {"exporters": ["prometheus"]},  # read where the recorder keeps them
    "logs": {"exporters": [_MEMORY]},
    "delivery": {"queue_size": _MOST_ITEMS},
    "server": {"enabled": False},
    "system": {"enabled": False},
    "health": {"enabled": False},  # the checks and their cache are there; nothing runs them at intervals
}


class CapturedTelemetry(TelemetryManager):
    """A manager whose ``spans``, ``logs``, ``events`` and instruments say what was recorded, on a ``clock`` that a test sets.

    Spans, logs, metrics and the cache of health checks read that clock; ids count from 1. All of a manager's calls are there,
    so it can be handed to code that wants one. Starting it again or shutting it down changes nothing: the test does that.
    """

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.ids = SequentialIds()
        super().__init__(TelemetrySettings(**_SETTINGS), clock=self.clock, environ={})
        self._captures: Any = None  # what the recorder hands over, once it has started

    # What was recorded

    @property
    def spans(self) -> RecordedSpans:
        """The finished spans, in the order in which they ended."""
        return recorded_spans(self._items("traces"))

    @property
    def events(self) -> RecordedEvents:
        """The events, in the order in which they were emitted."""
        return recorded_events(self._items("logs"))

    @property
    def logs(self) -> RecordedLogs:
        """The log records that are no events."""
        return recorded_logs(self._items("logs"))

    def counter(self, name: str, unit: str = "", description: str = "") -> ReadCounter:
        """As a manager's; says its ``total``, also ``where(attribute=...)``."""
        return self._instruments.get(ReadCounter, name, unit=unit, description=description)

    def up_down_counter(self, name: str, unit: str = "", description: str = "") -> ReadUpDownCounter:
        """As a manager's; says its ``total``, also ``where(attribute=...)``."""
        return self._instruments.get(ReadUpDownCounter, name, unit=unit, description=description)

    def gauge(self, name: str, unit: str = "", description: str = "") -> ReadGauge:
        """As a manager's; says its ``value``, also ``where(attribute=...)``. Reads those that callbacks observe, too."""
        return self._instruments.get(ReadGauge, name, unit=unit, description=description)

    def histogram(
        self, name: str, unit: str = "", description: str = "", buckets: Sequence[float] | None = None
    ) -> ReadHistogram:
        """As a manager's; says its ``count``, ``sum``, ``min`` and ``max``, also ``where(attribute=...)``."""
        return self._instruments.get(ReadHistogram, name, unit=unit, description=description, buckets=buckets)

    def clear(self) -> None:
        """Forget what was recorded so far. Clock and ids go on."""
        self._forget()
        self._providers.meter.restart(is_forgetting_callbacks=False)

    def shown(self) -> str:
        """All that was recorded, for people."""
        metrics = metric_lines(self._streams())
        lines = [f"  {line}" for line in metrics]
        parts = [self.spans.shown(), self.events.shown(), self.logs.shown(), "\n".join(["Metrics:", *lines])]
        return "\n".join(part for part in parts if "\n" in part) or "Nothing was recorded."

    def __repr__(self) -> str:
        return f"<{type(self).__name__} spans={len(self.spans)} events={len(self.events)} logs={len(self.logs)}>"

    # Its life, which is the test's

    def initialize(self) -> TelemetryManager:
        """It runs while the test does."""
        return self

    def shutdown(self, timeout_s: float | None = None) -> ShutdownReport:
        """Deliver what there is, and record on: it ends with the test."""
        return self.go_on(timeout_s)

    def go_on(self, timeout_s: float | None) -> ShutdownReport:
        """What a shutdown by the code under test is to it."""
        is_complete = self.force_flush(_FLUSH_S if timeout_s is None else timeout_s)
        return ShutdownReport(is_complete=is_complete, duration_s=0.0, ledger=self.ledger())

    def register(self) -> None:
        """Become what OpenTelemetry's globals lead to, which are to be free."""
        if self._captures is None:
            self._start()
        else:
            global_providers.register(self._providers)

    def restart(self) -> None:
        """Record, from nothing."""
        for part in (self.clock, self.ids, self._mishaps):
            part.restart()
        self._forget()
        accept_span, accept_log = self._captures
        self._providers.tracer.restart(accept_span)
        self._providers.logger.restart(accept_log)
        self._providers.meter.restart(is_forgetting_callbacks=True)
        self._begin_health()
        self._instruments = ReadInstruments(self._mishaps, self.settings.metrics.full_catalogue, self._streams)
        self._instruments.attach(self._assembly.recorder.meter)

    def _begin_health(self) -> None:
        health, wanted = self._surface.health, self.settings.health
        health.restart()
        health.set_cache_ttl(wanted.cache_ttl.total_seconds())
        health.set_default_timeout(wanted.default_timeout.total_seconds())
        health.register_gauges(self._providers.meter.get_meter(names.HEALTH_SCOPE))

    def _start(self) -> None:
        self._assembly.start()
        providers = self._providers
        self._captures = providers.tracer._accept, providers.logger._outlet.accept
        for provider in (providers.tracer, providers.meter, providers.logger):
            provider._is_disabled = False  # a test that captures wants to see, also where OTEL_SDK_DISABLED keeps others quiet
        self._assembly.recorder = providers.recorder()

    def end(self) -> None:
        """Record nothing more, until it begins again; what was recorded can still be read."""
        self._assembly.flush(_FLUSH_S)
        self._providers.tracer.restart(nowhere)
        self._providers.logger.restart(nowhere)
        meter = self._providers.meter
        for reader in [reader for reader in meter._metric_readers if reader is not self._reader]:
            meter.remove_metric_reader(reader)  # the code under test added it
        self._surface.health.restart()

    # Inside

    def _built(self) -> Assembly:
        # Queues, threads and time-outs are on the system's clock: a test's stands still.
        return Assembly(self.settings, self._surface, self._mishaps, SystemClock())

    @property
    def _providers(self) -> Any:
        return self._assembly._providers

    @property
    def _reader(self) -> Any:
        return self._surface.exposition._reader

    def _items(self, signal: str) -> list[Any]:
        self._assembly.flush(_FLUSH_S)
        found: list[Span | NativeLogRecord] = self._assembly.exporter(signal, "memory").items()  # type: ignore[attr-defined]
        return found

    def _streams(self) -> list[CollectedStream]:
        found: list[CollectedStream] = self._providers.meter.streams(self._reader)
        return found

    def _forget(self) -> None:
        self._assembly.flush(_FLUSH_S)
        for signal in ("traces", "logs"):
            self._assembly.exporter(signal, "memory").clear()  # type: ignore[attr-defined]
