"""The native logger: one emit makes one small record and hands it over.

Called by the application through OpenTelemetry's API, and by our handler and bridges. Calls the attached processors, if any,
then ``accept``, a pipeline's queue. No lock is held here: a signal handler or a finaliser may log at any moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from time import time_ns
from typing import Any, Final

from opentelemetry import _logs as api
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.recording.attributes import taken
from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.exceptions import with_exception
from heliograph.recording.logs.outlet import Outlet
from heliograph.recording.logs.record import NO_SPAN, NativeLogRecord, SpanIds
from heliograph.recording.logs.sdk_records import as_native, as_sdk
from heliograph.recording.logs.values import frozen_body
from heliograph.recording.recorder import nowhere
from heliograph.recording.traces.span import Span

# As the record's constructor would, without the call.
_new_record: Final = tuple.__new__


class Logger(api.Logger):
    """A logger of one instrumentation scope. Thread-safe; never raises."""

    def __init__(self, scope: InstrumentationScope, outlet: Outlet, *, is_enabled: bool = True) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url, scope.attributes)
        self._scope = scope
        self.outlet = outlet
        self._is_enabled = is_enabled

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Whose records these are."""
        return self._scope

    @property
    def resource(self) -> Resource:
        """Who sends them."""
        return self.outlet.resource

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        outlet = self.outlet
        if not self._is_enabled:
            return False
        processors = outlet.processors
        return outlet.accept is not nowhere or (
            processors is not None and processors.enabled(context, self._scope, severity_number, event_name)
        )

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: Any = None,
        attributes: Mapping[str, Any] | None = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        outlet = self.outlet
        try:
            if record is not None:
                self._emit_made(record)
                return
            if exception is not None:
                attributes = with_exception(attributes, exception)
            kept, dropped = taken(attributes, outlet.most_attributes, outlet.longest_text)
            self.deliver(
                context or CURRENT.get(),
                timestamp,
                time_ns() if observed_timestamp is None else observed_timestamp,
                severity_number,
                severity_text,
                frozen_body(body),
                kept,
                dropped,
                event_name,
            )
        except Exception as error:  # odd values, and an accept of somebody else's, may raise anything
            outlet.mishaps.note("log", error)

    def deliver(
        self,
        context: Context,
        timestamp: int | None,
        observed_timestamp: int,
        severity_number: SeverityNumber | None,
        severity_text: str | None,
        body: Any,
        attributes: dict[str, Any],
        dropped: int,
        event_name: str | None,
    ) -> None:
        """Emit what is checked and copied already: ``attributes`` and ``body`` are the record's own from now on."""
        if not self._is_enabled:
            return
        span: Any = context.get(SPAN_KEY)
        if span is None:
            span_ids = NO_SPAN
        elif type(span) is Span:
            span_ids = (span._trace_id, span._span_id, span._flags)
        else:
            span_ids = _ids_of(span)
        outlet = self.outlet
        # In the order of the record's fields.
        fields = (
            timestamp,
            observed_timestamp,
            span_ids,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped,
            event_name,
            self._scope,
            outlet.resource,
        )
        record = _new_record(NativeLogRecord, fields)
        outlet.accept(record if outlet.is_direct else self._shown_around(record, context))

    def _shown_around(self, record: NativeLogRecord, context: Context) -> NativeLogRecord:
        """Count the record and show it to the processors; returns what they made of it."""
        outlet = self.outlet
        try:
            if outlet.count is not None:
                outlet.count()
            if outlet.processors is None:
                return record
            made = as_sdk(record, context, outlet.limits)
            outlet.processors.on_emit(made)
            return as_native(made, outlet)
        except Exception as error:  # a meter, a span or a record's field of somebody else's: the record is worth more
            outlet.mishaps.note("log processor", error)
            return record

    def _emit_made(self, record: Any) -> None:
        """Emit a record that the application made: the API's, or one of the SDK's with a resource and a scope of its own."""
        outlet = self.outlet
        if not self._is_enabled:
            return
        of_sdk = record if isinstance(record, ReadWriteLogRecord) else None
        inner: Any = record if of_sdk is None else of_sdk.log_record
        attributes, error = inner.attributes, getattr(inner, "exception", None)
        if error is not None:
            attributes = with_exception(attributes, error)
        kept, dropped = taken(attributes, outlet.most_attributes, outlet.longest_text)
        made = NativeLogRecord(
            inner.timestamp,
            inner.observed_timestamp,
            (inner.trace_id, inner.span_id, inner.trace_flags),
            inner.severity_number,
            inner.severity_text,
            frozen_body(inner.body),
            kept,
            dropped if of_sdk is None else dropped + of_sdk.dropped_attributes,
            inner.event_name,
            self._scope if of_sdk is None else of_sdk.instrumentation_scope,
            outlet.resource if of_sdk is None or of_sdk.resource is None else of_sdk.resource,
        )
        outlet.accept(made if outlet.is_direct else self._shown_around(made, inner.context))


def _ids_of(span: Any) -> SpanIds:
    """What a span of any recorder is known by."""
    if isinstance(span, trace.Span):
        with suppress(Exception):  # a span of somebody else's; the record is worth having without it
            context = span.get_span_context()
            return context.trace_id, context.span_id, context.trace_flags
    return NO_SPAN
