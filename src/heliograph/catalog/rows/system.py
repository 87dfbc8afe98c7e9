"""The metrics of the machine, and of the cgroup that this process runs in (`container.py`).

Names, units and kinds are those of OpenTelemetry's semantic conventions for system metrics (development) where these have one;
load averages and inodes are named as the OpenTelemetry Collector's host metrics are. Each process of a service reads the same
machine, so of several processes the latest reading counts. Read by `system/table.py`, which says how each is measured.
"""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Attribute, LegacyName, Metric
from heliograph.catalog.rows import container
from heliograph.catalog.rows.shapes import host_row

_BUSY: Final = ("user", "nice", "system", "interrupt", "softirq", "steal")

_CPU_MODE: Final = Attribute(name="cpu.mode", cardinality=8, description="What the CPU was doing.")
_MEMORY_STATE: Final = Attribute(name="system.memory.state", cardinality=5, description="used, free, cached or buffers.")
_PAGING_STATE: Final = Attribute(name="system.paging.state", cardinality=2, description="used or free.")
_PAGING_DIRECTION: Final = Attribute(name="system.paging.direction", cardinality=2, description="in or out.")
_FAULT_TYPE: Final = Attribute(name="system.paging.fault.type", cardinality=2, description="major (from disk) or minor.")
_DEVICE: Final = Attribute(name="system.device", cardinality=64, description="The disk or partition.")
_DISK_DIRECTION: Final = Attribute(name="disk.io.direction", cardinality=2, description="read or write.")
_INTERFACE: Final = Attribute(name="network.interface.name", cardinality=64, description="The network interface.")
_NETWORK_DIRECTION: Final = Attribute(name="network.io.direction", cardinality=2, description="transmit or receive.")
_FILESYSTEM: Final = (
    _DEVICE,
    Attribute(name="system.filesystem.mountpoint", cardinality=64, description="Where the file system is mounted."),
    Attribute(name="system.filesystem.type", cardinality=16, description="Such as ext4 or xfs."),
)
_FILESYSTEM_STATE: Final = Attribute(name="system.filesystem.state", cardinality=3, description="used, free or reserved.")


def _filesystem_state(name: str, state: str) -> LegacyName:
    return LegacyName(
        name=name, where={"system.filesystem.state": (state,)}, without=("system.filesystem.type",), kind="gauge"
    )


def _network_direction(name: str, direction: str) -> LegacyName:
    # A counter's name would have to end in `_total`.
    return LegacyName(name=name, where={"network.io.direction": (direction,)}, kind="unknown")


_CPU: Final = (
    host_row("system.cpu.time", "counter", "s", "CPU time of the machine by mode, over all CPUs.", _CPU_MODE),
    host_row(
        "system.cpu.utilization",
        "gauge",
        "1",
        "Share of CPU time by mode since the last reading, over all CPUs; of the cgroup's quota where there is one.",
        _CPU_MODE,
        legacy=(LegacyName(name="system_cpu_usage_percent", factor=100.0, where={"cpu.mode": _BUSY}, kind="gauge"),),
    ),
    host_row("system.cpu.logical.count", "up_down_counter", "{cpu}", "Logical CPUs of the machine."),
    host_row("system.cpu.physical.count", "up_down_counter", "{cpu}", "Physical CPU cores of the machine."),
    host_row("system.cpu.load_average.1m", "gauge", "{thread}", "Threads that ran or waited to run, average of 1 minute."),
    host_row("system.cpu.load_average.5m", "gauge", "{thread}", "Threads that ran or waited to run, average of 5 minutes."),
    host_row("system.cpu.load_average.15m", "gauge", "{thread}", "Threads that ran or waited to run, average of 15 minutes."),
    host_row("system.uptime", "gauge", "s", "Time since the machine started."),
)

_MEMORY: Final = (
    host_row(
        "system.memory.usage",
        "up_down_counter",
        "By",
        "Memory by state; of the cgroup where it has a limit.",
        _MEMORY_STATE,
        legacy=(LegacyName(name="system_memory_usage_bytes", where={"system.memory.state": ("used",)}, kind="gauge"),),
    ),
    host_row("system.memory.limit", "up_down_counter", "By", "All memory there is; the cgroup's limit where it has one."),
    host_row(
        "system.memory.linux.available",
        "up_down_counter",
        "By",
        "Memory that new work can use; within the cgroup's limit where it has one.",
        legacy=(LegacyName(name="system_memory_available_bytes", kind="gauge"),),
    ),
    host_row(
        "system.memory.utilization",
        "gauge",
        "1",
        "Share of memory that new work cannot use; of the cgroup's limit where it has one.",
        _MEMORY_STATE,
    ),
    host_row("system.paging.usage", "up_down_counter", "By", "Swap space by state.", _PAGING_STATE),
    host_row("system.paging.utilization", "gauge", "1", "Share of the swap space that is in use.", _PAGING_STATE),
    host_row("system.paging.faults", "counter", "{fault}", "Page faults of the machine.", _FAULT_TYPE),
    host_row("system.paging.operations", "counter", "{operation}", "Pages swapped in and out.", _PAGING_DIRECTION),
)

