"""The catalogue: rows by name, those of heliograph and those that a user adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from heliograph.catalog.metric import Metric
from heliograph.catalog.rows import ROWS
from heliograph.errors import CatalogueError


class Catalogue:
    """Rows in their order. Immutable and thread-safe.

    Raises :class:`~heliograph.errors.CatalogueError` when two rows have one name, in OpenTelemetry's or in Prometheus's form.
    """

    __slots__ = ("_by_name",)

    def __init__(self, rows: Iterable[Metric]) -> None:
        self._by_name: dict[str, Metric] = {}
        by_pull_name: dict[str, Metric] = {}
        for row in rows:
            if row.name in self._by_name:
                raise CatalogueError(f"the catalogue was given {row.name!r} twice, expected each name once; remove one row")
            other = by_pull_name.setdefault(row.pull_name, row)
            if other is not row:
                raise CatalogueError(
                    f"the catalogue was given {row.name!r} and {other.name!r}, which Prometheus both calls {row.pull_name!r}, "
                    "expected a name for each; rename one of them"
                )
            self._by_name[row.name] = row

    def get(self, name: str) -> Metric | None:
        """The row of the metric that OpenTelemetry calls ``name``, which is compared without case."""
        return self._by_name.get(name) or self._by_name.get(name.lower())

    def added(self, rows: Iterable[Metric]) -> Catalogue:
        """This catalogue with ``rows`` in it. A row of the same name, kind and unit as one that is here takes its place, and
        has from it what it leaves out: so one declares other attributes. Of another kind or unit it raises
        :class:`~heliograph.errors.CatalogueError`."""
        joined, given = dict(self._by_name), set()
        for row in rows:
            known = self._by_name.get(row.name)
            if known is not None and (known.kind, known.unit) != (row.kind, row.unit):
                raise CatalogueError(
                    f"the catalogue was given {row.name!r} as a {row.kind} with unit {row.unit!r}, expected a {known.kind} "
                    f"with unit {known.unit!r}, which it has; use another name"
                )
            if row.name in given:
                raise CatalogueError(f"the catalogue was given {row.name!r} twice, expected each name once; remove one row")
            given.add(row.name)
            joined[row.name] = row if known is None else _completed(row, known)
        return Catalogue(joined.values())

    def without_buckets(self) -> Catalogue:
        """The same rows, whose histograms have the bounds that they get elsewhere."""
        return Catalogue(row if row.buckets is None else replace(row, buckets=None) for row in self)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def _completed(row: Metric, known: Metric) -> Metric:
    """``row``, with what it leaves out as it is ``known``."""
    return replace(
        row,
        description=row.description or known.description,
        group=known.group,
        attributes=known.attributes if row.attributes is None else row.attributes,
        buckets=row.buckets or known.buckets,
        legacy=row.legacy or known.legacy,
        across=row.across or known.across,
        starts_at_zero=row.starts_at_zero or known.starts_at_zero,
    )


BUILTIN: Final = Catalogue(ROWS)
