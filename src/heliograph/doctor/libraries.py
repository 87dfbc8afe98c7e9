"""The check of what could be installed beside: libraries without the package that instruments them.

Called by `examination.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.packages import installed, normal
from heliograph.doctor.wording import listed
from heliograph.instrumentation.table import ROWS, Library

CHECK: Final = "libraries"
# Whose module is named otherwise than the distribution that it is installed by.
_DISTRIBUTIONS: Final = {"grpc": "grpcio"}
# What heliograph itself, or OpenTelemetry's exporters, have to have.
_OURS: Final = frozenset({"grpc", "requests", "starlette", "urllib3"})


def examine_libraries(_around: Circumstances) -> Iterator[Finding]:
    """The libraries of this environment."""
    names = {package.name for package in installed()}
    yield from missing(names)
    yield from _conflicts(names)
    if "zstandard" not in names:
        yield Finding(
            severity=Severity.INFO,
            check=CHECK,
            what="zstandard is not installed",
            why="Prometheus asks for /metrics in zstd and gets gzip, which takes more time.",
            fix="pip install 'heliograph[zstd]'",
        )


def missing(names: Collection[str]) -> Iterator[Finding]:
    """One finding for each of the installed distributions ``names`` that nothing instruments; those that come with heliograph,
    and that the application may not use at all, together."""
    lacking = [row for row in ROWS if _is_there(row, names) and row.package is not None and normal(row.package) not in names]
    for row in lacking:
        if row.name not in _OURS:
            yield Finding(
                severity=Severity.INFO,
                check=CHECK,
                what=f"{row.name} is installed, and {row.package} is not (heliograph[{row.extra}])",
                why=f"What {row.name} does makes no spans, unless the application records them itself.",
                fix=f"pip install 'heliograph[{row.extra}]', then telemetry.instrument()",
            )
    if ours := [row.name for row in lacking if row.name in _OURS]:
        yield Finding(
            severity=Severity.INFO,
            check=CHECK,
            what=f"{listed(ours)}, installed with heliograph: not instrumented (heliograph[{','.join(ours)}])",
            why="That matters only where the application uses them itself.",
            fix=f"pip install 'heliograph[{','.join(ours)}]', then telemetry.instrument()",
        )


def _is_there(row: Library, names: Collection[str]) -> bool:
    # What the standard library has is there always; who wants it instrumented asks for it.
    return _DISTRIBUTIONS.get(row.name, normal(row.name)) in names


def _conflicts(names: Collection[str]) -> Iterator[Finding]:
    """Instrumentation packages that do not take the version of their library that is installed."""
    if "opentelemetry-instrumentation" not in names:
        return
    from heliograph.instrumentation.discovery import installed as instrumentors  # noqa: PLC0415  # needs that package

    for found in instrumentors().values():
        if found.conflict is not None and not found.is_absent:
            yield Finding(
                severity=Severity.WARNING,
                check=CHECK,
                what=f"{found.name} cannot be instrumented in the version that is installed",
                why=f"{found.conflict}.",
                fix=f"install another version of {found.name}, or of the package that instruments it",
            )
