"""What is kept of processes that have ended, in one file: their counters, histograms and up-down counters added up.

Called by `compaction.py`, which folds the ended ones into it, and by `member.py`, which adds it to the living. Pure.

It names those whom it contains, so a process whose own file is still there does not count twice: whoever compacts may be
killed at any moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from heliograph.prometheus.merge import Note, combined, exact_sum, merged
from heliograph.prometheus.multiprocess.across import is_read_alike, kept
from heliograph.prometheus.multiprocess.process import Process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.multiprocess.tablefile import TableFile, UnreadableError, decode, encode
from heliograph.prometheus.table import Exponential, Exponentials, Histograms, Numbers, Table

_MOST_PARTS: Final = 40  # so many floats can say any sum of floats

# At the finest scale, so that it makes no other one coarser.
_EMPTY: Final = Exponential(scale=20, zero_count=0, positive={}, negative={}, sum=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """``members`` are those whom it contains, with the time at which they were added (seconds since the epoch); ``service``
    are their processes, and those that had started them. A family may have several tables."""

    members: Mapping[str, float] = field(default_factory=dict)
    service: frozenset[Process] = frozenset()
    tables: Sequence[Table] = ()

    def encoded(self, note: Note) -> bytes:
        """As the bytes of a file."""
        said = {"members": dict(self.members), "service": sorted(self.service)}
        return encode(TableFile(said=said, tables=self.tables), note)


def archive_of(data: bytes) -> Archive:
    """The archive in a file. Raises `UnreadableError`."""
    file = decode(data)
    try:
        service = frozenset(Process(*process) for process in file.said["service"])
        return Archive(members=dict(file.said["members"]), service=service, tables=file.tables)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"is no archive: {error!r}") from error


def folded(archive: Archive, ended: Sequence[Snapshot], living: Sequence[Snapshot], at_s: float, note: Note) -> Archive:
    """``archive`` with the ``ended`` ones added, at the time ``at_s``."""
    groups: dict[tuple[Any, ...], list[Table]] = {}
    for table in (*archive.tables, *(table for snapshot in ended for table in kept(snapshot))):
        groups.setdefault(_alike(table), []).append(table)
    service = {process for snapshot in ended for process in snapshot.service}
    return Archive(
        members={**archive.members, **{snapshot.member: at_s for snapshot in ended}},
        service=archive.service | service,
        tables=[table for group in groups.values() for table in _added(group, living, note)],
    )


def _alike(table: Table) -> tuple[Any, ...]:
    """What tables have in common that can be added without a loss."""
    family = table.family
    bounds = table.bounds if isinstance(table, Histograms) else ()
    return family.name, family.kind, family.across, type(table), bounds


def _added(group: list[Table], living: Iterable[Snapshot], note: Note) -> list[Table]:
    """``group`` as one table, and others with what the sums lost when they were rounded, mostly one: added to other processes'
    values they give exactly what those of the single ones would have given."""
    if is_read_alike(group[0].family):
        return [_read_alike([table for table in group if isinstance(table, Numbers)], living)]
    (whole,) = merged(group, note)
    if whole is group[0]:
        return [whole]
    return [whole, *(_with_sums(whole, rest) for rest in _rests(list(map(_sums, group)), _sums(whole)))]


def _read_alike(group: list[Numbers], living: Iterable[Snapshot]) -> Table:
    """The greatest values. Where a living process has this metric, only those of its series: a disk that is gone is over."""
    whole = combined(group, max)
    tables = [table for snapshot in living for table in snapshot.tables if table.family.name == whole.family.name]
    if not tables:
        return whole
    shown = {labels for table in tables for labels in table.labels}
    rows = [(labels, value) for labels, value in zip(whole.labels, whole.values, strict=True) if labels in shown]
    return Numbers(family=whole.family, labels=[labels for labels, _ in rows], values=[value for _, value in rows])


def _rests(group: Sequence[Numbers], whole: Numbers) -> list[Numbers]:
    """What is missing in the sums of ``whole``, of those series where something is."""
    parts = [whole]
    while len(parts) < _MOST_PARTS:
        negative = [replace(part, values=[-value for value in part.values]) for part in parts]
        rest = combined([*group, *negative], exact_sum)
        rows = [
            (labels, value) for labels, value in zip(rest.labels, rest.values, strict=True) if value and math.isfinite(value)
        ]
        if not rows:
            break
        parts.append(replace(rest, labels=[labels for labels, _ in rows], values=[value for _, value in rows]))
    return parts[1:]


def _sums(table: Table) -> Numbers:
    match table:
        case Numbers():
            sums = table.values
        case Histograms():
            sums = table.sums
        case Exponentials():
            sums = [one.sum for one in table.series]
    return Numbers(family=table.family, labels=table.labels, values=sums)


def _with_sums(whole: Table, rest: Numbers) -> Table:
    """A table like ``whole`` that adds these sums to another one, and nothing else."""
    match whole:
        case Numbers():
            return rest
        case Histograms():
            none: list[Sequence[int]] = [[0] * (len(whole.bounds) + 1)] * len(rest.labels)
            return Histograms(family=whole.family, bounds=whole.bounds, labels=rest.labels, counts=none, sums=rest.values)
        case Exponentials():
            series = [replace(_EMPTY, sum=value) for value in rest.values]
            return Exponentials(family=whole.family, labels=rest.labels, series=series)
