"""How the metrics of the CPUs are read. Rows: `table.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import psutil

from heliograph.system.cgroup import ProcessorFigures
from heliograph.system.probe import Probe, Reading, cgroup_cpu_seconds

# Shares of less CPU time than this, in seconds, are noise.
_LEAST_CPU_S: Final = 0.05


def cpu_time(probe: Probe) -> Iterator[Reading]:
    for mode, seconds in probe.reads.cpu_seconds.items():
        yield seconds, {"cpu.mode": mode}


def cpu_utilization(probe: Probe) -> Iterator[Reading]:
    """The shares of all modes add up to 1."""
    limits = probe.reads.tighter_processor
    shares = _shares_of_machine(probe) if limits is None else _shares_of_quota(probe, limits)
    for mode, share in shares.items():
        yield share, {"cpu.mode": mode}


def _shares_of_machine(probe: Probe) -> dict[str, float]:
    spent, _elapsed_s = probe.machine_cpu.since(probe.reads.cpu_seconds)
    total_s = sum(spent.values())
    return {mode: seconds / total_s for mode, seconds in spent.items()} if total_s >= _LEAST_CPU_S else {}


def _shares_of_quota(probe: Probe, limits: ProcessorFigures) -> dict[str, float]:
    spent, elapsed_s = probe.cgroup_cpu.since(cgroup_cpu_seconds(limits))
    if not spent:
        return {}
    # A burst may spend more than the quota of the time.
    total_s = max(elapsed_s * limits.quota_cpus, sum(spent.values()))
    return {**{mode: seconds / total_s for mode, seconds in spent.items()}, "idle": 1 - sum(spent.values()) / total_s}


def logical_count(probe: Probe) -> Iterator[Reading]:
    count = os.cpu_count()
    if count:
        yield count, {}


def physical_count(probe: Probe) -> Iterator[Reading]:
    count = psutil.cpu_count(logical=False)
    if count:  # not every virtual machine says
        yield count, {}


def load_average_1m(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.load_averages[0], {}


def load_average_5m(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.load_averages[1], {}


def load_average_15m(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.load_averages[2], {}


def uptime(probe: Probe) -> Iterator[Reading]:
    yield max(0.0, probe.clock.time_ns() / 1e9 - psutil.boot_time()), {}
