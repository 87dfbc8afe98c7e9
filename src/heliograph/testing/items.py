"""Items to export: spans, log records and collections of metrics, good ones and ones that nobody can encode.

Those of the official SDK are made by hand, those of the native recorder by it. Used by `exporters.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.readers import WEIGHTS
from heliograph.recording.traces.provider import TracerProvider

NOW_NS = 1_700_000_000_000_000_000
# Beyond what 64 bits hold and beyond every calendar: nobody can print it as a time.
IMPOSSIBLE_NS = 10**30

_RESOURCE = Resource({"service.name": "under-test"})
_SCOPE = InstrumentationScope("items", "1.0")


def make_span(name: str = "work", *, number: int = 1, start_ns: int = NOW_NS, **attributes: Any) -> ReadableSpan:
    """A span of 2 ms whose ids are made from ``number`` (>= 1)."""
    return ReadableSpan(
        name,
        context=SpanContext(number, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)),
        resource=_RESOURCE,
        attributes=attributes,
        start_time=start_ns,
        end_time=start_ns + 2_000_000,
        instrumentation_scope=_SCOPE,
    )


def make_log(
    body: Any = "it happened",
    *,
    number: int = 0,
    time_ns: int = NOW_NS,
    severity_text: str = "INFO",
    attributes: Mapping[str, Any] | None = None,
    event_name: str | None = None,
) -> ReadableLogRecord:
    """A log record; ``number`` >= 1 puts it into a span of that id."""
    record = LogRecord(
        timestamp=time_ns,
        observed_timestamp=time_ns,
        severity_text=severity_text,
        severity_number=SeverityNumber.INFO,
        body=body,
        attributes=attributes,
        event_name=event_name,
    )
    record.trace_id = record.span_id = number
    return ReadableLogRecord(log_record=record, resource=_RESOURCE, instrumentation_scope=_SCOPE)


def make_metric(name: str, values: Sequence[Any] = (1,), *, unit: str = "1", is_sum: bool = True) -> Metric:
    """One metric with a data point for each of ``values``."""
    points = [NumberDataPoint({"point": at}, NOW_NS, NOW_NS + 1, value) for at, value in enumerate(values)]
    data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True) if is_sum else Gauge(points)
    return Metric(name, "", unit, data)


def collect(*metrics: Metric) -> MetricsData:
    """One collection that holds ``metrics``."""
    return MetricsData([ResourceMetrics(_RESOURCE, [ScopeMetrics(_SCOPE, list(metrics), "")], "")])


def _good_collection(number: int) -> MetricsData:
    return collect(make_metric(f"work.{number}"))


GOOD: Mapping[str, Callable[[int], Any]] = {
    "traces": lambda number: make_span(f"work {number}", number=number),
    "metrics": _good_collection,
    "logs": lambda number: make_log(f"work {number}", number=number),
}
BROKEN: Mapping[str, Callable[[], Any]] = {
    "traces": lambda: make_span("broken", number=1 << 128, start_ns=IMPOSSIBLE_NS),
    "metrics": lambda: collect(make_metric("broken", ["many"])),
    "logs": lambda: make_log("broken", number=1 << 128, time_ns=IMPOSSIBLE_NS),
}
# What the ledger counts one object for: a collection of metrics is as many items as it has data points.
WEIGHT: Mapping[str, Callable[[Any], int]] = WEIGHTS


def native_items(signal: str, numbers: Sequence[int]) -> list[Any]:
    """The same as the good ones, of our own recorder; collections of metrics are the SDK's from either."""
    found: list[Any] = []
    if signal == "traces":
        tracer = TracerProvider(resource=_RESOURCE, shutdown_on_exit=False, accept=found.append).get_tracer("items", "1.0")
        for number in numbers:
            tracer.start_span(f"work {number}").end()
    elif signal == "logs":
        provider = LoggerProvider(resource=_RESOURCE, shutdown_on_exit=False, accept=found.append)
        for number in numbers:
            provider.get_logger("items", "1.0").emit(body=f"work {number}", timestamp=NOW_NS)
    else:
        found += [GOOD[signal](number) for number in numbers]
    return found
