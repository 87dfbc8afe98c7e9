"""Logs and events: the standard library's handler, and ``telemetry.event(...)``.

Records of the loggers ``heliograph.*`` and records made while telemetry itself is at work are left alone, so that a failing
export cannot feed itself.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.semconv.attributes import code_attributes, exception_attributes

from heliograph.recording.mishaps import Mishaps
from heliograph.recording.suppression import is_suppressed
from heliograph.text import plain, shown

OWN_LOGGERS: Final = "heliograph"

# OpenTelemetry log data model, "Field: SeverityNumber", with Python's level from which each applies.
SEVERITIES: Final[tuple[tuple[int, str, SeverityNumber], ...]] = (
    (logging.CRITICAL, "FATAL", SeverityNumber.FATAL),
    (logging.ERROR, "ERROR", SeverityNumber.ERROR),
    (logging.WARNING, "WARN", SeverityNumber.WARN),
    (logging.INFO, "INFO", SeverityNumber.INFO),
    (logging.DEBUG, "DEBUG", SeverityNumber.DEBUG),
    (0, "TRACE", SeverityNumber.TRACE),
)
_SEVERITY_BY_TEXT: Final[Mapping[str, SeverityNumber]] = {
    **{text: number for _level, text, number in SEVERITIES},
    "WARNING": SeverityNumber.WARN,
    "CRITICAL": SeverityNumber.FATAL,
}

# What every LogRecord has; whatever else is on one came in through `extra=`.
_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LoggingHandler(logging.Handler):
    """A ``logging`` handler that turns records into OpenTelemetry log records with the ids of the current span.

    Add it to any logger: ``logging.getLogger().addHandler(telemetry.logging_handler())``. Values given with ``extra=``
    become attributes. Never raises.
    """

    def __init__(self, level: int | str, provider: Callable[[], LoggerProvider], mishaps: Mishaps) -> None:
        super().__init__(level)
        self._provider = provider
        self._mishaps = mishaps

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if record.name.split(".", 1)[0] == OWN_LOGGERS or is_suppressed():
                return
            self._provider().get_logger(record.name).emit(_translated(record))
        except Exception as error:  # a message whose arguments do not fit, values that cannot be shown, odd processors
            self._mishaps.note("logging", error)


def _translated(record: logging.LogRecord) -> LogRecord:
    text, number = severity_of(record.levelno)
    return LogRecord(
        timestamp=round(record.created * 1e9),
        context=get_current(),
        severity_text=text,
        severity_number=number,
        body=_message(record),
        attributes=_attributes(record),
    )


def severity_of(level: int) -> tuple[str, SeverityNumber]:
    """The OpenTelemetry severity of a ``logging`` level."""
    return next((text, number) for least, text, number in SEVERITIES if level >= least or least == 0)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit the format: the record is still worth having
        return f"{shown(record.msg)} {shown(record.args)}"


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    attributes = {name: plain(value) for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
    attributes[code_attributes.CODE_FILE_PATH] = record.pathname
    attributes[code_attributes.CODE_FUNCTION_NAME] = record.funcName or ""
    attributes[code_attributes.CODE_LINE_NUMBER] = record.lineno
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        attributes[exception_attributes.EXCEPTION_TYPE] = _qualified(type(error))
        attributes[exception_attributes.EXCEPTION_MESSAGE] = shown(error)
        attributes[exception_attributes.EXCEPTION_STACKTRACE] = "".join(traceback.format_exception(error))
    return attributes


def _qualified(kind: type) -> str:
    # As the SDK writes it on spans.
    return kind.__qualname__ if kind.__module__ in ("builtins", None) else f"{kind.__module__}.{kind.__qualname__}"


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
    """Emit one event: a log record with an event name (OpenTelemetry semantic conventions, "Events"). Never raises."""
    try:
        text = severity.upper() if isinstance(severity, str) else shown(severity)
        number = _SEVERITY_BY_TEXT.get(text)
        if number is None:
            mishaps.note("event.severity", f"{shown(severity)!r} is none of {', '.join(_SEVERITY_BY_TEXT)}; INFO was used")
            text, number = "INFO", SeverityNumber.INFO
        record: Any = {
            "timestamp": time_ns,
            "observed_timestamp": time_ns,
            "context": get_current(),
            "severity_text": text,
            "severity_number": number,
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
