"""The rows of the system metrics: names, kinds and units of the semantic conventions, each readable here."""

import pytest

from heliograph.system.probe import Probe
from heliograph.system.table import ROWS, Row

_BY_NAME = {row.name: row for row in ROWS}


def test_every_name_stands_once() -> None:
    assert len(_BY_NAME) == len(ROWS)


def test_every_metric_of_system_b_has_a_row() -> None:
    assert set(_BY_NAME) >= {
        *("system.cpu.utilization", "system.memory.usage", "system.memory.linux.available"),
        *("system.filesystem.usage", "system.network.io"),
        *("process.cpu.time", "process.memory.usage", "process.thread.count", "process.unix.file_descriptor.count"),
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_complete_and_its_unit_fits_its_kind(row: Row) -> None:
    assert row.description.endswith(".")
    assert row.unit in ("s", "1", "By", "{thread}", "{file_descriptor}")
    assert (row.unit == "1") == (row.kind == "gauge")
    assert (row.kind == "counter") == row.name.endswith((".time", ".io"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_reads_finite_values_with_distinct_attributes(row: Row) -> None:
    readings = list(row.read(Probe()))
    keys = [tuple(sorted(attributes.items())) for _value, attributes in readings]
    assert len(set(keys)) == len(keys)
    assert all(value >= 0 for value, _attributes in readings)
    assert all(isinstance(value, str) for _value, attributes in readings for value in attributes.values())
