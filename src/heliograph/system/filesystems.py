"""The file systems of this machine and how full they are. Called by the probe, once a collection."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """``free_bytes`` are those that every user can use, ``reserved_bytes`` only root. No inodes: they are not counted."""

    total_bytes: int
    used_bytes: int
    free_bytes: int
    reserved_bytes: int
    inodes: int = 0
    free_inodes: int = 0


def filesystems(
    mountpoints: Iterable[tuple[str, str, str]] | None = None,
) -> list[tuple[Mapping[str, str], Space | None]]:
    """The attributes and the space of each of ``mountpoints`` (mount point, device, type), by default all with a device. The
    space is None where it cannot be had: unmounted in between, or not ours to see."""
    found: list[tuple[Mapping[str, str], Space | None]] = []
    for mountpoint, device, kind in _mounted() if mountpoints is None else mountpoints:
        where = {"system.device": device, "system.filesystem.mountpoint": mountpoint, "system.filesystem.type": kind}
        try:
            found.append((where, _space(mountpoint)))
        except OSError:
            found.append((where, None))
    return found


def _space(mountpoint: str) -> Space:
    if sys.platform == "win32":
        usage = psutil.disk_usage(mountpoint)
        return Space(total_bytes=usage.total, used_bytes=usage.used, free_bytes=usage.free, reserved_bytes=0)
    said = os.statvfs(mountpoint)
    return Space(
        total_bytes=said.f_blocks * said.f_frsize,
        used_bytes=(said.f_blocks - said.f_bfree) * said.f_frsize,
        free_bytes=said.f_bavail * said.f_frsize,
        reserved_bytes=(said.f_bfree - said.f_bavail) * said.f_frsize,
        inodes=said.f_files,
        free_inodes=said.f_ffree,
    )


def _mounted() -> Iterator[tuple[str, str, str]]:
    """Each file system once, under its shortest mount point; the root's is always there."""
    by_device: dict[str, tuple[str, str, str]] = {}
    for partition in sorted(psutil.disk_partitions(all=False), key=lambda partition: len(partition.mountpoint)):
        by_device.setdefault(partition.device, (partition.mountpoint, partition.device, partition.fstype))
    root = Path.cwd().anchor
    if all(mountpoint != root for mountpoint, _device, _kind in by_device.values()):
        yield _root(root)
    yield from by_device.values()


def _root(mountpoint: str) -> tuple[str, str, str]:
    """The root of a container has no device of its own, but a name and a type (overlay)."""
    for partition in psutil.disk_partitions(all=True):
        if partition.mountpoint == mountpoint:
            return mountpoint, partition.device, partition.fstype
    return mountpoint, "", ""
