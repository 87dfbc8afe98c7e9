"""The system metrics, one row each. Names, units and kinds: OpenTelemetry semantic conventions, system and process metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from heliograph.system import probe
from heliograph.system.probe import Probe, Reading


@dataclass(frozen=True, slots=True)
class Row:
    """A metric: its instrument, and the function that reads it."""

    name: str
    kind: Literal["counter", "up_down_counter", "gauge"]
    unit: str
    description: str
    read: Callable[[Probe], Iterable[Reading]]


ROWS: Final = (
    Row("system.cpu.time", "counter", "s", "CPU time by mode, over all CPUs.", probe.cpu_time),
    Row("system.cpu.utilization", "gauge", "1", "Share of CPU time by mode, over all CPUs.", probe.cpu_utilization),
    Row("system.memory.usage", "up_down_counter", "By", "Memory by state.", probe.memory_usage),
    Row("system.memory.limit", "up_down_counter", "By", "Memory of the machine.", probe.memory_limit),
    Row("system.memory.linux.available", "up_down_counter", "By", "Memory that new work can use.", probe.memory_available),
    Row("system.memory.utilization", "gauge", "1", "Share of memory in use.", probe.memory_utilization),
    Row("system.filesystem.usage", "up_down_counter", "By", "File system space by state.", probe.filesystem_usage),
    Row("system.disk.io", "counter", "By", "Bytes read from and written to disks.", probe.disk_io),
    Row("system.network.io", "counter", "By", "Bytes sent and received.", probe.network_io),
    Row("process.cpu.time", "counter", "s", "CPU time of this process by mode.", probe.process_cpu_time),
    Row("process.memory.usage", "up_down_counter", "By", "Resident memory of this process.", probe.process_memory_usage),
    Row("process.memory.virtual", "up_down_counter", "By", "Virtual memory of this process.", probe.process_memory_virtual),
    Row("process.thread.count", "up_down_counter", "{thread}", "Threads of this process.", probe.process_threads),
    Row(
        "process.unix.file_descriptor.count",
        "up_down_counter",
        "{file_descriptor}",
        "Open file descriptors of this process.",
        probe.process_file_descriptors,
    ),
)
