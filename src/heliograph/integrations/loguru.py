"""loguru's records as OpenTelemetry log records, ``logger.add(LoguruSink())``, and the ids of the current span in them,
``logger.configure(patcher=add_trace_context)``.

Called by loguru with each message; calls the bridge and the correlation. Needs nothing of loguru's itself
(``heliograph[loguru]`` installs it).
"""

from __future__ import annotations

from typing import Any

from opentelemetry.semconv.attributes.code_attributes import CODE_FILE_PATH, CODE_FUNCTION_NAME, CODE_LINE_NUMBER

from heliograph.instrumentation.correlation import SERVICE_NAME, SPAN_ID, TRACE_ID, current_ids
from heliograph.integrations.bridge import Bridge, Target
from heliograph.integrations.logging import service_name
from heliograph.recording.attributes import taken
from heliograph.recording.logs.severity import severity_of


def add_trace_context(record: Any) -> None:
    """A patcher that gives ``extra`` of each record ``trace_id``, ``span_id`` (empty where there is no span) and
    ``service_name``; a format may then have ``{extra[trace_id]}``. What the application bound itself stays."""
    extra = record["extra"]
    if TRACE_ID not in extra and SPAN_ID not in extra:
        extra[TRACE_ID], extra[SPAN_ID] = current_ids()
    extra.setdefault(TRACE_ID, "")  # a format that has both loses the line otherwise
    extra.setdefault(SPAN_ID, "")
    extra.setdefault(SERVICE_NAME, service_name())


class LoguruSink:
    """A sink for loguru. Never raises; the level is that of ``logger.add(LoguruSink(), level=...)``.

    ``target`` is where records go: a manager, a logger provider, or None for the manager that runs at the time. The name of
    the logging module becomes the logger's, ``bind()`` and ``contextualize()`` give attributes. Add it without
    ``enqueue=True``: on loguru's own thread there is no current span.
    """

    def __init__(self, target: Target = None) -> None:
        self._bridge = Bridge(target)

    def __call__(self, message: Any) -> None:
        try:
            record = message.record
            attributes, _dropped = taken(_own(record["extra"]), None, None)
            attributes[CODE_FILE_PATH] = record["file"].path
            attributes[CODE_FUNCTION_NAME] = record["function"]
            attributes[CODE_LINE_NUMBER] = record["line"]
            exception = record["exception"]
            self._bridge.emit(
                record["name"] or "loguru",  # None in code that is no module's
                # Microseconds are what a datetime holds.
                created_ns=round(record["time"].timestamp() * 1e6) * 1000,
                severity=severity_of(record["level"].no),
                body=record["message"],
                attributes=attributes,
                error=None if exception is None else exception.value,
            )
        except Exception as error:  # a patcher of the application's may leave anything in a record
            self._bridge.mishaps.note("loguru", error)


def _own(extra: dict[str, Any]) -> dict[str, Any]:
    """Without what the patcher added: in a log record that has places of its own."""
    if (extra.get(TRACE_ID), extra.get(SPAN_ID)) != current_ids():
        return {name: value for name, value in extra.items() if name not in (TRACE_ID, SPAN_ID) or value != ""}
    return {name: value for name, value in extra.items() if name not in (TRACE_ID, SPAN_ID, SERVICE_NAME)}
