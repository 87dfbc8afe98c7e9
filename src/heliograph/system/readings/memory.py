"""How the metrics of memory and of swap space are read. Rows: `table.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from heliograph.system.cgroup import MemoryFigures
from heliograph.system.probe import Probe, Reading

_STATES: Final = ("free", "cached", "buffers")


def usage(probe: Probe) -> Iterator[Reading]:
    limits = probe.reads.tighter_memory
    for state, size_bytes in (_states_of_machine(probe) if limits is None else _states_of_cgroup(limits)).items():
        yield size_bytes, {"system.memory.state": state}


def _states_of_machine(probe: Probe) -> dict[str, float]:
    memory = probe.reads.memory
    others = {state: getattr(memory, state) for state in _STATES if hasattr(memory, state)}
    # The conventions want the states to add up to the limit; psutil's own "used" is total - available from 7.0 on.
    return {"used": max(0, memory.total - sum(others.values())), **others}


def _states_of_cgroup(limits: MemoryFigures) -> dict[str, float]:
    return {
        "used": max(0, limits.usage_bytes - limits.cache_bytes),
        "free": max(0, limits.limit_bytes - limits.usage_bytes),
        "cached": min(limits.cache_bytes, limits.usage_bytes),
    }


def limit(probe: Probe) -> Iterator[Reading]:
    limits = probe.reads.tighter_memory
    yield probe.reads.memory.total if limits is None else limits.limit_bytes, {}


def available(probe: Probe) -> Iterator[Reading]:
    limits = probe.reads.tighter_memory
    if limits is not None:
        yield limits.available_bytes, {}
    elif sys.platform == "linux":  # the kernel's own estimate (MemAvailable); other systems have no such figure
        yield probe.reads.memory.available, {}


def utilization(probe: Probe) -> Iterator[Reading]:
    limits, memory = probe.reads.tighter_memory, probe.reads.memory
    share = 1 - memory.available / memory.total if limits is None else 1 - limits.available_bytes / max(1, limits.limit_bytes)
    yield share, {"system.memory.state": "used"}


def swap_usage(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.swap.used, {"system.paging.state": "used"}
    yield probe.reads.swap.free, {"system.paging.state": "free"}


def swap_utilization(probe: Probe) -> Iterator[Reading]:
    swap = probe.reads.swap
    if swap.total:  # there is no share of nothing
        yield swap.used / swap.total, {"system.paging.state": "used"}
        yield swap.free / swap.total, {"system.paging.state": "free"}


def faults(probe: Probe) -> Iterator[Reading]:
    if sys.platform == "linux":
        counts = probe.reads.kernel_counts
        yield counts["pgmajfault"], {"system.paging.fault.type": "major"}
        yield counts["pgfault"] - counts["pgmajfault"], {"system.paging.fault.type": "minor"}


def swap_operations(probe: Probe) -> Iterator[Reading]:
    if sys.platform == "linux":
        counts = probe.reads.kernel_counts
        yield counts["pswpin"], {"system.paging.direction": "in"}
        yield counts["pswpout"], {"system.paging.direction": "out"}
