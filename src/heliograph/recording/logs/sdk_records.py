"""Native log records as the SDK's, for attached processors, and back again with what those changed.

Called by the logger, only while a processor is attached.
"""

from __future__ import annotations

from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordLimits, ReadWriteLogRecord
from opentelemetry.trace import TraceFlags

from heliograph.recording.attributes import taken
from heliograph.recording.logs.outlet import Outlet
from heliograph.recording.logs.record import NativeLogRecord
from heliograph.recording.logs.values import frozen_body


def as_sdk(record: NativeLogRecord, context: Context, limits: LogRecordLimits) -> ReadWriteLogRecord:
    """What processors of the SDK are given, with an attribute mapping that they may change."""
    inner: Any = LogRecord(
        timestamp=record.timestamp,
        observed_timestamp=record.observed_timestamp,
        context=context,
        severity_text=record.severity_text,
        severity_number=record.severity_number,
        body=record.body,
        attributes=record.attributes,
        event_name=record.event_name,
    )
    # Not those that the constructor looks up: a record that the application made has its own.
    inner.trace_id, inner.span_id, flags = record.span_ids
    inner.trace_flags = TraceFlags(flags or 0)
    made = ReadWriteLogRecord(
        log_record=inner, resource=record.resource, instrumentation_scope=record.instrumentation_scope, limits=limits
    )
    inner.attributes.dropped += record.dropped_attributes  # the constructor has made it a BoundedAttributes
    return made


def as_native(record: ReadWriteLogRecord, outlet: Outlet) -> NativeLogRecord:
    """What an SDK's record is now, copied."""
    inner: Any = record.log_record
    attributes, dropped = taken(inner.attributes, outlet.most_attributes, outlet.longest_text)
    return NativeLogRecord(
        inner.timestamp,
        inner.observed_timestamp,
        (inner.trace_id, inner.span_id, inner.trace_flags),
        inner.severity_number,
        inner.severity_text,
        frozen_body(inner.body),
        attributes,
        dropped + record.dropped_attributes,
        inner.event_name,
        record.instrumentation_scope,
        record.resource or outlet.resource,
    )
