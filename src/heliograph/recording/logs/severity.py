"""Severities of the OpenTelemetry log data model, and how the levels of `logging` map to them.

Used by the handler, by events and by the bridges from other logging libraries.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry._logs import SeverityNumber

Severity = tuple[str, SeverityNumber]

# OpenTelemetry log data model, "Field: SeverityNumber", with Python's level from which each applies.
SEVERITIES: Final[tuple[tuple[int, str, SeverityNumber], ...]] = (
    (logging.CRITICAL, "FATAL", SeverityNumber.FATAL),
    (logging.ERROR, "ERROR", SeverityNumber.ERROR),
    (logging.WARNING, "WARN", SeverityNumber.WARN),
    (logging.INFO, "INFO", SeverityNumber.INFO),
    (logging.DEBUG, "DEBUG", SeverityNumber.DEBUG),
    (0, "TRACE", SeverityNumber.TRACE),
)
SEVERITY_BY_LEVEL: Final[Mapping[int, Severity]] = {level: (text, number) for level, text, number in SEVERITIES}
_LOWEST: Final[Severity] = SEVERITY_BY_LEVEL[0]
SEVERITY_BY_NAME: Final[Mapping[str, Severity]] = {
    **{text: (text, number) for _level, text, number in SEVERITIES},
    "WARNING": ("WARN", SeverityNumber.WARN),
    "CRITICAL": ("FATAL", SeverityNumber.FATAL),
}


def severity_of(level: Any) -> Severity:
    """The OpenTelemetry severity of a ``logging`` level; unspecified for what is no level."""
    if not isinstance(level, (int, float)):
        return "", SeverityNumber.UNSPECIFIED
    return next(((text, number) for least, text, number in SEVERITIES if level >= least), _LOWEST)