_FILESYSTEMS: Final = (
    host_row(
        "system.filesystem.usage",
        "up_down_counter",
        "By",
        "File system space by state; what is reserved only root can use.",
        *_FILESYSTEM,
        _FILESYSTEM_STATE,
        legacy=(
            _filesystem_state("system_disk_usage_bytes", "used"),
            _filesystem_state("system_disk_available_bytes", "free"),
        ),
    ),
    host_row("system.filesystem.limit", "up_down_counter", "By", "Size of the file system.", *_FILESYSTEM),
    host_row(
        "system.filesystem.utilization",
        "gauge",
        "1",
        "Share of the file system in use, of what is used and what is free to all users.",
        *_FILESYSTEM,
    ),
    host_row(
        "system.filesystem.inodes.usage",
        "up_down_counter",
        "{inode}",
        "Inodes of the file system by state.",
        *_FILESYSTEM,
        _FILESYSTEM_STATE,
    ),
)

_DISKS: Final = (
    host_row("system.disk.io", "counter", "By", "Bytes read from and written to disks.", _DEVICE, _DISK_DIRECTION),
    host_row("system.disk.operations", "counter", "{operation}", "Reads from and writes to disks.", _DEVICE, _DISK_DIRECTION),
    host_row("system.disk.io_time", "counter", "s", "Time in which the disk was busy.", _DEVICE),
    host_row(
        "system.disk.operation_time",
        "counter",
        "s",
        "Time that reads and writes took, added up; it grows faster than time where they run in parallel.",
        _DEVICE,
        _DISK_DIRECTION,
    ),
    host_row(
        "system.disk.merged",
        "counter",
        "{operation}",
        "Reads and writes that were merged with one before.",
        _DEVICE,
        _DISK_DIRECTION,
    ),
)

_NETWORK: Final = (
    host_row(
        "system.network.io",
        "counter",
        "By",
        "Bytes sent and received.",
        _INTERFACE,
        _NETWORK_DIRECTION,
        legacy=(
            _network_direction("system_network_bytes_sent", "transmit"),
            _network_direction("system_network_bytes_received", "receive"),
        ),
    ),
    host_row(
        "system.network.packet.count", "counter", "{packet}", "Packets sent and received.", _INTERFACE, _NETWORK_DIRECTION
    ),
    host_row(
        "system.network.errors",
        "counter",
        "{error}",
        "Packets that were not sent or not received for an error.",
        _INTERFACE,
        _NETWORK_DIRECTION,
    ),
    host_row(
        "system.network.packet.dropped",
        "counter",
        "{packet}",
        "Packets that were dropped without an error.",
        _INTERFACE,
        _NETWORK_DIRECTION,
    ),
    host_row(
        "system.network.connection.count",
        "up_down_counter",
        "{connection}",
        "Connections of the machine by state, as far as this user may see them.",
        Attribute(name="network.transport", cardinality=2, description="tcp or udp."),
        Attribute(name="network.connection.state", cardinality=11, description="Such as established or listen."),
    ),
)

_COLLECTION: Final = (
    Metric(
        name="heliograph.system.collection.duration",
        kind="gauge",
        unit="s",
        description="CPU time that the last collection of the system metrics took.",
        group="telemetry",
        attributes=(),
    ),
    Metric(
        name="heliograph.system.failures",
        kind="counter",
        unit="{failure}",
        description="How often a system metric, or one reading of it, could not be had, for example for want of rights.",
        group="telemetry",
        attributes=(Attribute(name="metric", cardinality=100, description="The metric that has a gap."),),
    ),
)

ROWS: Final[tuple[Metric, ...]] = (
    *_CPU,
    *_MEMORY,
    *_FILESYSTEMS,
    *_DISKS,
    *_NETWORK,
    *container.ROWS,
    *_COLLECTION,
)
