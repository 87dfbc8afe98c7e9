"""One span, one data point and one log record, to be sent to every destination. Called by `trial.py`.

They are the SDK's items, made by hand: what the settings or the environment switch off, or do not sample, is tried as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import Gauge, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from heliograph.__about__ import __version__

NAME: Final = "heliograph.doctor"
_SCOPE: Final = InstrumentationScope(NAME, __version__)
_DURATION_NS: Final = 1_000_000


def _span(resource: Resource, now_ns: int) -> ReadableSpan:
    context = SpanContext(
        int.from_bytes(secrets.token_bytes(16)) or 1,
        int.from_bytes(secrets.token_bytes(8)) or 1,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return ReadableSpan(
        NAME,
        context=context,
        resource=resource,
        instrumentation_scope=_SCOPE,
        start_time=now_ns - _DURATION_NS,
        end_time=now_ns,
    )


def _collection(resource: Resource, now_ns: int) -> MetricsData:
    point = NumberDataPoint({}, now_ns - _DURATION_NS, now_ns, 1)
    metric = Metric(NAME, "A visit of heliograph doctor.", "1", Gauge([point]))
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(_SCOPE, [metric], "")], "")])


def _record(resource: Resource, now_ns: int) -> ReadableLogRecord:
    record = LogRecord(
        timestamp=now_ns,
        observed_timestamp=now_ns,
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        body="heliograph doctor was here",
        event_name=NAME,
    )
    return ReadableLogRecord(log_record=record, resource=resource, instrumentation_scope=_SCOPE)


SAMPLES: Final[Mapping[str, Callable[[Resource, int], Any]]] = {
    "traces": _span,
    "metrics": _collection,
    "logs": _record,
}
"""Makes the one item of a signal, from who sends and the time."""
