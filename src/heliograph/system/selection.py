"""Which of the system metrics are collected: a base, more of them, and less. Called by the assembly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heliograph.settings.system import SystemSettings, fits
from heliograph.system.table import ROWS, Row


def selected(settings: SystemSettings, rows: Sequence[Row] = ROWS) -> tuple[Row, ...]:
    """Those of ``rows`` that ``settings`` ask for. Of the patterns that fit a metric the longest decides, of two equal ones
    that which excludes: ``include=["process.*"], exclude=["process.disk.io"]`` is all of the process but that."""
    return tuple(row for row in rows if _is_selected(row, settings))


def _is_selected(row: Row, settings: SystemSettings) -> bool:
    included = _longest(row.metric.name, settings.include)
    excluded = _longest(row.metric.name, settings.exclude)
    if included == excluded == 0:
        return settings.base == "full" or row.base == "small"
    return included > excluded


def _longest(name: str, patterns: Iterable[str]) -> int:
    return max((len(pattern) for pattern in patterns if fits(name, pattern)), default=0)
