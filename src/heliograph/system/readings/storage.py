"""How the metrics of file systems and disks are read. Rows: `table.py`.

A file system or disk that cannot be read costs only its own readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from heliograph.system.filesystems import Space
from heliograph.system.probe import Probe, Reading

_MS_PER_S: Final = 1000


def _by_state(where: Mapping[str, Any], states: Mapping[str, float]) -> Iterator[Reading]:
    for state, amount in states.items():
        yield amount, {**where, "system.filesystem.state": state}


def filesystem_usage(probe: Probe) -> Iterator[Reading]:
    for where, space in probe.reads.filesystems:
        if space is None:
            yield None, where
        else:
            yield from _by_state(where, {"used": space.used_bytes, "free": space.free_bytes, "reserved": space.reserved_bytes})


def filesystem_limit(probe: Probe) -> Iterator[Reading]:
    for where, space in probe.reads.filesystems:
        yield (space.total_bytes if space is not None else None), where


def filesystem_utilization(probe: Probe) -> Iterator[Reading]:
    """As `df` has it: of what users can use."""
    for where, space in probe.reads.filesystems:
        yield (_share(space) if space is not None else None), where


def _share(space: Space) -> float:
    return space.used_bytes / max(1, space.used_bytes + space.free_bytes)


def filesystem_inodes(probe: Probe) -> Iterator[Reading]:
    for where, space in probe.reads.filesystems:
        if space is None:
            yield None, where
        elif space.inodes:  # some kinds make them as they are needed
            yield from _by_state(where, {"used": space.inodes - space.free_inodes, "free": space.free_inodes})


def _disks(probe: Probe, fields: Mapping[str, str], divisor: float = 1) -> Iterator[Reading]:
    """The counters ``fields`` of each disk, as far as this system has them: field -> direction."""
    for device, counters in probe.reads.disks.items():
        for field, direction in fields.items():
            if hasattr(counters, field):
                amount = getattr(counters, field)
                yield amount / divisor if divisor != 1 else amount, {"system.device": device, "disk.io.direction": direction}


def disk_io(probe: Probe) -> Iterator[Reading]:
    return _disks(probe, {"read_bytes": "read", "write_bytes": "write"})


def disk_operations(probe: Probe) -> Iterator[Reading]:
    return _disks(probe, {"read_count": "read", "write_count": "write"})


def disk_operation_time(probe: Probe) -> Iterator[Reading]:
    return _disks(probe, {"read_time": "read", "write_time": "write"}, _MS_PER_S)


def disk_merged(probe: Probe) -> Iterator[Reading]:
    return _disks(probe, {"read_merged_count": "read", "write_merged_count": "write"})


def disk_io_time(probe: Probe) -> Iterator[Reading]:
    for device, counters in probe.reads.disks.items():
        if hasattr(counters, "busy_time"):
            yield counters.busy_time / _MS_PER_S, {"system.device": device}
