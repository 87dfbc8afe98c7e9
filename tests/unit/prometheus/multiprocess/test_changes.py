"""When a value was seen to change, for the families that ask for the latest one."""

from __future__ import annotations

from typing import Any

from heliograph.prometheus.multiprocess.changes import Changes
from heliograph.prometheus.table import Family, Numbers


def _table(values: dict[str, float], kind: Any = "gauge", across: Any = "latest") -> Numbers:
    return Numbers(family=Family(name="m", kind=kind, across=across), labels=list(values), values=list(values.values()))


def test_a_value_that_stays_keeps_the_time_at_which_it_came() -> None:
    changes = Changes()
    changes.seen([_table({"": 1.0, "{a}": 1.0})], 10.0)

    assert changes.seen([_table({"{a}": 2.0, "": 1.0, "{b}": 1.0})], 20.0) == {"m": [20.0, 10.0, 20.0]}


def test_a_series_that_comes_back_is_new() -> None:
    changes = Changes()
    for at_s, values in enumerate([{"": 1.0}, {}, {"": 1.0}]):
        found = changes.seen([_table(values)], float(at_s))

    assert found == {"m": [2.0]}


def test_other_families_are_not_watched() -> None:
    assert Changes().seen([_table({"": 1.0}, "counter"), _table({"": 1.0}, across="sum")], 1.0) == {}
