"""The peers: the official SDK with its batch processors, and logfire, each wired as its makers advise.

Their exporters take everything at no cost and count it, so that a benchmark can show that it measured recording, not dropping.
"""

from __future__ import annotations

from collections.abc import Sequence

import logfire
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler


class CountedSpans(SpanExporter):
    """Takes spans at no cost."""

    def __init__(self) -> None:
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.count += len(spans)
        return SpanExportResult.SUCCESS


class CountedLogRecords(LogRecordExporter):
    """Takes log records at no cost."""

    def __init__(self) -> None:
        self.count = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.count += len(batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


def official_tracing(exporter: SpanExporter, sampler: Sampler = ALWAYS_ON) -> TracerProvider:
    """The official SDK with its batch processor, whose limits are the defaults."""
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def official_logging(exporter: LogRecordExporter) -> LoggerProvider:
    """As :func:`official_tracing`, of log records."""
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return provider


def logfire_tracing(exporter: SpanExporter, sampled_share: float = 1.0) -> logfire.Logfire:
    """logfire, apart from the global providers, without what it does beyond recording: console, its own cloud, looking for
    secrets, reading the caller's source."""
    return logfire.configure(
        local=True,
        send_to_logfire=False,
        console=False,
        scrubbing=False,
        inspect_arguments=False,
        metrics=False,
        add_baggage_to_attributes=False,
        sampling=logfire.SamplingOptions(head=sampled_share),
        additional_span_processors=[BatchSpanProcessor(exporter)],
    )
