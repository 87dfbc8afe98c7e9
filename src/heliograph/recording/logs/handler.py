"""The handler of the standard library's `logging`: its records become OpenTelemetry's, with the ids of the current span.

Records of the loggers ``heliograph.*`` and records made while telemetry itself is at work are left alone, so that a failing
export cannot feed itself. Called by `logging`; calls the native logger directly, any other through OpenTelemetry's API.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import time_ns
from typing import Any, Final

from opentelemetry import _logs as api
from opentelemetry import context as context_api
from opentelemetry._logs import LoggerProvider
from opentelemetry.context import Context
from opentelemetry.semconv.attributes.code_attributes import CODE_FILE_PATH, CODE_FUNCTION_NAME, CODE_LINE_NUMBER

from heliograph.recording.attributes import SCALARS, put, taken
from heliograph.recording.context import CURRENT
from heliograph.recording.exceptions import exception_fields
from heliograph.recording.logs.logger import Logger
from heliograph.recording.logs.severity import SEVERITY_BY_LEVEL, Severity, severity_of
from heliograph.recording.logs.values import frozen_body
from heliograph.recording.mishaps import Mishaps
from heliograph.text import plain, shown

OWN_LOGGERS: Final = "heliograph"

# What every record has, in the order in which its constructor sets it. Whatever comes later came in through `extra=`, or by
# the hand of a factory, a filter or a formatter.
_STANDARD_FIELDS: Final = tuple(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
_LAST_STANDARD_FIELD: Final = _STANDARD_FIELDS[-1]
_CODE: Final = (CODE_LINE_NUMBER, CODE_FUNCTION_NAME, CODE_FILE_PATH)
_NO_EXTRAS: Final = frozenset(_STANDARD_FIELDS) | {"message", "asctime", "taskName", *_CODE}

# A name for each request would otherwise be kept for ever.
_MOST_LOGGERS: Final = 1024
_SUPPRESSED: Final = context_api._SUPPRESS_INSTRUMENTATION_KEY
_NS_A_SECOND: Final = 1_000_000_000
# The fraction of a second that a float of this century holds is a whole number of these parts: nothing is rounded.
_PARTS_BITS: Final = 22
_PARTS: Final = float(1 << _PARTS_BITS)


class _Loggers(dict[str, api.Logger | None]):
    """The loggers of one provider by name; None for those that are left alone."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self.provider = provider

    def __missing__(self, name: str) -> api.Logger | None:
        found = None if name.split(".", 1)[0] == OWN_LOGGERS else self.provider.get_logger(name)
        if len(self) >= _MOST_LOGGERS:
            self.clear()
        self[name] = found
        return found


