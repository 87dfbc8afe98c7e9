"""From the settings of an exporter to its delivery: the exporter, the limits, the disk behind it. Called by the assembly."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from heliograph.clock import Clock
from heliograph.exporters.build import build_exporter, component
from heliograph.exporters.span_log import NAME, SpanLog
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.narration import Narration
from heliograph.pipeline.spool import Spool, folder_name
from heliograph.recording import chosen
from heliograph.settings import TelemetrySettings
from heliograph.settings.batching import BatchExport
from heliograph.settings.exporters import ExporterSettings, JaegerExporter, OtlpExporter

# A cumulative collection that waits is soon overtaken by the next one, which holds the same sums and newer.
_WAITING_COLLECTIONS: Final = 16
SPOOL_DIRECTORY: Final = ".heliograph/spool"  # below the working directory, as it is at the start
NETWORK: Final = (OtlpExporter, JaegerExporter)


def exporters_of(settings: TelemetrySettings) -> tuple[tuple[Signal, tuple[ExporterSettings, ...]], ...]:
    """Each signal that is switched on, and where it goes."""
    tracing = settings.tracing
    sections = (
        (Signal.TRACES, tracing.enabled, (*tracing.exporters, *((SpanLog(name=NAME),) if tracing.log_spans else ()))),
        (Signal.METRICS, settings.metrics.enabled, settings.metrics.exporters),
        (Signal.LOGS, settings.logs.enabled, settings.logs.exporters),
    )
    return tuple((signal, exporters) for signal, is_enabled, exporters in sections if is_enabled)


def build_delivery(settings: TelemetrySettings, signal: Signal, wanted: ExporterSettings, clock: Clock) -> Delivery:
    """The delivery of ``signal`` to the destination ``wanted``."""
    delivery = Delivery(
        signal,
        wanted.destination,
        build_exporter(signal.value, wanted),
        limits_of(settings, signal, wanted),
        spool=_spool(settings, signal, wanted, clock),
        is_spooled_first=settings.delivery.spool == "always" and isinstance(wanted, NETWORK),
        component=component(signal.value, wanted),
        clock=clock,
    )
    if settings.tracing.debug_mode:
        delivery.narrate = Narration(signal, wanted.destination, delivery.component)
    return delivery


def limits_of(settings: TelemetrySettings, signal: Signal, wanted: ExporterSettings) -> Limits:
    """How much may wait for it, and for how long."""
    delivery, tracing, logs = settings.delivery, settings.tracing, settings.logs
    queue_size, batches = delivery.queue_size, tracing.batch_export if signal is Signal.TRACES else logs.batch_export
    if signal is Signal.METRICS:
        longest = settings.metrics.max_export_timeout
        is_cumulative = chosen.preference(wanted).temporality == "cumulative"
        queue_size = _WAITING_COLLECTIONS if is_cumulative else queue_size  # what a delta says is said once
        batches = BatchExport(max_batch_size=1, max_export_timeout=longest)
    timeouts = [batches.max_export_timeout, getattr(wanted, "timeout", batches.max_export_timeout)]
    return Limits(
        queue_size=queue_size,
        queue_max_bytes=delivery.queue_max_bytes,
        when_full=delivery.when_full,
        batch_size=min(batches.max_batch_size, queue_size),
        interval_s=batches.export_interval.total_seconds(),
        attempt_timeout_s=min(timeouts).total_seconds(),
    )


def _spool(settings: TelemetrySettings, signal: Signal, wanted: ExporterSettings, clock: Clock) -> Spool | None:
    """The disk behind a destination that is reached over the network; the others are on this machine themselves."""
    delivery = settings.delivery
    if delivery.spool == "off" or not isinstance(wanted, NETWORK):
        return None
    return Spool(
        Path(delivery.spool_directory or SPOOL_DIRECTORY).absolute() / folder_name(signal.value, wanted.destination),
        max_bytes=delivery.spool_max_bytes,
        max_age_s=delivery.spool_max_age.total_seconds(),
        clock=clock,
    )
