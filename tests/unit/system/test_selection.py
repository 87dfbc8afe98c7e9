"""A selection is a base, more, and less; where several patterns fit a metric the longest decides."""

from typing import Any

import pytest

from heliograph.settings.system import SystemSettings
from heliograph.system.selection import selected
from heliograph.system.table import ROWS


def _names(**settings: Any) -> set[str]:
    return {row.metric.name for row in selected(SystemSettings(**settings))}


_ALL = {row.metric.name for row in ROWS}
_SMALL = {row.metric.name for row in ROWS if row.base == "small"}


def test_the_small_base_is_the_default_and_the_full_one_is_all_there_is() -> None:
    assert _names() == _names(base="small") == _SMALL < _ALL
    assert _names(base="full") == _ALL


def test_what_is_included_is_added_to_the_base() -> None:
    assert _names(include=["system.uptime"]) - _SMALL == {"system.uptime"}
    assert _names(include=["system.disk.*"]) - _SMALL == {"system.disk.merged", "system.disk.operation_time"}


def test_what_is_excluded_is_taken_from_the_base() -> None:
    assert _SMALL - _names(exclude=["process.disk.io"]) == {"process.disk.io"}
    assert _SMALL - _names(exclude=["cpython.*"]) == {name for name in _SMALL if name.startswith("cpython.")}
    assert _names(exclude=["*"]) == set()


@pytest.mark.parametrize("base", ["small", "full"])
def test_the_longest_pattern_that_fits_decides(base: str) -> None:
    only_cpu = {name for name in _ALL if name.startswith("system.cpu.")}
    assert _names(base=base, include=["system.cpu.*"], exclude=["*"]) == only_cpu
    rest = {name for name in _ALL if name.startswith("process.")} - {"process.disk.io"}
    found = _names(base=base, include=["process.*"], exclude=["process.disk.io"])
    assert {name for name in found if name.startswith("process.")} == rest


def test_what_is_both_included_and_excluded_is_left_out() -> None:
    assert "system.uptime" not in _names(base="full", include=["system.uptime"], exclude=["system.uptime"])


def test_the_rows_stay_in_order() -> None:
    rows = selected(SystemSettings(base="full", exclude=["system.*"]))
    assert list(rows) == [row for row in ROWS if row in rows]
