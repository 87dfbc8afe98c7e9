"""The CPU figures of a container: what it used, what it may use, and how often it had to wait."""

from pathlib import Path

import pytest

from heliograph.clock import ManualClock
from heliograph.system.probe import Probe
from heliograph.system.readings import container
from tests.support.cgroup_tree import write_unified


def _write(root: Path, user_s: float) -> None:
    spent = f"user_usec {round(user_s * 1e6)}\nsystem_usec 1000000\n"
    write_unified(root, {"cpu.max": "150000 100000\n", "cpu.stat": f"{spent}nr_throttled 7\nthrottled_usec 2500000\n"})


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    clock = ManualClock()
    _write(tmp_path, user_s=3)
    probe = Probe(clock, root=tmp_path)
    _write(tmp_path, user_s=9)
    clock.advance(5)
    probe.begin()
    return probe


def test_cpu_time_is_the_cgroups_by_mode(probe: Probe) -> None:
    assert list(container.cpu_time(probe)) == [(9.0, {"cpu.mode": "user"}), (1.0, {"cpu.mode": "system"})]


def test_cpu_usage_is_in_cpus_since_the_last_reading(probe: Probe) -> None:
    assert list(container.cpu_usage(probe)) == [(pytest.approx(1.2), {})]


def test_the_quota_and_the_waiting_for_it_are_told(probe: Probe) -> None:
    assert list(container.cpu_limit(probe)) == [(1.5, {})]
    assert list(container.throttled_periods(probe)) == [(7, {})]
    assert list(container.throttled_time(probe)) == [(2.5, {})]
