"""How each system metric is read: one function a metric, from a probe to its values.

A value comes with its attributes; names and values of attributes follow the OpenTelemetry semantic conventions for
system and process metrics. A function may raise what psutil raises; the collector leaves its metric out then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

Reading = tuple[float, Mapping[str, Any]]

# psutil's field -> value of `cpu.mode`. psutil counts guest time inside user and nice already.
_CPU_MODES = {
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
# Shares over less CPU time than this, in seconds, are noise.
_LEAST_CPU_S = 0.05


class Probe:
    """What the readings share: this process, and the previous CPU times that shares are computed from."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.previous_cpu_s = _cpu_seconds()


def cpu_time(probe: Probe) -> Iterator[Reading]:
    for mode, seconds in _cpu_seconds().items():
        yield seconds, {"cpu.mode": mode}


def cpu_utilization(probe: Probe) -> Iterator[Reading]:
    """Share of each mode since the last reading, over all CPUs (0 to 1)."""
    now, before = _cpu_seconds(), probe.previous_cpu_s
    # A counter of the kernel may step back a little (iowait does); a negative share would be a lie.
    spent = {mode: max(0.0, seconds - before.get(mode, 0.0)) for mode, seconds in now.items()}
    total = sum(spent.values())
    if total < _LEAST_CPU_S:
        return
    probe.previous_cpu_s = now
    for mode, seconds in spent.items():
        yield seconds / total, {"cpu.mode": mode}


def memory_usage(probe: Probe) -> Iterator[Reading]:
    memory = psutil.virtual_memory()
    others = {state: getattr(memory, state) for state in ("free", "cached", "buffers") if hasattr(memory, state)}
    # The conventions want the states to add up to the limit; psutil's own "used" is total - available from 7.0 on.
    yield max(0, memory.total - sum(others.values())), {"system.memory.state": "used"}
    for state, size_bytes in others.items():
        yield size_bytes, {"system.memory.state": state}


def memory_limit(probe: Probe) -> Iterator[Reading]:
    yield psutil.virtual_memory().total, {}


def memory_available(probe: Probe) -> Iterator[Reading]:
    if sys.platform == "linux":  # the kernel's own estimate (MemAvailable); other systems have no such figure
        yield psutil.virtual_memory().available, {}


def memory_utilization(probe: Probe) -> Iterator[Reading]:
    """Share of memory that is not available to new work (0 to 1)."""
    memory = psutil.virtual_memory()
    yield 1 - memory.available / memory.total, {"system.memory.state": "used"}


def filesystem_usage(probe: Probe) -> Iterator[Reading]:
    for mountpoint, device, kind in _filesystems():
        try:
            usage = psutil.disk_usage(mountpoint)
        except OSError:
            continue  # unmounted or not ours to see; the others are still worth having
        where = {"system.device": device, "system.filesystem.mountpoint": mountpoint, "system.filesystem.type": kind}
        yield usage.used, {**where, "system.filesystem.state": "used"}
        yield usage.free, {**where, "system.filesystem.state": "free"}


def disk_io(probe: Probe) -> Iterator[Reading]:
    """Bytes of each device that ever moved any: a machine may have dozens of unused loop devices."""
    for device, counters in (psutil.disk_io_counters(perdisk=True) or {}).items():
        if counters.read_bytes or counters.write_bytes:
            yield counters.read_bytes, {"system.device": device, "disk.io.direction": "read"}
            yield counters.write_bytes, {"system.device": device, "disk.io.direction": "write"}


def network_io(probe: Probe) -> Iterator[Reading]:
    """Bytes of each interface that ever moved any."""
    for interface, counters in psutil.net_io_counters(pernic=True).items():
        if counters.bytes_sent or counters.bytes_recv:
            yield counters.bytes_sent, {"network.interface.name": interface, "network.io.direction": "transmit"}
            yield counters.bytes_recv, {"network.interface.name": interface, "network.io.direction": "receive"}


def process_cpu_time(probe: Probe) -> Iterator[Reading]:
    for mode, seconds in _process_cpu_seconds(probe.process).items():
        yield seconds, {"cpu.mode": mode}


def process_memory_usage(probe: Probe) -> Iterator[Reading]:
    yield probe.process.memory_info().rss, {}


def process_memory_virtual(probe: Probe) -> Iterator[Reading]:
    yield probe.process.memory_info().vms, {}


def process_threads(probe: Probe) -> Iterator[Reading]:
    yield probe.process.num_threads(), {}


def process_file_descriptors(probe: Probe) -> Iterator[Reading]:
    if hasattr(probe.process, "num_fds"):  # Unix only
        yield probe.process.num_fds(), {}


def _cpu_seconds() -> dict[str, float]:
    times = psutil.cpu_times()
    found: dict[str, float] = {}
    for field, mode in _CPU_MODES.items():
        if hasattr(times, field):
            found[mode] = found.get(mode, 0.0) + getattr(times, field)
    return found


def _process_cpu_seconds(process: psutil.Process) -> dict[str, float]:
    times = process.cpu_times()
    return {"user": times.user, "system": times.system}


def _filesystems() -> Iterator[tuple[str, str, str]]:
    """(mountpoint, device, type) of each file system once, under its shortest mount point; the root's is always there."""
    by_device: dict[str, tuple[str, str, str]] = {}
    for partition in sorted(psutil.disk_partitions(all=False), key=lambda partition: len(partition.mountpoint)):
        by_device.setdefault(partition.device, (partition.mountpoint, partition.device, partition.fstype))
    root = Path.cwd().anchor
    if all(mountpoint != root for mountpoint, _device, _kind in by_device.values()):
        yield root, "", ""
    yield from by_device.values()
