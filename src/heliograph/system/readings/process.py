"""How the metrics of this process are read. Rows: `table.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from heliograph.system.probe import Probe, Reading, process_cpu_seconds

if sys.platform != "win32":
    import resource


def cpu_time(probe: Probe) -> Iterator[Reading]:
    for mode, seconds in process_cpu_seconds(probe.reads.process_usage).items():
        yield seconds, {"cpu.mode": mode}


def cpu_utilization(probe: Probe) -> Iterator[Reading]:
    spent, elapsed_s = probe.process_cpu.since(process_cpu_seconds(probe.reads.process_usage))
    for mode, seconds in spent.items():
        yield seconds / (elapsed_s * probe.reads.available_cpus), {"cpu.mode": mode}


def memory_usage(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.process_memory.rss, {}


def memory_virtual(probe: Probe) -> Iterator[Reading]:
    yield probe.reads.process_memory.vms, {}


def memory_utilization(probe: Probe) -> Iterator[Reading]:
    limits = probe.reads.tighter_memory
    yield probe.reads.process_memory.rss / (probe.reads.memory.total if limits is None else max(1, limits.limit_bytes)), {}


def threads(probe: Probe) -> Iterator[Reading]:
    yield probe.process.num_threads(), {}


def file_descriptors(probe: Probe) -> Iterator[Reading]:
    if sys.platform != "win32":
        yield probe.process.num_fds(), {}


def file_descriptor_limit(probe: Probe) -> Iterator[Reading]:
    if sys.platform != "win32":
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            yield soft, {}


def context_switches(probe: Probe) -> Iterator[Reading]:
    usage = probe.reads.process_usage
    yield usage.voluntary_switches, {"process.context_switch.type": "voluntary"}
    yield usage.involuntary_switches, {"process.context_switch.type": "involuntary"}


def paging_faults(probe: Probe) -> Iterator[Reading]:
    usage = probe.reads.process_usage
    if usage.major_faults is not None and usage.minor_faults is not None:
        yield usage.major_faults, {"system.paging.fault.type": "major"}
        yield usage.minor_faults, {"system.paging.fault.type": "minor"}


def disk_io(probe: Probe) -> Iterator[Reading]:
    if sys.platform != "darwin":  # psutil has no such figures there
        counters = probe.process.io_counters()
        yield counters.read_bytes, {"disk.io.direction": "read"}
        yield counters.write_bytes, {"disk.io.direction": "write"}


def start_time(probe: Probe) -> Iterator[Reading]:
    yield probe.process.create_time(), {}


def uptime(probe: Probe) -> Iterator[Reading]:
    yield max(0.0, probe.clock.time_ns() / 1e9 - probe.process.create_time()), {}
