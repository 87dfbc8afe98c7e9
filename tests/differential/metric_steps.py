"""What a program about metrics is made of: plain data.

Drawn by ``metric_programs.py`` and run by ``metric_interpreter.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.differential.span_steps import ContextSpec, ScopeSpec

Kind = Literal[
    "counter", "up_down_counter", "histogram", "gauge", "observable_counter", "observable_up_down_counter", "observable_gauge"
]
# One observation: a value and its attributes.
Observed = tuple[float, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class AggregationSpec:
    """A row of ``metric_interpreter.AGGREGATIONS`` and its arguments."""

    kind: Literal["default", "drop", "sum", "last value", "explicit", "exponential"]
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """``match`` and ``change`` are arguments of the SDK's View."""

    match: Mapping[str, Any]
    change: Mapping[str, Any]
    aggregation: AggregationSpec


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """The kinds of instruments that are collected as deltas, how kinds are aggregated, and most series of a kind."""

    deltas: frozenset[Kind]
    aggregations: Mapping[Kind, AggregationSpec]
    limits: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """``observations`` are what the callbacks of an observable one give, collection after collection, from the start again
    when they are through."""

    meter: int
    kind: Kind
    name: str
    unit: str
    description: str
    bounds: tuple[float, ...] | None
    observations: tuple[tuple[Observed, ...], ...]
    callback: Literal["list", "generator", "generator object", "raises", "raises later"]


@dataclass(frozen=True, slots=True)
class Record:
    """``context`` is that of the current span meanwhile."""

    instrument: int
    value: float
    attributes: Mapping[str, Any] | None
    context: ContextSpec | None


@dataclass(frozen=True, slots=True)
class Collect:
    reader: int


@dataclass(frozen=True, slots=True)
class MetricProgram:
    resource: Mapping[str, Any]
    scopes: tuple[ScopeSpec, ...]
    views: tuple[ViewSpec, ...]
    readers: tuple[ReaderSpec, ...]
    instruments: tuple[InstrumentSpec, ...]
    steps: tuple[Record | Collect, ...]
