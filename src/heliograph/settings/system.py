"""The settings of the system metrics: which of them are collected."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from heliograph.catalog.rows import process, runtime, system
from heliograph.settings.kind import kind_of
from heliograph.settings.kinds import choice, filled_text, flag, list_of
from heliograph.settings.section import Section, setting

Base: TypeAlias = Literal["small", "full"]

_NAMES: Final = tuple(metric.name for metric in (*system.ROWS, *process.ROWS, *runtime.ROWS) if metric.group != "telemetry")


def fits(name: str, pattern: str) -> bool:
    """Whether ``pattern`` is the name, or a ``*`` and before it what the name begins with."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


@kind_of("name of a system metric, or what some begin with and `*`", filled_text.schema, is_text=True)
def _pattern(value: object) -> str:
    pattern = filled_text(value)
    if not any(fits(name, pattern) for name in _NAMES):
        raise ValueError(f"a system metric, or what some begin with and a '*'; there are {', '.join(_NAMES)}")
    return pattern


class SystemSettings(Section):
    """CPU, memory, disk, network, process and Python metrics, read at most once each collection interval.

    ``include`` and ``exclude`` list names, or what names begin with and a ``*``; where several fit a name the longest
    decides."""

    enabled: bool = setting(flag, default=True, doc="Whether these metrics are collected.")
    base: Base = setting(
        choice(Base),
        default="small",
        doc="`small` is what an ordinary dashboard needs, `full` is all there is, also what is slow to read.",
    )
    include: tuple[str, ...] = setting(list_of(_pattern), default=(), doc="Metrics beside those of `base`.")
    exclude: tuple[str, ...] = setting(list_of(_pattern), default=(), doc="Metrics that are left out.")
