"""What the tests of the logging bridges share: a provider of each recorder, and everything that it handed over."""

from __future__ import annotations

import pytest
from opentelemetry.sdk._logs import LoggerProvider as SdkLoggerProvider

from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.official.handoff import LogHandoff


class Kept:
    """A provider and its records."""

    def __init__(self, recorder):
        self.items = []
        if recorder == "native":
            self.provider = LoggerProvider(shutdown_on_exit=False, accept=self.items.append)
        else:
            self.provider = SdkLoggerProvider(shutdown_on_exit=False)
            self.provider.add_log_record_processor(LogHandoff(self.items.append))

    @property
    def only(self):
        (item,) = self.items
        return item.log_record

    @property
    def scopes(self):
        return [item.instrumentation_scope.name for item in self.items]


@pytest.fixture(params=["native", "opentelemetry-sdk"])
def kept(request):
    return Kept(request.param)


def own_attributes(record):
    """Those that the application gave."""
    return {name: value for name, value in record.attributes.items() if not name.startswith(("code.", "exception."))}


@pytest.fixture
def own():
    return own_attributes
