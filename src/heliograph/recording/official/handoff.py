"""Where the official SDK's recording ends and our pipeline begins: two processors.

Each hands what the SDK made to an ``accept`` function and does nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor


class SpanHandoff(SpanProcessor):
    """Hands over every sampled span when it ends, or every recorded one with ``is_all_taken``."""

    def __init__(self, accept: Callable[[ReadableSpan], None], *, is_all_taken: bool = False) -> None:
        self._accept = accept
        self._is_all_taken = is_all_taken

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and (span.context.trace_flags.sampled or self._is_all_taken):
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
