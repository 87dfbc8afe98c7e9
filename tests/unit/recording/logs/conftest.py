"""What the tests of logs share: a provider of each recorder, and everything that it handed over."""

from __future__ import annotations

import logging
import uuid

import pytest
from opentelemetry.sdk._logs import LoggerProvider as SdkLoggerProvider

from heliograph.recording.logs.events import emit_event
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.handoff import LogHandoff


def native(kept, mishaps):
    return LoggerProvider(shutdown_on_exit=False, accept=kept.append, mishaps=mishaps)


def official(kept, _mishaps):
    provider = SdkLoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(LogHandoff(kept.append))
    return provider


class Logs:
    """A logger with our handler, events, and everything that was handed over."""

    def __init__(self, make_provider):
        self.mishaps = Mishaps()
        self.kept = []
        self.provider = make_provider(self.kept, self.mishaps)
        self.handler = LoggingHandler(logging.NOTSET, lambda: self.provider, self.mishaps)
        self.logger = self.logger_named(f"app.{uuid.uuid4().hex}")

    def logger_named(self, name):
        logger = logging.Logger(name)  # noqa: LOG001 - not in the global tree: nothing to clean up
        logger.addHandler(self.handler)
        return logger

    @property
    def only(self):
        (item,) = self.kept
        return item.log_record

    def event(self, name="order.placed", severity="INFO", body=None, time_ns=1, **attributes):
        logger = self.provider.get_logger("test")
        emit_event(logger, name, severity=severity, body=body, attributes=attributes, time_ns=time_ns, mishaps=self.mishaps)


@pytest.fixture(params=[native, official])
def logs(request):
    return Logs(request.param)
