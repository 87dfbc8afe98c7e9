"""The system metrics, one row each: how it is read, and the least selection that has it. The catalogue row has the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from heliograph.catalog.metric import Metric
from heliograph.catalog.rows import process as process_metrics
from heliograph.catalog.rows import runtime as runtime_metrics
from heliograph.catalog.rows import system as system_metrics
from heliograph.settings.system import Base
from heliograph.system.probe import Read
from heliograph.system.readings import container, memory, network, process, processors, runtime, storage


@dataclass(frozen=True, slots=True)
class Row:
    """A metric and the function that reads it: None where it is recorded as it happens. ``base`` is the least selection that
    has it."""

    metric: Metric
    read: Read | None
    base: Base = "small"


_READS: Final[Sequence[tuple[str, Base, Read | None]]] = (
    ("system.cpu.time", "small", processors.cpu_time),
    ("system.cpu.utilization", "small", processors.cpu_utilization),
    ("system.cpu.logical.count", "small", processors.logical_count),
    ("system.cpu.physical.count", "full", processors.physical_count),
    ("system.cpu.load_average.1m", "small", processors.load_average_1m),
    ("system.cpu.load_average.5m", "small", processors.load_average_5m),
    ("system.cpu.load_average.15m", "small", processors.load_average_15m),
    ("system.uptime", "full", processors.uptime),
    ("system.memory.usage", "small", memory.usage),
    ("system.memory.limit", "small", memory.limit),
    ("system.memory.linux.available", "small", memory.available),
    ("system.memory.utilization", "small", memory.utilization),
    ("system.paging.usage", "small", memory.swap_usage),
    ("system.paging.utilization", "small", memory.swap_utilization),
    ("system.paging.faults", "full", memory.faults),
    ("system.paging.operations", "full", memory.swap_operations),
    ("system.filesystem.usage", "small", storage.filesystem_usage),
    ("system.filesystem.limit", "full", storage.filesystem_limit),
    ("system.filesystem.utilization", "small", storage.filesystem_utilization),
    ("system.filesystem.inodes.usage", "small", storage.filesystem_inodes),
    ("system.disk.io", "small", storage.disk_io),
    ("system.disk.operations", "small", storage.disk_operations),
    ("system.disk.io_time", "small", storage.disk_io_time),
    ("system.disk.operation_time", "full", storage.disk_operation_time),
    ("system.disk.merged", "full", storage.disk_merged),
    ("system.network.io", "small", network.io),
    ("system.network.packet.count", "small", network.packets),
    ("system.network.errors", "small", network.errors),
    ("system.network.packet.dropped", "small", network.dropped),
    ("system.network.connection.count", "full", network.connections),
    ("container.cpu.time", "small", container.cpu_time),
    ("container.cpu.usage", "small", container.cpu_usage),
    ("container.cpu.limit", "small", container.cpu_limit),
    ("container.cpu.throttling.periods", "small", container.throttled_periods),
    ("container.cpu.throttling.time", "small", container.throttled_time),
    ("container.memory.usage", "small", container.memory_usage),
    ("container.memory.limit", "small", container.memory_limit),
    ("container.memory.working_set", "small", container.memory_working_set),
    ("container.memory.available", "small", container.memory_available),
    ("process.cpu.time", "small", process.cpu_time),
    ("process.cpu.utilization", "small", process.cpu_utilization),
    ("process.memory.usage", "small", process.memory_usage),
    ("process.memory.virtual", "small", process.memory_virtual),
    ("process.memory.utilization", "full", process.memory_utilization),
    ("process.thread.count", "small", process.threads),
    ("process.unix.file_descriptor.count", "small", process.file_descriptors),
    ("process.unix.file_descriptor.limit", "small", process.file_descriptor_limit),
    ("process.context_switches", "small", process.context_switches),
    ("process.paging.faults", "full", process.paging_faults),
    ("process.disk.io", "small", process.disk_io),
    ("process.start_time", "small", process.start_time),
    ("process.uptime", "small", process.uptime),
    ("cpython.gc.collections", "small", runtime.collections),
    ("cpython.gc.collected_objects", "small", runtime.collected_objects),
    ("cpython.gc.uncollectable_objects", "small", runtime.uncollectable_objects),
    ("cpython.gc.pause_time", "small", runtime.pause_time),
    ("cpython.thread.count", "full", runtime.threads),
    ("asyncio.event_loop.lag", "small", None),
)

_METRICS: Final = {metric.name: metric for metric in (*system_metrics.ROWS, *process_metrics.ROWS, *runtime_metrics.ROWS)}

ROWS: Final = tuple(Row(_METRICS[name], read, base) for name, base, read in _READS)

DURATION: Final = _METRICS["heliograph.system.collection.duration"]
FAILURES: Final = _METRICS["heliograph.system.failures"]
