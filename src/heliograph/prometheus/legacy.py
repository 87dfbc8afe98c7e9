"""The older names of metrics, as tables beside theirs: for rules and dashboards that were written for those names.

Which there are is in the catalogue (`LegacyName`). Called by `exposition.py` when the settings ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import LegacyName, Metric
from heliograph.catalog.translate import label_name
from heliograph.prometheus.labels import LABEL, escaped, text
from heliograph.prometheus.merge import Note, merged
from heliograph.prometheus.table import Exemplar, Exemplars, Exponentials, Family, Histograms, Numbers, Table

T = TypeVar("T")
Places: TypeAlias = dict[str, list[int]]  # by older labels, the places of the series that are one then


def with_legacy(tables: list[Table], catalogue: Catalogue, note: Note) -> list[Table]:
    """``tables``, one a family, and behind them those of the older names. Where a metric of today has the name already, the
    older series stand among its own."""
    made: list[Table] = []
    for table in tables:
        row = catalogue.get(table.family.instrument)
        for legacy in row.legacy if row is not None and _is_as_declared(table.family, row) else ():
            if isinstance(table, Exponentials):
                note(legacy.name, f"is not exposed: {table.family.instrument} has the buckets of an exponential histogram")
                continue
            older = _older(table, legacy)
            if older.labels:
                made.append(older)
    return merged([*tables, *made], note) if made else tables


def _is_as_declared(family: Family, row: Metric) -> bool:
    """Not of another kind or in another unit, for which the factors would be wrong."""
    kind = "gauge" if row.kind == "up_down_counter" else row.kind
    return family.kind == kind and family.name == row.pull_name.removesuffix("_total" if kind == "counter" else "")


def _older(table: Numbers | Histograms, legacy: LegacyName) -> Numbers | Histograms:
    """The series of ``table`` that the older name shows; those that become the same are added up."""
    where = {label_name(key): frozenset(escaped(text(value)) for value in values) for key, values in legacy.where.items()}
    gone = {*where, *map(label_name, legacy.without)}
    places: Places = {}
    for place, labels in enumerate(table.labels):
        found = dict(LABEL.findall(labels))
        if all(found.get(name) in values for name, values in where.items()):
            kept = ",".join(f'{name}="{value}"' for name, value in found.items() if name not in gone)
            places.setdefault(f"{{{kept}}}" if kept else "", []).append(place)
    return _taken(table, _family(table.family, legacy), places, legacy.factor)


def _family(family: Family, legacy: LegacyName) -> Family:
    kind = legacy.kind or family.kind
    return replace(
        family,
        name=legacy.name.removesuffix("_total") if kind == "counter" else legacy.name,
        kind=kind,
        unit="",
        description=f"{family.description} An older name of {family.instrument}.".lstrip(),
        across="sum",
    )


def _taken(table: Numbers | Histograms, family: Family, places: Places, factor: float) -> Numbers | Histograms:
    labels = list(places)
    is_cumulative = family.kind in ("counter", "histogram")
    created_s = [min(_at(table.created_s, some)) for some in places.values()] if is_cumulative and table.created_s else []
    exemplars = _exemplars(table, places, factor) if is_cumulative else {}
    if isinstance(table, Histograms):
        return Histograms(
            family=family,
            bounds=tuple(bound * factor for bound in table.bounds),
            labels=labels,
            counts=[list(map(sum, zip(*_at(table.counts, some), strict=True))) for some in places.values()],
            sums=[sum(_at(table.sums, some)) * factor for some in places.values()],
            created_s=created_s,
            exemplars=exemplars,
        )
    values = [sum(_at(table.values, some)) * factor for some in places.values()]
    return Numbers(family=family, labels=labels, values=values, created_s=created_s, exemplars=exemplars)


def _at(column: Sequence[T], places: Sequence[int]) -> list[T]:
    return [column[place] for place in places]


def _exemplars(table: Numbers | Histograms, places: Places, factor: float) -> dict[str, Exemplars]:
    """Those of the first series of each, in the older unit."""
    found = {said: table.exemplars.get(table.labels[some[0]]) for said, some in places.items()}
    return {
        said: {bucket: Exemplar(one.labels, one.value * factor, one.at_s) for bucket, one in exemplars.items()}
        for said, exemplars in found.items()
        if exemplars
    }
