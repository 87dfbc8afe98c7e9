"""The records of the standard library's ``logging``: collected, and with the ids of the current span for what is written.

Made by ``instrumenting.py`` from ``table.py``. One method of ``logging.Logger`` is watched, instead of a record factory and a
handler: a factory that sets ``trace_id`` makes ``extra={"trace_id": ...}`` an error, and a handler of the root logger keeps
``basicConfig()`` from doing anything and falls victim to ``dictConfig()``. So what the application sets up stays as it is.
"""

from __future__ import annotations

import logging
from typing import Any

from heliograph.instrumentation.correlation import SERVICE_NAME, SPAN_ID, TRACE_ID, current_ids
from heliograph.recording.logs.handler import LoggingHandler


def correlate(record: logging.LogRecord, service_name: str) -> None:
    """Give ``record`` the fields ``trace_id``, ``span_id`` and ``service_name``, unless the application gave it such."""
    fields = record.__dict__
    if TRACE_ID not in fields or SPAN_ID not in fields:
        ids = current_ids() if TRACE_ID not in fields and SPAN_ID not in fields else ("", "")
        fields.setdefault(TRACE_ID, ids[0])
        fields.setdefault(SPAN_ID, ids[1])
    fields.setdefault(SERVICE_NAME, service_name)


class LogRecords:
    """All records of this process. ``handler`` takes those that reach its level and no other handler of that kind."""

    def __init__(self, handler: LoggingHandler, service_name: str) -> None:
        self._handler = handler
        self._service_name = service_name
        self._original: Any = None
        self._replacement: Any = None
        self.taken: tuple[Any, ...] = ()
        self.kinds: tuple[type, ...] = ()

    def take_all(self) -> None:
        if self._original is not None:
            return
        call_handlers = self._original = logging.Logger.callHandlers

        def call_handlers_after_ours(logger: logging.Logger, record: logging.LogRecord) -> None:
            if self._original is not None:
                # Before the fields are there: in what is collected the ids have places of their own.
                if record.levelno >= self._handler.level and not _is_collected(logger):
                    self._handler.handle(record)
                correlate(record, self._service_name)
            call_handlers(logger, record)

        self._replacement = call_handlers_after_ours
        setattr(logging.Logger, "callHandlers", call_handlers_after_ours)  # noqa: B010  # a method that mypy guards

    def take(self, target: Any) -> None:
        raise TypeError(f"given {target!r}, expected True or False")

    def let_go(self) -> None:
        # Somebody else may have put theirs over ours meanwhile, which stays; ours does nothing from now on.
        if logging.Logger.callHandlers is self._replacement:
            setattr(logging.Logger, "callHandlers", self._original)  # noqa: B010  # likewise
        self._original = None


def _is_collected(logger: logging.Logger) -> bool:
    """Whether the application has a handler there that hands records to OpenTelemetry."""
    above: logging.Logger | None = logger
    while above is not None:
        for handler in above.handlers:
            if isinstance(handler, LoggingHandler) or type(handler).__module__.startswith("opentelemetry."):
                return True
        above = above.parent if above.propagate else None
    return False
