"""The tables of several processes become those of the service, as each family's ``across`` says.

Called by `member.py` at a scrape and by `archive.py`; calls `merge.py`. Pure.

- Counters and histograms are added up over all processes, ended ones included, so that they never go back. A counter that says
  the same in each process (``latest``, ``max``, ``min``: one of the host, say) is not added: the greatest is the newest, and
  stays so when the process that read it ends.
- What gauges say is over when their process ends. Up-down counters that no callback reports are what was added to them, so
  those of a process that ended in order stay; what a killed one had not taken back is gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from heliograph.prometheus.merge import Note, combined, merged
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.table import Family, Numbers, Table

_LONG: Final = 500
_PAIR: Final = re.compile(r'([^{,="]+)="(?:[^"\\]|\\.)*"')  # one label, as text writes it


def of_service(living: Sequence[Snapshot], ended: Sequence[Snapshot], archived: Sequence[Table], note: Note) -> list[Table]:
    """One table a family. ``archived`` are what was kept of processes that ended earlier (`kept`)."""
    found: list[Table] = []
    read_alike: dict[str, list[tuple[Snapshot, Numbers]]] = {}
    for snapshot in living:
        for table in snapshot.tables:
            if table.family.across == "per_process":
                found.append(_with_pid(table, snapshot.process.pid))
            elif isinstance(table, Numbers) and is_read_alike(table.family):
                read_alike.setdefault(table.family.name, []).append((snapshot, table))
            else:
                found.append(table)
    past = [*archived, *(table for snapshot in ended for table in kept(snapshot))]
    for tables in read_alike.values():
        family = tables[0][1].family
        if family.kind == "counter":
            found.append(_greatest([table for _snapshot, table in tables], past))
        else:
            found.append(_latest(tables))
    # Behind the living, whose kinds and buckets count.
    found += (table for table in past if not is_read_alike(table.family))
    return merged(found, note)


def kept(snapshot: Snapshot) -> list[Table]:
    """Those tables of an ended process that still count."""
    return [table for table in snapshot.tables if _outlives(table.family, is_ended=snapshot.is_ended)]


def is_read_alike(family: Family) -> bool:
    """Whether each process says the same thing, so that one of the values is the right one."""
    if family.kind == "counter":
        return family.across in {"latest", "max", "min"}
    return family.across == "latest" and family.kind != "histogram"


def common_resource(living: Iterable[Snapshot]) -> dict[str, str]:
    """What the processes' resources have in common."""
    first, *others = [snapshot.resource for snapshot in living] or [{}]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _outlives(family: Family, *, is_ended: bool) -> bool:
    if family.across == "per_process":
        return False
    if family.kind in {"counter", "histogram"}:
        return True
    return family.across == "sum" and not family.is_observed and is_ended


def _greatest(living: list[Numbers], past: Iterable[Table]) -> Table:
    """The greatest value of each series that a living process has."""
    family = living[0].family
    shown = {labels for table in living for labels in table.labels}
    before = [
        _only(table, shown)
        for table in past
        if isinstance(table, Numbers) and table.family.name == family.name and is_read_alike(table.family)
    ]
    return combined([*living, *before], max)


def _only(table: Numbers, shown: set[str]) -> Numbers:
    rows = [(labels, value) for labels, value in zip(table.labels, table.values, strict=True) if labels in shown]
    return Numbers(family=table.family, labels=[labels for labels, _ in rows], values=[value for _, value in rows])


def _latest(tables: list[tuple[Snapshot, Numbers]]) -> Table:
    """The value of each series that changed last."""
    best: dict[str, tuple[float, float, float]] = {}
    for snapshot, table in tables:
        published_at_s = snapshot.published_at_s
        changed_s = snapshot.changed_s.get(table.family.name) or [published_at_s] * len(table.labels)
        for labels, value, at_s in zip(table.labels, table.values, changed_s, strict=True):
            known = best.get(labels)
            if known is None or known[:2] <= (at_s, published_at_s):
                best[labels] = (at_s, published_at_s, value)
    return Numbers(family=tables[0][1].family, labels=list(best), values=[value for _, _, value in best.values()])


def _with_pid(table: Table, pid: int) -> Table:
    labels = [_labelled(known, pid) for known in table.labels]
    exemplars = {_labelled(known, pid): found for known, found in table.exemplars.items()}
    return replace(table, labels=labels, exemplars=exemplars)


def _labelled(labels: str, pid: int) -> str:
    # Long texts are not kept: there is no bound to what they take.
    return (_kept_labelled if len(labels) < _LONG else _newly_labelled)(labels, pid)


def _newly_labelled(labels: str, pid: int) -> str:
    """``labels`` with that of the process in its place; as they are when they have such a one."""
    added = f'pid="{pid}"'
    if not labels:
        return f"{{{added}}}"
    for found in _PAIR.finditer(labels):
        if found[1] == "pid":
            return labels
        if found[1] > "pid":
            return f"{labels[: found.start()]}{added},{labels[found.start() :]}"
    return f"{labels[:-1]},{added}}}"


_kept_labelled: Final = lru_cache(maxsize=8192)(_newly_labelled)
