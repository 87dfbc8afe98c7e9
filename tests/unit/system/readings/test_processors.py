"""What is said of the CPUs is what psutil says of this machine; within a quota it is a share of the quota."""

import os
import time
from pathlib import Path

import psutil
import pytest

from heliograph.clock import ManualClock
from heliograph.system.growth import Growth
from heliograph.system.probe import Probe, Read, Reading
from heliograph.system.readings import processors
from tests.support.cgroup_tree import write_unified


def _by_mode(read: Read, probe: Probe) -> dict[str, float]:
    return {str(attributes["cpu.mode"]): value or 0.0 for value, attributes in read(probe)}


def _one(read: Read, probe: Probe | None = None) -> Reading:
    (reading,) = read(probe or Probe())
    return reading


def _quota(root: Path, cpus: float, user_s: float, system_s: float) -> None:
    spent = f"user_usec {round(user_s * 1e6)}\nsystem_usec {round(system_s * 1e6)}\n"
    files = {
        "cpu.max": f"{round(cpus * 100_000)} 100000\n",
        "cpu.stat": f"{spent}nr_throttled 0\nthrottled_usec 0\n",
    }
    write_unified(root, files)


def test_cpu_time_is_that_of_all_modes() -> None:
    before = psutil.cpu_times()
    times = _by_mode(processors.cpu_time, Probe())
    after = psutil.cpu_times()
    assert before.user <= times["user"] <= after.user
    assert before.idle <= times["idle"] <= after.idle
    assert set(times) >= {"user", "system", "idle", "iowait", "interrupt", "softirq", "steal", "nice"}


def test_cpu_shares_add_up_to_one() -> None:
    probe = Probe()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    probe.begin()
    shares = _by_mode(processors.cpu_utilization, probe)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares["user"] + shares["nice"] + shares["system"] > 0


def test_cpu_shares_are_those_since_the_last_reading() -> None:
    clock = ManualClock()
    probe = Probe(clock)
    now = probe.reads.cpu_seconds
    probe.machine_cpu = Growth(clock, {**now, "user": now["user"] - 30, "idle": now["idle"] - 70})
    clock.advance(50)
    shares = _by_mode(processors.cpu_utilization, probe)
    assert (shares["user"], shares["idle"]) == pytest.approx((0.3, 0.7))


def test_no_share_is_told_of_too_little_cpu_time() -> None:
    clock = ManualClock()
    probe = Probe(clock)
    clock.advance(15)  # but no CPU time was spent on this clock: the reads are still those of before
    assert _by_mode(processors.cpu_utilization, probe) == {}


def test_within_a_quota_the_shares_are_of_the_quota(tmp_path: Path) -> None:
    clock = ManualClock()
    _quota(tmp_path, 0.5, user_s=10, system_s=5)
    probe = Probe(clock, root=tmp_path)
    _quota(tmp_path, 0.5, user_s=13, system_s=6)
    clock.advance(10)
    probe.begin()
    assert _by_mode(processors.cpu_utilization, probe) == pytest.approx({"user": 0.6, "system": 0.2, "idle": 0.2})


def test_a_burst_above_the_quota_is_no_more_than_all_of_it(tmp_path: Path) -> None:
    clock = ManualClock()
    _quota(tmp_path, 0.5, user_s=0, system_s=1)
    probe = Probe(clock, root=tmp_path)
    _quota(tmp_path, 0.5, user_s=6, system_s=3)
    clock.advance(10)
    probe.begin()
    assert _by_mode(processors.cpu_utilization, probe) == pytest.approx({"user": 0.75, "system": 0.25, "idle": 0})


def test_a_quota_of_more_than_the_machine_has_changes_nothing(tmp_path: Path) -> None:
    _quota(tmp_path, (os.cpu_count() or 1) + 1, user_s=0, system_s=0)
    clock = ManualClock()
    probe = Probe(clock, root=tmp_path)
    now = probe.reads.cpu_seconds
    probe.machine_cpu = Growth(clock, {**now, "iowait": now["iowait"] - 10})
    clock.advance(10)
    assert _by_mode(processors.cpu_utilization, probe)["iowait"] == pytest.approx(1)


def test_the_cpus_are_counted() -> None:
    assert _one(processors.logical_count) == (os.cpu_count(), {})


def test_the_load_averages_are_the_kernels() -> None:
    probe = Probe()
    said = psutil.getloadavg()
    reads = (processors.load_average_1m, processors.load_average_5m, processors.load_average_15m)
    assert [_one(read, probe)[0] for read in reads] == pytest.approx(said, abs=0.5)


def test_the_machine_runs_since_it_started() -> None:
    assert _one(processors.uptime)[0] == pytest.approx(time.time() - psutil.boot_time(), abs=2)
