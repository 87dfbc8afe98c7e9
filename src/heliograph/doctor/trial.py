"""Sends one item to each destination, through a pipeline, its exporter and its transport, and keeps what came of it.

Called by the check `destinations.py`. All destinations are tried at the same time.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from heliograph.clock import Clock
from heliograph.doctor.sample import SAMPLES
from heliograph.errors import SettingsError
from heliograph.exporters.build import build_exporter
from heliograph.exporters.deliveries import exporters_of, limits_of
from heliograph.exporters.otlp import Answered
from heliograph.exporters.span_log import SpanLog
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.outcome import Attempt, Exporter, Outcome
from heliograph.pipeline.pipeline import Pipeline
from heliograph.recording import chosen
from heliograph.recording.readers import WEIGHTS
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import ExporterSettings, PrometheusExporter

# The look-up of a name has no deadline of its own.
_GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one item for one destination. ``position`` is that of the exporter among those of its signal.

    ``outcome`` is None when the attempt did not end in time, or when ``fault`` says why there is no exporter. ``began_at_s``
    and ``ended_at_s`` are seconds since the Unix epoch, by this machine's clock.
    """

    signal: str
    position: int
    wanted: ExporterSettings
    outcome: Outcome | None = None
    answered: Answered | None = None
    began_at_s: float = 0.0
    ended_at_s: float = 0.0
    timeout_s: float = 0.0
    fault: str = ""


class _Overheard:
    """An exporter whose first attempt is kept."""

    def __init__(self, exporter: Exporter, clock: Clock) -> None:
        self.takes_items = exporter.takes_items
        self.outcome: Outcome | None = None
        self.answered: Answered | None = None
        self.began_at_s = self.ended_at_s = 0.0
        self.is_over = threading.Event()
        self._exporter = exporter
        self._clock = clock

    def prepare(self, batch: Batch) -> Attempt:
        attempt = self._exporter.prepare(batch)
        return lambda timeout_s: self._try(attempt, timeout_s)

    def close(self) -> None:
        self._exporter.close()

    def _try(self, attempt: Attempt, timeout_s: float) -> Outcome:
        began_at_s = self._clock.time_ns() / 1e9
        outcome = attempt(timeout_s)
        if not self.is_over.is_set():
            self.outcome = outcome
            self.answered = getattr(self._exporter, "answered", None)
            self.began_at_s, self.ended_at_s = began_at_s, self._clock.time_ns() / 1e9
            self.is_over.set()
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    trial: Trial
    overheard: _Overheard
    delivery: Delivery


def pushing(settings: TelemetrySettings) -> Iterator[tuple[str, int, ExporterSettings]]:
    """Every exporter that is sent to: its signal, its position among the exporters of that signal, its settings."""
    for signal, exporters in exporters_of(settings):
        for position, wanted in enumerate(exporters):
            if not isinstance(wanted, PrometheusExporter | SpanLog):
                yield signal.value, position, wanted


def trials(settings: TelemetrySettings, clock: Clock) -> list[Trial]:
    """Try all of them. What is meant for standard output is swallowed meanwhile."""
    tried: list[_Tried] = []
    faulty: list[Trial] = []
    for signal, position, wanted in pushing(settings):
        timeout_s = limits_of(settings, Signal(signal), wanted).attempt_timeout_s
        trial = Trial(signal=signal, position=position, wanted=wanted, timeout_s=timeout_s)
        try:
            overheard = _Overheard(build_exporter(signal, wanted), clock)
        except SettingsError as error:
            faulty.append(replace(trial, fault=_fault(error)))
            continue
        limits = Limits(attempt_timeout_s=timeout_s)
        delivery = Delivery(Signal(signal), wanted.destination, overheard, limits, clock=clock)
        tried.append(_Tried(trial=trial, overheard=overheard, delivery=delivery))
    with contextlib.redirect_stdout(io.StringIO()):
        _send(settings, tried, clock)
    return [*faulty, *(_overheard(each) for each in tried)]


def _fault(error: SettingsError) -> str:
    """The same for every signal that the exporter is configured for."""
    faults = [(fault.path.rpartition(".")[2], fault) for fault in error.faults]
    return "; ".join(f"{name}: given {fault.given}, expected {fault.expected}" for name, fault in faults)


def _send(settings: TelemetrySettings, tried: Sequence[_Tried], clock: Clock) -> None:
    resource = chosen.resource(settings)
    pipelines: list[Pipeline[Any]] = []
    for signal in SAMPLES:
        deliveries = [each.delivery for each in tried if each.trial.signal == signal]
        if deliveries:
            encoder = SIGNALS[signal].encoder()
            pipeline: Pipeline[Any] = Pipeline(Signal(signal), deliveries, encoder=encoder, weigh=WEIGHTS[signal], clock=clock)
            pipeline.accept(SAMPLES[signal](resource, clock.time_ns()))
            pipeline.begin_flush()
            pipelines.append(pipeline)
    began_at_ns = clock.monotonic_ns()
    for each in tried:
        passed_s = (clock.monotonic_ns() - began_at_ns) / 1e9
        each.overheard.is_over.wait(max(0.0, each.trial.timeout_s + _GRACE_S - passed_s))
    for pipeline in pipelines:
        pipeline.close(0)
    for pipeline in pipelines:
        pipeline.finish(0)


def _overheard(tried: _Tried) -> Trial:
    heard = tried.overheard
    return replace(
        tried.trial,
        outcome=heard.outcome,
        answered=heard.answered,
        began_at_s=heard.began_at_s,
        ended_at_s=heard.ended_at_s,
    )
