"""The native log record: what one emit leaves behind, made by the logger, encoded by ``otlp/logs.py``."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

# The trace id, the span id and the flags of the trace.
SpanIds = tuple[Any, Any, Any]
NO_SPAN: Final[SpanIds] = (0, 0, 0)


class NativeLogRecord(NamedTuple):
    """A log record with who made it and who sends it. Times are in ns since the epoch.

    A tuple, since that is what Python makes fastest. It has the surface of the SDK's ``ReadableLogRecord`` and of the API's
    ``LogRecord`` in one, so that whatever reads those (the console exporter, for one) reads this.
    """

    timestamp: int | None
    observed_timestamp: int
    span_ids: SpanIds
    severity_number: SeverityNumber | None
    severity_text: str | None
    body: Any
    attributes: dict[str, Any]
    dropped_attributes: int
    event_name: str | None
    instrumentation_scope: InstrumentationScope | None
    resource: Resource

    @property
    def log_record(self) -> NativeLogRecord:
        """Itself: the SDK keeps what the application said in an object of its own."""
        return self

    @property
    def trace_id(self) -> int:
        """0 outside a span."""
        return self.span_ids[0]  # type: ignore[no-any-return]

    @property
    def span_id(self) -> int:
        """0 outside a span."""
        return self.span_ids[1]  # type: ignore[no-any-return]

    @property
    def trace_flags(self) -> int:
        """W3C's, 0 outside a span."""
        return self.span_ids[2]  # type: ignore[no-any-return]
