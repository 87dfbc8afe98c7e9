"""Tables of one family become one table: where scopes, label sets or processes fall together.

Called by `tables.py` and `exposition.py` within a process, and by `multiprocess/` across processes. Pure: what is given is not
changed, and a table that is alone is given back as it is.

Sums are exact and rounded once, so they do not depend on the order of what is added: a counter that was added up in another
order would go back by the last bit, which Prometheus takes for a restart.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any, Final, TypeAlias, TypeVar

from heliograph.prometheus.table import Exemplar, Exemplars, Exponential, Exponentials, Histograms, Numbers, Table

Note: TypeAlias = Callable[[str, str], None]
"""Told of what is left out: the family's name, and what happened, as the rest of a sentence."""

_Item = TypeVar("_Item")

_MOST_EXEMPLARS: Final = 20  # of one exponential series, which has no buckets that would limit them


def merged(tables: Iterable[Table], note: Note) -> list[Table]:
    """One table a family, in the order of the first ones. Counters and histograms are added up, gauges become one as
    ``Family.across`` says; a gauge that knows no such way has its later value, which is noted."""
    families: dict[str, list[Table]] = {}
    for table in tables:
        families.setdefault(table.family.name, []).append(table)
    return [found[0] if len(found) == 1 else _one(_alike(found, note), note) for found in families.values()]


def exact_sum(values: Sequence[float]) -> float:
    """The sum, rounded once."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # beyond every float, or infinities of both signs
        return sum(values)


def _alike(tables: list[Table], note: Note) -> list[Table]:
    """Those of ``tables`` that can become one: of the kind of the first."""
    tables = [table for table in tables if table.labels] or tables[:1]
    kind = tables[0].family.kind
    others = {table.family.kind: table for table in tables if table.family.kind != kind}
    for other, table in others.items():
        note(table.family.name, f"is a {kind} and a {other}; only the {kind} is exposed")
    if others:
        tables = [table for table in tables if table.family.kind == kind]
    shape = type(tables[0])
    if any(type(table) is not shape for table in tables):
        note(tables[0].family.name, "is exponential and with explicit buckets; only those of the first kind are exposed")
        return [table for table in tables if type(table) is shape]
    return tables


def _with_common_bounds(tables: list[Histograms], note: Note) -> list[Histograms]:
    """All with the bounds that they have in common, at which each one's counts are known."""
    if all(table.bounds == tables[0].bounds for table in tables):
        return tables
    note(tables[0].family.name, "is recorded with different buckets; those that all have are exposed")
    common = tuple(sorted(set(tables[0].bounds).intersection(*(table.bounds for table in tables))))
    return [_coarser(table, common) for table in tables]


def _coarser(table: Histograms, bounds: tuple[float, ...]) -> Histograms:
    edges = [0, *(table.bounds.index(bound) + 1 for bound in bounds), len(table.bounds) + 1]
    counts: list[Sequence[int]] = [[sum(row[begin:end]) for begin, end in pairwise(edges)] for row in table.counts]
    exemplars = {labels: _replaced(found, bounds) for labels, found in table.exemplars.items()}
    return replace(table, bounds=bounds, counts=counts, exemplars=exemplars)


def _replaced(exemplars: Exemplars, bounds: tuple[float, ...]) -> Exemplars:
    placed = sorted(exemplars.values(), key=_age, reverse=True)
    return {bisect_left(bounds, one.value): one for one in placed}  # the newest of each bucket is the last


def _one(tables: list[Table], note: Note) -> Table:
    if len(tables) == 1:
        return tables[0]
    return _MERGERS[type(tables[0])](tables, note)


def combined(tables: Sequence[Numbers], combine: Callable[[Sequence[float]], float]) -> Numbers:
    """One table of ``tables``, which are of one family: ``combine`` makes one value of those that have the same labels."""
    labels, values = _combined([(table.labels, table.values) for table in tables], combine)
    return Numbers(
        family=tables[0].family,
        labels=labels,
        values=values,
        created_s=_created_s(tables, labels),
        exemplars=_exemplars(tables),
    )


def _numbers(tables: list[Numbers], note: Note) -> Table:
    family = tables[0].family
    combine = exact_sum if family.kind == "counter" else _COMBINED.get(family.across)
    if combine is not None:
        return combined(tables, combine)
    found = combined(tables, _last)
    if len(found.labels) < sum(len(table.labels) for table in tables):
        note(family.name, "is recorded twice with the same labels; the later value is exposed")
    return found


