"""The rows of the system metrics: names, kinds and units of the semantic conventions, each readable here."""

import importlib
import re
from pathlib import Path

import pytest

from heliograph.catalog.metric import Metric
from heliograph.catalog.rows import process, runtime, system
from heliograph.system.probe import Probe
from heliograph.system.table import DURATION, FAILURES, ROWS, Row

_BY_NAME = {row.metric.name: row for row in ROWS}
_READ = [row for row in ROWS if row.read is not None]
_METRICS = (*system.ROWS, *process.ROWS, *runtime.ROWS)

# The conventions have no name for these: ours, or the Collector's.
_OURS = {
    *("system.cpu.load_average.1m", "system.cpu.load_average.5m", "system.cpu.load_average.15m"),
    *("system.filesystem.inodes.usage", "process.start_time", "process.unix.file_descriptor.limit"),
    *("container.cpu.limit", "container.cpu.throttling.periods", "container.cpu.throttling.time", "container.memory.limit"),
    *("cpython.gc.pause_time", "cpython.thread.count", "asyncio.event_loop.lag"),
    *("heliograph.system.collection.duration", "heliograph.system.failures"),
}
_INSTRUMENT = re.compile(
    r'^[A-Z0-9_]+: Final = "(?P<name>[^"]+)"\n"""\n.*\nInstrument: (?P<kind>\w+)\nUnit: (?P<unit>\S+)\n', re.MULTILINE
)


def _conventions() -> dict[str, tuple[str, str]]:
    """(kind, unit) by name, as the installed package of the conventions says, without what is deprecated."""
    found: dict[str, tuple[str, str]] = {}
    for group in ("system", "process", "container", "cpython"):
        module = importlib.import_module(f"opentelemetry.semconv._incubating.metrics.{group}_metrics")
        for match in _INSTRUMENT.finditer(Path(str(module.__file__)).read_text()):
            found[match["name"]] = (match["kind"], match["unit"])
    return found


def test_every_metric_of_the_catalogue_is_read_and_stands_once() -> None:
    names = [row.metric.name for row in ROWS]
    assert sorted([*names, DURATION.name, FAILURES.name]) == sorted(metric.name for metric in _METRICS)
    assert len(set(names)) == len(names)


def test_names_kinds_and_units_are_those_of_the_conventions() -> None:
    conventions = _conventions()
    ours = {metric.name: (metric.kind.replace("_", ""), metric.unit) for metric in _METRICS}
    assert {name for name in ours if name not in conventions} == _OURS
    assert {name: said for name, said in ours.items() if name in conventions} == {
        name: said for name, said in conventions.items() if name in ours
    }


def test_attributes_are_those_of_the_conventions() -> None:
    known: set[str] = set()
    groups = [f"_incubating.attributes.{group}" for group in ("system", "process", "cpython", "cpu", "disk", "network")]
    for group in (*groups, "attributes.network"):
        source = Path(str(importlib.import_module(f"opentelemetry.semconv.{group}_attributes").__file__)).read_text()
        known |= set(re.findall(r'^[A-Z0-9_]+: Final = "([^"]+)"\n"""\n(?!Deprecated)', source, re.MULTILINE))
    used = {attribute.name for metric in _METRICS for attribute in metric.attributes or ()}
    assert used - known == {"metric"}


def test_every_metric_of_system_b_is_in_the_small_selection() -> None:
    small = {row.metric.name for row in ROWS if row.base == "small"}
    assert small >= {
        *("system.cpu.utilization", "system.cpu.load_average.1m", "system.cpu.logical.count"),
        *("system.memory.usage", "system.memory.linux.available", "system.memory.utilization", "system.paging.usage"),
        *("system.filesystem.usage", "system.filesystem.inodes.usage", "system.disk.io"),
        *("system.network.io", "system.network.errors", "system.network.packet.count"),
        *("process.cpu.time", "process.memory.usage", "process.thread.count", "process.context_switches"),
        *("process.unix.file_descriptor.count", "process.unix.file_descriptor.limit", "process.start_time"),
        *("cpython.gc.collections", "cpython.gc.uncollectable_objects", "asyncio.event_loop.lag", "container.memory.limit"),
    }


def test_the_older_names_are_there() -> None:
    assert {legacy.name for metric in _METRICS for legacy in metric.legacy} == {
        *("system_cpu_usage_percent", "system_memory_usage_bytes", "system_memory_available_bytes"),
        *("system_disk_usage_bytes", "system_disk_available_bytes"),
        *("system_network_bytes_sent", "system_network_bytes_received"),
    }


def test_processes_see_one_machine_and_each_itself() -> None:
    across = {metric.name: metric.combined for metric in _METRICS}
    assert across["system.network.io"] == across["system.memory.usage"] == across["container.cpu.time"] == "latest"
    assert across["process.cpu.time"] == across["cpython.gc.collections"] == across["asyncio.event_loop.lag"] == "sum"
    assert across["process.memory.usage"] == across["process.start_time"] == across["process.thread.count"] == "per_process"


@pytest.mark.parametrize("metric", _METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_described_and_its_unit_fits_its_kind(metric: Metric) -> None:
    assert metric.description.endswith(".")
    assert metric.unit
    assert metric.unit != "1" or metric.kind == "gauge"
    assert metric.attributes is not None


@pytest.mark.parametrize("row", _READ, ids=lambda row: row.metric.name)
def test_a_row_reads_finite_values_with_distinct_declared_attributes(row: Row) -> None:
    assert row.read is not None
    readings = list(row.read(Probe()))
    keys = [tuple(sorted(attributes.items())) for _value, attributes in readings]
    assert len(set(keys)) == len(keys)
    assert all(value is None or value >= 0 for value, _attributes in readings)
    declared = {attribute.name for attribute in row.metric.attributes or ()}
    assert all(set(attributes) <= declared for _value, attributes in readings)