class LoggingHandler(logging.Handler):
    """A ``logging`` handler that turns records into OpenTelemetry log records with the ids of the current span.

    Add it to any logger: ``logging.getLogger().addHandler(telemetry.logging_handler())``. Values given with ``extra=``
    become attributes. Never raises.
    """

    def __init__(self, level: int | str, provider: Callable[[], LoggerProvider], mishaps: Mishaps) -> None:
        super().__init__(level)
        self._provider = provider
        self._mishaps = mishaps
        self._loggers = _Loggers(api.NoOpLoggerProvider())

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit, without the lock that other handlers need around what they write to."""
        passed: Any = True
        if self.filters:
            try:
                passed = self.filter(record)
            except Exception as error:  # the application's own code
                self._mishaps.note("logging filter", error)
            if not passed:
                return False
            if isinstance(passed, logging.LogRecord):  # since Python 3.12 a filter may give another record
                record = passed
        self.emit(record)
        return passed  # type: ignore[no-any-return]

    def emit(self, record: logging.LogRecord) -> None:
        try:
            loggers, context = self._loggers, CURRENT.get()
            logger: Any = loggers[record.name]
            # Before anything that may fail: what is said about a failure comes by here too.
            if logger is None or context.get(_SUPPRESSED):
                return
            provider = self._provider()
            if provider is not loggers.provider:
                loggers = self._loggers = _Loggers(provider)
                logger = loggers[record.name]
            text, number = SEVERITY_BY_LEVEL.get(record.levelno) or severity_of(record.levelno)
            created_s, message, arguments = record.created, record.msg, record.args
            created_ns = (
                int(created_s * _PARTS) * _NS_A_SECOND >> _PARTS_BITS if type(created_s) is float else _odd_ns(created_s)
            )
            if type(message) is not str or type(record) is not logging.LogRecord:
                message = _message(record)
            elif arguments:
                # What its getMessage() does, without the call.
                try:
                    message %= arguments
                except Exception:  # arguments that do not fit the format, or raise when they are shown
                    message = _message(record)
            attributes, dropped = _attributes(record)
            if type(logger) is not Logger:
                _emit(logger, context, created_ns, (text, number), message, attributes)
                return
            outlet = logger.outlet
            most = outlet.most_attributes
            if outlet.longest_text is not None or (most is not None and len(attributes) > most):
                attributes, too_many = taken(dict(reversed(attributes.items())), most, outlet.longest_text)
                dropped += too_many
            logger.deliver(context, created_ns, time_ns(), number, text, message, attributes, dropped, None)
        except Exception as error:  # values that cannot be shown, providers and processors of somebody else's
            self._mishaps.note("logging", error)

    def bridge(
        self,
        name: str,
        *,
        created_ns: int,
        severity: Severity,
        body: Any,
        attributes: dict[str, Any],
        error: BaseException | None = None,
    ) -> None:
        """Emit what another logging library recorded under ``name``, by the same rules. Never raises.

        ``attributes`` is the record's own from now on; those of ``error`` are added to it.
        """
        try:
            context = CURRENT.get()
            if name.split(".", 1)[0] == OWN_LOGGERS or context.get(_SUPPRESSED):
                return
            if error is not None:
                attributes |= exception_fields(error)
            _emit(self._provider().get_logger(name), context, created_ns, severity, body, attributes)
        except Exception as failure:  # as above
            self._mishaps.note("logging", failure)


def _emit(
    logger: api.Logger, context: Context, created_ns: int | None, severity: Severity, body: Any, attributes: dict[str, Any]
) -> None:
    """Through the API, whoever's logger it is."""
    text, number = severity
    logger.emit(
        timestamp=created_ns, context=context, severity_number=number, severity_text=text, body=body, attributes=attributes
    )


def _odd_ns(created_s: Any) -> int | None:
    """A time that is no float, which only a record that ``logging`` did not make has; when it was seen is known anyway."""
    return int(created_s * _NS_A_SECOND) if isinstance(created_s, (int, float)) else None


def _message(record: logging.LogRecord) -> Any:
    try:
        return frozen_body(record.getMessage())
    except Exception:  # arguments that do not fit the format: the record is still worth having
        return f"{shown(record.msg)} {shown(record.args)}"


def _attributes(record: logging.LogRecord) -> tuple[dict[str, Any], int]:
    """The attributes, each a scalar, the newest first; and how many could not be taken."""
    attributes: dict[str, Any] = {
        CODE_LINE_NUMBER: record.lineno,
        CODE_FUNCTION_NAME: record.funcName or "",
        CODE_FILE_PATH: record.pathname,
    }
    dropped = 0
    fields, is_usual = record.__dict__, type(record) is logging.LogRecord
    for name in reversed(fields):
        if name == _LAST_STANDARD_FIELD and is_usual:
            break
        value = fields[name]
        if name in _NO_EXTRAS:
            continue
        if type(value) in SCALARS and type(name) is str and name:
            attributes[name] = value
        else:
            dropped += put(attributes, name, plain(value), None, None)
    if record.exc_info and record.exc_info[1] is not None:
        attributes.update(exception_fields(record.exc_info[1]))
    return attributes, dropped
