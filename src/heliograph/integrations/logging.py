"""The ids of the current span in what ``logging`` writes, for who wants them in some handlers only.

``telemetry.instrument()`` does the same for all records. Attached by the application; calls ``instrumentation/logs.py``.
"""

from __future__ import annotations

import logging

from heliograph.errors import NotStartedError
from heliograph.instrumentation.logs import correlate
from heliograph.manager import TelemetryManager


class TraceContextFilter(logging.Filter):
    """Lets every record pass, with the fields ``trace_id``, ``span_id`` and ``service_name``: empty where there is no span.

    Add it to a handler, whose format may then have ``%(trace_id)s``. Fields that the application gave itself stay.
    ``service_name`` is by default that of the manager that runs at the time.
    """

    def __init__(self, service_name: str | None = None) -> None:
        super().__init__()
        self._service_name = service_name

    def filter(self, record: logging.LogRecord) -> bool:
        correlate(record, service_name() if self._service_name is None else self._service_name)
        return True


def service_name() -> str:
    """The name of the service whose manager runs; empty without one."""
    try:
        return TelemetryManager.current().settings.service_name
    except NotStartedError:
        return ""
