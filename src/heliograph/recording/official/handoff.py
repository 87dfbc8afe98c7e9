"""Where the official SDK's recording ends and our pipeline begins: two processors and a metric reader.

Each hands what the SDK made to an ``accept`` function and does nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from heliograph.recording.official.collecting import COLLECTING


class SpanHandoff(SpanProcessor):
    """Hands over every sampled span when it ends."""

    def __init__(self, accept: Callable[[ReadableSpan], None]) -> None:
        self._accept = accept

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            started_ns, ended_ns = span._start_time, span._end_time
            if started_ns is not None and ended_ns is not None and ended_ns < started_ns:
                span._end_time = started_ns  # the clock was set back meanwhile: nobody knows how long it took
            self._accept(span)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class LogHandoff(LogRecordProcessor):
    """Hands over every log record as a frozen copy of what it is now."""

    def __init__(self, accept: Callable[[ReadableLogRecord], None]) -> None:
        self._accept = accept

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._accept(
            ReadableLogRecord(
                log_record=copy.copy(log_record.log_record),
                resource=log_record.resource or Resource.get_empty(),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class MetricHandoff(MetricReader):
    """Hands over a collection each time that ``hand_over()`` is called; somebody else decides when."""

    def __init__(self, accept: Callable[[MetricsData], None], cardinality_limit: int) -> None:
        super().__init__(cardinality_limits=cardinality_limits(cardinality_limit))
        self._accept = accept

    def hand_over(self) -> None:
        """Collect now."""
        with COLLECTING.collecting():
            self.collect()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if data_points(metrics_data):
            self._accept(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


def cardinality_limits(limit: int) -> dict[type, int]:
    """The SDK's form of one limit for every kind of instrument."""
    kinds = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableGauge, ObservableUpDownCounter)
    return dict.fromkeys(kinds, limit)


def data_points(data: MetricsData) -> int:
    """How many data points a collection holds: what the ledger counts for metrics."""
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def one(_item: Any) -> int:
    """A span or a log record is one item."""
    return 1


# How many items of the ledger one accepted object stands for, by signal.
WEIGHTS: Final = {"traces": one, "metrics": data_points, "logs": one}
