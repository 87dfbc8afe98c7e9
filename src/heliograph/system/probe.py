"""What the readings share: this process, the readings before, and everything that one collection reads only once.

Made by the collector, which says when a collection begins; read by the functions in `readings/`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import psutil

from heliograph.clock import Clock, SystemClock
from heliograph.once import once
from heliograph.system.cgroup import Cgroup, MemoryFigures, ProcessorFigures
from heliograph.system.filesystems import Space, filesystems
from heliograph.system.gc_pauses import GcPauses
from heliograph.system.growth import Growth

if sys.platform != "win32":
    import resource

T = TypeVar("T")

Reading: TypeAlias = tuple[float | None, Mapping[str, Any]]
"""A value and its attributes; the value is None where this one, of all that the metric has, could not be read."""
Read: TypeAlias = "Callable[[Probe], Iterable[Reading]]"
"""How a metric is read. It may raise anything; the collector leaves the metric out then."""

# psutil's field -> value of `cpu.mode`. psutil counts guest time inside user and nice already.
_CPU_MODES: Final = {
    "user": "user",
    "nice": "nice",
    "system": "system",
    "idle": "idle",
    "iowait": "iowait",
    "irq": "interrupt",
    "softirq": "softirq",
    "steal": "steal",
    "interrupt": "interrupt",
}


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What the kernel accounts to the whole process, its ended threads included."""

    user_s: float
    system_s: float
    voluntary_switches: int
    involuntary_switches: int
    major_faults: int | None
    minor_faults: int | None


class Reads:
    """What several metrics are computed from, read at most once: of one collection."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    @once
    def cpu_seconds(self) -> dict[str, float]:
        return cpu_seconds()

    @once
    def memory(self) -> Any:
        return psutil.virtual_memory()

    @once
    def swap(self) -> Any:
        return psutil.swap_memory()

    @once
    def load_averages(self) -> tuple[float, float, float]:
        return psutil.getloadavg()

    @once
    def filesystems(self) -> list[tuple[Mapping[str, str], Space | None]]:
        return filesystems()

    @once
    def disks(self) -> Mapping[str, Any]:
        """By device, those that ever moved any byte: a machine may have dozens of unused loop devices."""
        # Without psutil's watch for counters that wrap: it takes a lock that a forked child may find held.
        found = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        return {device: counters for device, counters in found.items() if counters.read_bytes or counters.write_bytes}

    @once
    def interfaces(self) -> Mapping[str, Any]:
        """By name, those that ever moved any byte."""
        found = psutil.net_io_counters(pernic=True, nowrap=False)
        return {name: counters for name, counters in found.items() if counters.bytes_sent or counters.bytes_recv}

    @once
    def kernel_counts(self) -> Mapping[str, int]:
        """The counters of virtual memory, of Linux only."""
        said = Path("/proc/vmstat").read_text()
        return {name: int(number) for name, number in (line.split(" ", 1) for line in said.splitlines())}

    @once
    def process_memory(self) -> Any:
        return self._probe.process.memory_info()

    @once
    def process_usage(self) -> ProcessUsage:
        return process_usage(self._probe.process)

    @once
    def memory_limits(self) -> MemoryFigures | None:
        """The cgroup's, where it has a limit."""
        return self._probe.cgroup.memory()

    @once
    def processor_limits(self) -> ProcessorFigures | None:
        """The cgroup's, where it has a quota."""
        return self._probe.cgroup.processor()

    @once
    def tighter_memory(self) -> MemoryFigures | None:
        """The cgroup's, where it allows less than the machine has."""
        limits = self.memory_limits
        return limits if limits is not None and limits.limit_bytes < self.memory.total else None

    @once
    def tighter_processor(self) -> ProcessorFigures | None:
        """The cgroup's, where it allows less than the machine has."""
        limits = self.processor_limits
        return limits if limits is not None and limits.quota_cpus < (os.cpu_count() or 1) else None

    @once
    def available_cpus(self) -> float:
        """How many CPUs this process can keep busy."""
        cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        limits = self.processor_limits
        return min(float(cpus), limits.quota_cpus) if limits is not None else float(cpus)

    @once
    def collections(self) -> list[dict[str, int]]:
        """The garbage collector's counts, by generation."""
        return gc.get_stats()


class Probe:
    """``reads`` are of the current collection. ``is_child`` says that the process was forked while this was at work: what
    the interpreter counted before was the parent's. Below ``root`` are the files about the cgroup."""

    def __init__(self, clock: Clock | None = None, *, root: Path = Path("/"), is_child: bool = False) -> None:
        self.clock = clock or SystemClock()
        self.gc_pauses = GcPauses()
        self.counted_before = gc.get_stats() if is_child else [dict.fromkeys(counts, 0) for counts in gc.get_stats()]
        self.cgroup = Cgroup(root)
        self.begin()
        # Shares are of the time since the reading before, the first ones since now.
        self.machine_cpu = Growth(self.clock, _or_none(lambda: self.reads.cpu_seconds))
        self.process_cpu = Growth(self.clock, _or_none(lambda: process_cpu_seconds(self.reads.process_usage)))
        self.cgroup_cpu = Growth(self.clock, _or_none(lambda: cgroup_cpu_seconds(self.reads.processor_limits)))
        self.container_cpu = Growth(self.clock, _or_none(lambda: cgroup_cpu_seconds(self.reads.processor_limits)))

    def begin(self) -> None:
        """A collection begins: nothing that was read before is current any more."""
        self.reads = Reads(self)

    @once
    def process(self) -> psutil.Process:
        """This process; looked up when it is first asked for, since that fails where there is no /proc."""
        return psutil.Process()


def cpu_seconds() -> dict[str, float]:
    """What all CPUs of the machine spent in each mode."""
    times = psutil.cpu_times()
    found: dict[str, float] = {}
    for field, mode in _CPU_MODES.items():
        if hasattr(times, field):
            found[mode] = found.get(mode, 0.0) + getattr(times, field)
    return found


def process_cpu_seconds(usage: ProcessUsage) -> dict[str, float]:
    """By `cpu.mode`."""
    return {"user": usage.user_s, "system": usage.system_s}


def cgroup_cpu_seconds(figures: ProcessorFigures | None) -> dict[str, float]:
    """By `cpu.mode`; nothing where there is no quota."""
    return {"user": figures.user_s, "system": figures.system_s} if figures is not None else {}


def process_usage(process: psutil.Process) -> ProcessUsage:
    """As exact as the system has it."""
    if sys.platform == "win32":
        times, switches = process.cpu_times(), process.num_ctx_switches()
        return ProcessUsage(times.user, times.system, switches.voluntary, switches.involuntary, None, None)
    else:  # noqa: RET505  # a type checker of the other system would find what follows unreachable
        # psutil's figures are of whole ticks and its context switches of the main thread alone.
        used = resource.getrusage(resource.RUSAGE_SELF)
        return ProcessUsage(used.ru_utime, used.ru_stime, used.ru_nvcsw, used.ru_nivcsw, used.ru_majflt, used.ru_minflt)


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Exception:  # the same reading counts as a failure when it is collected
        return None
