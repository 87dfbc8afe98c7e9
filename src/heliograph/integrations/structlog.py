"""structlog's events as OpenTelemetry log records, and the ids of the current span in them: two processors for its chain.

Called by structlog with each event; calls the bridge and the correlation. Needs ``heliograph[structlog]``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from time import time_ns
from typing import Any, Final

from opentelemetry.semconv.attributes.code_attributes import CODE_FILE_PATH, CODE_FUNCTION_NAME, CODE_LINE_NUMBER
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_STACKTRACE

from heliograph.instrumentation.correlation import SERVICE_NAME, SPAN_ID, TRACE_ID, current_ids
from heliograph.integrations.bridge import Bridge, Target
from heliograph.integrations.logging import service_name
from heliograph.recording.attributes import put_all
from heliograph.recording.logs.severity import SEVERITY_BY_NAME

try:
    from structlog.processors import CallsiteParameter, CallsiteParameterAdder
except ImportError as error:
    raise ImportError("heliograph.integrations.structlog needs structlog; install heliograph[structlog]") from error

# What structlog's own processors call what OpenTelemetry has other names or other places for; None is taken up elsewhere.
_KEYS: Final[Mapping[str, str | None]] = {
    "event": None,
    "level": None,
    "timestamp": None,
    "logger": None,
    "exc_info": None,
    "_record": None,
    "_from_structlog": None,
    "pathname": CODE_FILE_PATH,
    "func_name": CODE_FUNCTION_NAME,
    "lineno": CODE_LINE_NUMBER,
    "exception": EXCEPTION_STACKTRACE,  # from format_exc_info
}
_METHODS: Final[Mapping[str, str]] = {"WARN": "WARNING", "EXCEPTION": "ERROR", "FATAL": "CRITICAL", "NOTSET": "TRACE"}
_CALLSITE: Final = (CallsiteParameter.PATHNAME, CallsiteParameter.FUNC_NAME, CallsiteParameter.LINENO)


def add_trace_context(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor that adds ``trace_id``, ``span_id`` and ``service_name`` to an event within a span; what is there stays.

    Put it after a :class:`StructlogProcessor`, whose records have the ids in their own places.
    """
    ids = current_ids()
    if ids.trace_id and TRACE_ID not in event_dict and SPAN_ID not in event_dict:
        event_dict[TRACE_ID], event_dict[SPAN_ID] = ids
        if (name := service_name()) and SERVICE_NAME not in event_dict:
            event_dict[SERVICE_NAME] = name
    return event_dict


class StructlogProcessor:
    """A processor that emits each event and hands it on unchanged. Never raises.

    Put it before the renderer, and before ``format_exc_info``, which makes text of an exception. ``target`` is where records
    go: a manager, a logger provider, or None for the manager that runs at the time. A chain that ends in ``logging`` with
    our handler attached needs no processor.
    """

    def __init__(self, target: Target = None) -> None:
        self._bridge = Bridge(target)
        self._callsite = CallsiteParameterAdder(_CALLSITE, additional_ignores=[__name__])

    def __call__(self, logger: Any, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        try:
            self._emit(logger, method_name, event_dict)
        except Exception as error:  # processors of the application's may leave anything in an event
            self._bridge.mishaps.note("structlog", error)
        return event_dict

    def _emit(self, logger: Any, method_name: str, event: MutableMapping[str, Any]) -> None:
        located = self._callsite(
            logger, method_name, {name: event[name] for name in ("_record", "_from_structlog") if name in event}
        )
        attributes: dict[str, Any] = {}
        for fields in (located, event):
            put_all(attributes, {new: value for name, value in fields.items() if (new := _KEYS.get(name, name))}, None, None)
        asked = str(event.get("level") or method_name).upper()
        self._bridge.emit(
            str(event.get("logger") or getattr(logger, "name", None) or "structlog"),
            created_ns=time_ns(),
            severity=SEVERITY_BY_NAME.get(_METHODS.get(asked, asked)) or SEVERITY_BY_NAME["INFO"],
            body=event.get("event"),
            attributes=attributes,
            error=_error(event.get("exc_info")),
        )


def _error(given: Any) -> BaseException | None:
    """The exception that ``exc_info`` stands for: itself, one of a tuple, or with True the one that is being handled."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3:
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None
