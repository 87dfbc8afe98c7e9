"""Where the bridges from other logging libraries send their records: a given provider, or the running manager.

Called by the bridges with each record; calls the manager's logging handler, which all bridges share their rules with.
"""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry._logs import LoggerProvider

from heliograph.errors import NotStartedError
from heliograph.manager import TelemetryManager
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.mishaps import Mishaps

Target = TelemetryManager | LoggerProvider | None


class Bridge:
    """The handler of ``target``; with None that of whichever manager runs at the time. Thread-safe."""

    def __init__(self, target: Target) -> None:
        if target is not None and not isinstance(target, (TelemetryManager, LoggerProvider)):
            raise TypeError(
                f"given {target!r}, expected a TelemetryManager, a LoggerProvider, or None for the running manager"
            )
        self.mishaps = Mishaps()
        self._is_following = target is None
        self._known: tuple[TelemetryManager | None, LoggingHandler | None] = (None, None)
        if isinstance(target, TelemetryManager):
            self._known = target, target.logging_handler(logging.NOTSET)
        elif target is not None:
            self._known = None, LoggingHandler(logging.NOTSET, lambda: target, self.mishaps)

    def handler(self) -> LoggingHandler | None:
        """Who takes a record now; None when no manager runs."""
        telemetry, handler = self._known
        if not self._is_following:
            return handler
        try:
            running = TelemetryManager.current()
        except NotStartedError:
            return None
        if running is not telemetry:
            handler = running.logging_handler(logging.NOTSET)
            self._known = running, handler
        return handler

    def emit(self, name: str, **fields: Any) -> None:
        """Hand one record to the handler; see :meth:`~heliograph.recording.logs.handler.LoggingHandler.bridge`."""
        handler = self.handler()
        if handler is not None:
            handler.bridge(name, **fields)
