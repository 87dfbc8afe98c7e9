"""What the doctor found: one thing that is as it should be, or is not, with its cause and what to do about it.

Made by the checks, put in order and shown by `report.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """ERROR: telemetry is lost or refused. WARNING: some of it is, or soon may be. INFO: worth knowing. OK: all is well."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``check`` names the check that made it, ``what`` says it in one line; ``why`` is the cause and ``fix`` what to do, empty
    where there is nothing to be done."""

    severity: Severity
    check: str
    what: str
    why: str = ""
    fix: str = ""


_EXIT_CODES: Final = {Severity.OK: 0, Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when nothing has to be done, 1 for warnings, 2 for errors."""
    return max((_EXIT_CODES[finding.severity] for finding in findings), default=0)
