"""What is said of memory adds up, and is the cgroup's where that allows less than the machine has."""

from pathlib import Path

import psutil
import pytest

from heliograph.system.probe import Probe, Read
from heliograph.system.readings import container, memory, process
from tests.support.cgroup_tree import write_unified

MIB = 2**20


def _by(key: str, read: Read, probe: Probe) -> dict[str, float]:
    return {str(attributes.get(key, "")): value or 0.0 for value, attributes in read(probe)}


def _value(read: Read, probe: Probe) -> float:
    ((value, _attributes),) = read(probe)
    assert value is not None
    return value


def _limited(root: Path, limit_bytes: int, usage_bytes: int, cache_bytes: int, inactive_bytes: int) -> Probe:
    files = {
        "memory.max": f"{limit_bytes}\n",
        "memory.current": f"{usage_bytes}\n",
        "memory.stat": f"file {cache_bytes}\ninactive_file {inactive_bytes}\n",
    }
    return Probe(root=write_unified(root, files))


def test_the_states_of_memory_add_up_to_all_of_it(tmp_path: Path) -> None:
    # Semantic conventions, system.memory.usage: the sum over all states should equal system.memory.limit.
    probe = Probe(root=tmp_path)
    usage = _by("system.memory.state", memory.usage, probe)
    assert set(usage) >= {"used", "free", "cached", "buffers"}
    assert sum(usage.values()) == _value(memory.limit, probe) == psutil.virtual_memory().total


def test_memory_in_use_is_what_is_not_available(tmp_path: Path) -> None:
    probe = Probe(root=tmp_path)
    share = 1 - _value(memory.available, probe) / _value(memory.limit, probe)
    assert _value(memory.utilization, probe) == pytest.approx(share)


def test_within_a_limit_the_figures_are_the_cgroups(tmp_path: Path) -> None:
    probe = _limited(tmp_path, 512 * MIB, usage_bytes=300 * MIB, cache_bytes=120 * MIB, inactive_bytes=100 * MIB)
    assert _value(memory.limit, probe) == 512 * MIB
    assert _by("system.memory.state", memory.usage, probe) == {"used": 180 * MIB, "free": 212 * MIB, "cached": 120 * MIB}
    assert _value(memory.available, probe) == 312 * MIB
    assert _value(memory.utilization, probe) == pytest.approx(200 / 512)
    assert _value(process.memory_utilization, probe) == pytest.approx(psutil.Process().memory_info().rss / 512 / MIB, rel=0.1)


def test_the_cgroups_own_figures_have_names_of_their_own(tmp_path: Path) -> None:
    probe = _limited(tmp_path, 512 * MIB, usage_bytes=300 * MIB, cache_bytes=120 * MIB, inactive_bytes=100 * MIB)
    reads = (container.memory_limit, container.memory_usage, container.memory_working_set, container.memory_available)
    assert [_value(read, probe) / MIB for read in reads] == [512, 300, 200, 312]


def test_a_limit_above_what_the_machine_has_changes_only_the_cgroups_own_figures(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    probe = _limited(tmp_path, total + 1, usage_bytes=300, cache_bytes=0, inactive_bytes=0)
    assert _value(memory.limit, probe) == total
    assert _value(memory.utilization, probe) > 0.001
    assert _value(container.memory_limit, probe) == total + 1


def test_without_a_limit_there_are_no_figures_of_a_container(tmp_path: Path) -> None:
    probe = Probe(root=tmp_path)
    for read in (container.memory_limit, container.memory_usage, container.cpu_limit, container.cpu_time, container.cpu_usage):
        assert list(read(probe)) == []


def test_swap_space_is_what_psutil_says() -> None:
    swap = psutil.swap_memory()
    assert sum(_by("system.paging.state", memory.swap_usage, Probe()).values()) == swap.total
    shares = _by("system.paging.state", memory.swap_utilization, Probe())
    assert sum(shares.values()) == pytest.approx(1 if swap.total else 0)


def test_faults_of_the_machine_only_grow() -> None:
    probe = Probe()
    before = _by("system.paging.fault.type", memory.faults, probe)
    probe.begin()
    after = _by("system.paging.fault.type", memory.faults, probe)
    assert set(before) == {"major", "minor"}
    assert all(0 <= before[kind] <= after[kind] for kind in before)
    assert after["minor"] > before["minor"] or after == before


def test_swapped_pages_are_counted_both_ways() -> None:
    assert set(_by("system.paging.direction", memory.swap_operations, Probe())) == {"in", "out"}
