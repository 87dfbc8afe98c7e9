"""Events: ``telemetry.event(...)`` as a log record with an event name (OpenTelemetry semantic conventions, "Events").

Called by the manager; emits through OpenTelemetry's logger, whoever's it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import get_current

from heliograph.recording.logs.severity import SEVERITY_BY_NAME
from heliograph.recording.mishaps import Mishaps
from heliograph.text import plain, shown


def emit_event(
    logger: Logger,
    name: str,
    *,
    severity: str,
    body: str | None,
    attributes: Mapping[str, Any],
    time_ns: int,
    mishaps: Mishaps,
) -> None:
    """Emit one event. Never raises."""
    try:
        asked = severity.upper() if isinstance(severity, str) else shown(severity)
        known = SEVERITY_BY_NAME.get(asked)
        if known is None:
            mishaps.note("event.severity", f"{shown(severity)!r} is none of {', '.join(SEVERITY_BY_NAME)}; INFO was used")
        record: Any = {
            "timestamp": time_ns,
            "observed_timestamp": time_ns,
            "context": get_current(),
            "severity_text": "INFO" if known is None else asked,
            "severity_number": SeverityNumber.INFO if known is None else known[1],
            "event_name": name if isinstance(name, str) else shown(name),
        }
        try:
            logger.emit(body=body, attributes=dict(attributes), **record)
        except Exception as error:  # a value that cannot be shown, for one: the event is worth more than it
            mishaps.note("event", error)
            plain_attributes = {key: plain(value) for key, value in attributes.items()}
            logger.emit(body=plain(body) if body is not None else None, attributes=plain_attributes, **record)
    except Exception as error:  # processors and odd values may raise anything; the application goes on
        mishaps.note("event", error)