def _histograms(tables: list[Histograms], note: Note) -> Table:
    tables = _with_common_bounds(tables, note)
    labels, counts = _combined([(table.labels, table.counts) for table in tables], _added)
    _labels, sums = _combined([(table.labels, table.sums) for table in tables], exact_sum)
    return Histograms(
        family=tables[0].family,
        bounds=tables[0].bounds,
        labels=labels,
        counts=counts,
        sums=sums,
        created_s=_created_s(tables, labels),
        exemplars=_exemplars(tables),
    )


def _exponentials(tables: list[Exponentials], _note: Note) -> Table:
    labels, series = _combined([(table.labels, table.series) for table in tables], _exponential)
    return Exponentials(
        family=tables[0].family,
        labels=labels,
        series=series,
        created_s=_created_s(tables, labels),
        exemplars=_newest(tables),
    )


_MERGERS: Final[Mapping[type, Callable[[list[Any], Note], Table]]] = {
    Numbers: _numbers,
    Histograms: _histograms,
    Exponentials: _exponentials,
}


def _last(values: Sequence[float]) -> float:
    return values[-1]


_COMBINED: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {"sum": exact_sum, "max": max, "min": min}


def _combined(
    columns: Sequence[tuple[list[str], Sequence[_Item]]], combine: Callable[[Sequence[_Item]], _Item]
) -> tuple[list[str], list[_Item]]:
    """The labels of all ``columns``, and what became of the items of each."""
    first, _items = columns[0]
    if all(labels == first for labels, _items in columns):  # as in processes that do the same work
        return list(first), list(map(combine, zip(*(items for _labels, items in columns), strict=True)))
    found: dict[str, list[_Item]] = {}
    for labels, items in columns:
        for label, item in zip(labels, items, strict=True):
            known = found.get(label)
            if known is None:
                found[label] = [item]
            else:
                known.append(item)
    return list(found), [items[0] if len(items) == 1 else combine(items) for items in found.values()]


def _added(counts: Sequence[Sequence[int]]) -> Sequence[int]:
    return list(map(sum, zip(*counts, strict=True)))


def _exponential(series: Sequence[Exponential]) -> Exponential:
    scale = min(one.scale for one in series)
    return Exponential(
        scale=scale,
        zero_count=sum(one.zero_count for one in series),
        positive=_at_scale([(one.positive, one.scale - scale) for one in series]),
        negative=_at_scale([(one.negative, one.scale - scale) for one in series]),
        sum=exact_sum([one.sum for one in series]),
    )


def _at_scale(found: Iterable[tuple[dict[int, int], int]]) -> dict[int, int]:
    """Buckets added up, each by how many steps coarser. Source: OpenTelemetry, "Exponential buckets": perfect subsetting."""
    added: dict[int, int] = {}
    for buckets, steps in found:
        for index, count in buckets.items():
            added[index >> steps] = added.get(index >> steps, 0) + count
    return added


def _created_s(tables: Sequence[Table], labels: list[str]) -> list[float]:
    """When each series began first; nothing unless it is known of all."""
    told = [(table.labels, table.created_s) for table in tables if table.created_s]
    if not told:
        return []
    known, earliest = _combined(told, min)
    if known == labels:
        return earliest
    by_labels = dict(zip(known, earliest, strict=True))
    return [by_labels[label] for label in labels] if len(by_labels) == len(labels) else []


def _exemplars(tables: Sequence[Table]) -> dict[str, Exemplars]:
    """The newest of each bucket."""
    found: dict[str, Exemplars] = {}
    for table in tables:
        for labels, exemplars in table.exemplars.items():
            known = found.setdefault(labels, {})
            for place, one in exemplars.items():
                if place not in known or known[place].at_s <= one.at_s:
                    known[place] = one
    return found


def _newest(tables: Sequence[Table]) -> dict[str, Exemplars]:
    """The newest of each series, whatever their places, which say nothing of an exponential histogram's buckets."""
    found: dict[str, list[Exemplar]] = {}
    for table in tables:
        for labels, exemplars in table.exemplars.items():
            found.setdefault(labels, []).extend(exemplars.values())
    return {
        labels: dict(enumerate(islice(sorted(exemplars, key=_age), _MOST_EXEMPLARS))) for labels, exemplars in found.items()
    }


def _age(exemplar: Exemplar) -> float:
    return -exemplar.at_s
