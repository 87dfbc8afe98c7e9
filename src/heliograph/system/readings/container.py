"""How the metrics of the cgroup of this process are read; nothing where it has no limit. Rows: `table.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from heliograph.system.cgroup import MemoryFigures, ProcessorFigures
from heliograph.system.probe import Probe, Read, Reading, cgroup_cpu_seconds


def _memory(figure: Callable[[MemoryFigures], float]) -> Read:
    def read(probe: Probe) -> Iterator[Reading]:
        figures = probe.reads.memory_limits
        if figures is not None:
            yield figure(figures), {}

    return read


def _processor(figure: Callable[[ProcessorFigures], float]) -> Read:
    def read(probe: Probe) -> Iterator[Reading]:
        figures = probe.reads.processor_limits
        if figures is not None:
            yield figure(figures), {}

    return read


memory_usage = _memory(lambda figures: figures.usage_bytes)
memory_limit = _memory(lambda figures: figures.limit_bytes)
memory_working_set = _memory(lambda figures: figures.working_set_bytes)
memory_available = _memory(lambda figures: figures.available_bytes)
cpu_limit = _processor(lambda figures: figures.quota_cpus)
throttled_periods = _processor(lambda figures: figures.throttled_periods)
throttled_time = _processor(lambda figures: figures.throttled_s)


def cpu_time(probe: Probe) -> Iterator[Reading]:
    for mode, seconds in cgroup_cpu_seconds(probe.reads.processor_limits).items():
        yield seconds, {"cpu.mode": mode}


def cpu_usage(probe: Probe) -> Iterator[Reading]:
    spent, elapsed_s = probe.container_cpu.since(cgroup_cpu_seconds(probe.reads.processor_limits))
    if spent:
        yield sum(spent.values()) / elapsed_s, {}
