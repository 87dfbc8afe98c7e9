"""The metrics of this process.

Names, units and kinds are those of OpenTelemetry's semantic conventions for processes (development) where these have one; the
start time and the limit of file descriptors are ours. Counters of several processes are added up, everything else is shown for
each process. Read by `system/table.py`, which says how each is measured.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from heliograph.catalog.metric import Attribute, Metric
from heliograph.catalog.rows.shapes import process_row

_CPU_MODE: Final = Attribute(name="cpu.mode", cardinality=2, description="user or system.")
_FAULT_TYPE: Final = Attribute(name="system.paging.fault.type", cardinality=2, description="major (from disk) or minor.")
_DISK_DIRECTION: Final = Attribute(name="disk.io.direction", cardinality=2, description="read or write.")
_SWITCH_TYPE: Final = Attribute(
    name="process.context_switch.type", cardinality=2, description="voluntary (it waited) or involuntary (its time was up)."
)


_row: Final = partial(process_row, "process")

ROWS: Final[tuple[Metric, ...]] = (
    _row("process.cpu.time", "counter", "s", "CPU time of this process by mode.", _CPU_MODE),
    _row(
        "process.cpu.utilization",
        "gauge",
        "1",
        "Share of the CPU time that this process could have had since the last reading: of all CPUs that it may run on.",
        _CPU_MODE,
    ),
    _row("process.memory.usage", "up_down_counter", "By", "Resident memory of this process."),
    _row("process.memory.virtual", "up_down_counter", "By", "Virtual memory of this process."),
    _row("process.memory.utilization", "gauge", "1", "Share of the memory limit that is resident memory of this process."),
    _row("process.thread.count", "up_down_counter", "{thread}", "Threads of this process."),
    _row(
        "process.unix.file_descriptor.count", "up_down_counter", "{file_descriptor}", "Open file descriptors of this process."
    ),
    _row(
        "process.unix.file_descriptor.limit",
        "up_down_counter",
        "{file_descriptor}",
        "How many file descriptors this process may have open (its soft limit).",
    ),
    _row("process.context_switches", "counter", "{context_switch}", "Context switches of this process.", _SWITCH_TYPE),
    _row("process.paging.faults", "counter", "{fault}", "Page faults of this process.", _FAULT_TYPE),
    _row("process.disk.io", "counter", "By", "Bytes that this process had read from and written to disks.", _DISK_DIRECTION),
    _row("process.start_time", "gauge", "s", "When this process started, in seconds since the Unix epoch."),
    _row("process.uptime", "gauge", "s", "Time since this process started."),
)
