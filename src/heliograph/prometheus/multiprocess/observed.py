"""Observed counters that a callback does not report this time keep their last value.

Called by `member.py` at each collection. In one process a series that is not reported is a gap. In a sum over processes it
would be a step back, which Prometheus takes for a restart of all of them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from heliograph.prometheus.table import Numbers, Table

# Of one family. One that has more drops series all the time and makes new ones, and so would grow without an end.
_MOST_SERIES: Final = 2000


def with_last_values(tables: Sequence[Table], before: Iterable[Table]) -> list[Table]:
    """``tables``, and of those ``before`` the observed series that are missing."""
    now = {table.family.name: place for place, table in enumerate(tables)}
    found = list(tables)
    for known in before:
        family = known.family
        if not isinstance(known, Numbers) or family.kind != "counter" or not family.is_observed or family.across != "sum":
            continue
        place = now.get(family.name)
        if place is None:
            found.append(known)
        elif isinstance(table := tables[place], Numbers) and table.family.kind == "counter" and table.labels != known.labels:
            found[place] = _joined(table, known)
    return found


def _joined(table: Numbers, known: Numbers) -> Numbers:
    there = set(table.labels)
    missing = [place for place, labels in enumerate(known.labels) if labels not in there]
    if len(there) + len(missing) > _MOST_SERIES:
        return table
    is_dated = bool(table.created_s) and bool(known.created_s)
    return replace(
        table,
        labels=[*table.labels, *(known.labels[place] for place in missing)],
        values=[*table.values, *(known.values[place] for place in missing)],
        created_s=[*table.created_s, *(known.created_s[place] for place in missing)] if is_dated else [],
    )
