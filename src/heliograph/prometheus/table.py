"""A table: the series of one metric family at one moment, as columns, with labels that are rendered already.

The common form between what is recorded and what is exposed. `tables.py` makes them from cells, `points.py` from the official
SDK's data; those of several scopes and processes are merged (`merge.py`); `text.py` writes them down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from heliograph.catalog.metric import Across

FamilyKind: TypeAlias = Literal["counter", "gauge", "histogram", "unknown"]


class Exemplar(NamedTuple):
    """An exemplar: its labels as text writes them, braces included, its value, and when it was (seconds since the epoch)."""

    labels: str
    value: float
    at_s: float


# By place: a bucket's index, 0 for a number; any for an exponential histogram, whose buckets are told by the value.
Exemplars: TypeAlias = dict[int, Exemplar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the series of a table have in common. ``name`` is without ``_total``; ``unit`` is Prometheus's word for it."""

    name: str
    kind: FamilyKind
    unit: str = ""
    description: str = ""
    instrument: str = ""  # OpenTelemetry's name of the metric
    across: Across = "sum"  # how those of several processes become one
    is_observed: bool = False  # reported by callbacks or a last value, so that it ends with its process


@dataclass(slots=True, kw_only=True)
class Numbers:
    """Counters and gauges. ``labels`` are as text writes them, braces included, or empty; no two are the same."""

    family: Family
    labels: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    created_s: list[float] = field(default_factory=list)  # seconds since the epoch, as long as labels; empty for none
    exemplars: dict[str, Exemplars] = field(default_factory=dict)  # by labels


@dataclass(slots=True, kw_only=True)
class Histograms:
    """Histograms with the same explicit ``bounds``; ``counts`` are by bucket, one more than bounds, and not cumulative."""

    family: Family
    bounds: tuple[float, ...]
    labels: list[str] = field(default_factory=list)
    counts: list[Sequence[int]] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    created_s: list[float] = field(default_factory=list)
    exemplars: dict[str, Exemplars] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """One exponential series: counts by index at ``scale``, in which a bucket ends at 2 ** (2 ** -scale * (index + 1))."""

    scale: int
    zero_count: int
    positive: dict[int, int]
    negative: dict[int, int]
    sum: float


@dataclass(slots=True, kw_only=True)
class Exponentials:
    """Exponential histograms, each with a scale of its own."""

    family: Family
    labels: list[str] = field(default_factory=list)
    series: list[Exponential] = field(default_factory=list)
    created_s: list[float] = field(default_factory=list)
    exemplars: dict[str, Exemplars] = field(default_factory=dict)


Table: TypeAlias = Numbers | Histograms | Exponentials


class Collected(NamedTuple):
    """Tables, one a family, and the labels of ``target_info``; of one process, or of all."""

    tables: Sequence[Table]
    resource: Mapping[str, str]
