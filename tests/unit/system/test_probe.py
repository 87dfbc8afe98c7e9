"""A collection reads what several metrics share only once, and a probe can be made where much cannot be read."""

from pathlib import Path

import pytest

from heliograph.clock import ManualClock
from heliograph.system.collector import SystemCollector
from heliograph.system.probe import Probe
from heliograph.system.readings import memory, processors
from heliograph.system.table import ROWS
from tests.support.cgroup_tree import write_unified

_ODD = {"memory.max": "lots\n", "cpu.max": "some 100000\n"}


def test_what_is_shared_is_read_once_until_the_next_collection() -> None:
    probe = Probe()
    first = probe.reads
    assert first.memory is first.memory
    assert first.interfaces is first.interfaces
    probe.begin()
    assert probe.reads is not first
    assert probe.reads.memory is not first.memory


def test_a_probe_can_be_made_where_a_cgroup_cannot_be_understood(tmp_path: Path) -> None:
    probe = Probe(root=write_unified(tmp_path, _ODD))
    assert list(processors.cpu_time(probe))
    with pytest.raises(ValueError, match="lots"):
        list(memory.limit(probe))


def test_figures_that_a_limit_may_replace_are_left_out_when_the_limit_cannot_be_understood(tmp_path: Path) -> None:
    root = write_unified(tmp_path, _ODD)
    collector = SystemCollector(
        15, ManualClock(), make_probe=lambda clock, is_child: Probe(clock, root=root, is_child=is_child)
    )
    names = {row.metric.name for row in ROWS if row.read is not None}
    found = {name for name in names if collector._observe(name)}
    assert found >= {"system.cpu.time", "system.filesystem.usage", "process.memory.usage", "process.start_time"}
    left_out = {
        *("system.cpu.utilization", "system.memory.usage", "system.memory.limit", "system.memory.linux.available"),
        *("system.memory.utilization", "process.memory.utilization", "process.cpu.utilization"),
    }
    assert not found & left_out
    failures = collector.failures()
    assert {name for name in failures if not name.startswith("container.")} == left_out - {"process.cpu.utilization"}
    assert failures["container.memory.usage"] == failures["container.cpu.time"] == 1
