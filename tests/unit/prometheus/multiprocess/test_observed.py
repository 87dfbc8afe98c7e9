"""Observed counters that a callback does not report at times."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.prometheus.multiprocess.observed import with_last_values
from heliograph.prometheus.table import Family, Numbers


def _table(values: dict[str, float], **more: Any) -> Numbers:
    family = Family(**{"name": "m", "kind": "counter", "is_observed": True, **more})
    return Numbers(family=family, labels=list(values), values=list(values.values()), created_s=[1.0] * len(values))


def test_a_series_that_is_missing_keeps_its_last_value() -> None:
    (found,) = with_last_values([_table({"{a}": 5.0})], [_table({"{a}": 4.0, "{b}": 3.0})])

    assert found == _table({"{a}": 5.0, "{b}": 3.0})


def test_a_family_that_is_missing_keeps_its_last_values() -> None:
    assert with_last_values([], [_table({"{a}": 4.0})]) == [_table({"{a}": 4.0})]


@pytest.mark.parametrize("more", [{"kind": "gauge"}, {"is_observed": False}, {"across": "latest"}])
def test_other_families_are_as_they_are_reported(more: Any) -> None:
    now, before = [_table({"{a}": 5.0}, **more)], [_table({"{b}": 3.0}, **more), _table({"{b}": 3.0}, name="other", **more)]

    assert with_last_values(now, before) == now


def test_a_family_whose_series_come_and_go_does_not_grow_without_an_end() -> None:
    tables: list[Any] = []
    for number in range(100):
        tables = with_last_values([_table({f"{number}-{place}": 1.0 for place in range(100)})], tables)

    assert len(tables[0].labels) <= 2000
