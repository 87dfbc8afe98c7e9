"""Log records and events, as a test looks at them. Built from the native recorder's records by `telemetry.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from heliograph.recording.logs.record import NativeLogRecord
from heliograph.testing.named import Named
from heliograph.testing.spans import attributes_shown


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLog:
    """A log record or an event; ``severity`` is TRACE, DEBUG, INFO, WARN, ERROR or FATAL, as it was given.

    ``name`` is the event's, or that of the logger. ``time_ns`` is when it happened as the caller said, ``observed_at_ns`` when
    it was recorded, both in ns since the Unix epoch. ``trace_id`` and ``span_id`` are those of the span around it, 0 for none.
    """

    name: str
    severity: str
    body: Any
    attributes: Mapping[str, Any]
    time_ns: int
    observed_at_ns: int
    trace_id: int
    span_id: int
    scope: str

    def __str__(self) -> str:
        said = [] if self.body is None else [str(self.body)]
        return " ".join([self.severity, self.name, *said, *attributes_shown(self.attributes)])


class RecordedEvents(Named[RecordedLog]):
    """The events, in the order in which they were emitted."""

    noun: ClassVar = "event"


class RecordedLogs(Named[RecordedLog]):
    """The log records that are no events, in the order in which they were emitted. Their names are those of their loggers."""

    noun: ClassVar = "log record"

    @property
    def bodies(self) -> list[Any]:
        """What each says."""
        return [log.body for log in self]


def recorded_events(records: Iterable[NativeLogRecord]) -> RecordedEvents:
    """Those of ``records`` that have an event's name."""
    return RecordedEvents([_recorded(record, record.event_name) for record in records if record.event_name])


def recorded_logs(records: Iterable[NativeLogRecord]) -> RecordedLogs:
    """The others."""
    return RecordedLogs([_recorded(record, None) for record in records if not record.event_name])


def _recorded(record: NativeLogRecord, event_name: str | None) -> RecordedLog:
    scope = record.instrumentation_scope.name if record.instrumentation_scope is not None else ""
    return RecordedLog(
        name=event_name or scope,
        severity=record.severity_text or (record.severity_number.name if record.severity_number is not None else ""),
        body=record.body,
        attributes=dict(record.attributes),
        time_ns=record.timestamp if record.timestamp is not None else record.observed_timestamp,
        observed_at_ns=record.observed_timestamp,
        trace_id=record.trace_id or 0,
        span_id=record.span_id or 0,
        scope=scope,
    )
