"""The check of the directories that are written to: the spool, files of telemetry, what the processes of a service share.

Called by `examination.py`. A directory that is there is written to; of one that is not, the nearest one above it is looked at.
Nothing stays behind.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heliograph.doctor.circumstances import Circumstances, Place
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.trial import pushing
from heliograph.exporters.deliveries import NETWORK, SPOOL_DIRECTORY
from heliograph.settings.exporters import FileExporter

CHECK: Final = "directory"
_PROBE_BYTES: Final = 64 * 1024
_LITTLE_BYTES: Final = 100 * 1024 * 1024
_NETWORK_TYPES: Final = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cephfs", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("ocfs2", "gfs2", "orangefs", "smb2", "smb3", "smbfs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.s3fs"),
        *("fuse.sshfs", "fuse.rclone", "fuse.juicefs", "fuse.mount-s3", "fuse.blobfuse2"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """``place`` is the setting that names it, ``needed_bytes`` what may be put there; ``is_locked_in`` says that files there
    are locked, which needs a file system of this machine."""

    role: str
    path: Path
    place: str
    needed_bytes: int = _LITTLE_BYTES
    is_locked_in: bool = False


def examine_directories(around: Circumstances) -> Iterator[Finding]:
    """Whether each can be written to, has room, and is where it may be."""
    for directory in directories(around):
        trouble = _trouble(directory)
        if trouble is not None:
            yield trouble
            continue
        found = [*_room(directory), *_network(directory, around.mounts)]
        yield from found or [
            Finding(severity=Severity.OK, check=CHECK, what=f"{directory.role} {directory.path} can be written")
        ]


def directories(around: Circumstances) -> Iterator[Directory]:
    """Those that the settings and the environment name, each once."""
    settings = around.settings
    delivery = settings.delivery
    is_network = any(isinstance(wanted, NETWORK) for _signal, _position, wanted in pushing(settings))
    if delivery.spool != "off" and is_network:
        yield Directory(
            role="the spool",
            path=around.folder / (delivery.spool_directory or SPOOL_DIRECTORY),
            place=around.named(("delivery", "spool_directory")),
            needed_bytes=delivery.spool_max_bytes,
            is_locked_in=True,
        )
    seen: set[Path] = set()
    for signal, position, wanted in pushing(settings):
        if isinstance(wanted, FileExporter) and (path := (around.folder / wanted.path).parent) not in seen:
            seen.add(path)
            place: Place = ("tracing" if signal == "traces" else signal, "exporters", position, "path")
            needed = wanted.max_bytes * (wanted.max_files + 1)
            yield Directory(role="the directory", path=path, place=around.named(place), needed_bytes=needed)
    named = settings.metrics.multiprocess_dir or around.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if named and settings.prometheus is not None:
        place = ("metrics", "multiprocess_dir")
        variable = "PROMETHEUS_MULTIPROC_DIR" if settings.metrics.multiprocess_dir is None else around.named(place)
        yield Directory(role="the shared directory", path=around.folder / named, place=variable, is_locked_in=True)


def _trouble(directory: Directory) -> Finding | None:
    try:
        _write(directory.path)
    except OSError as error:
        why, fix = reason(directory, error)
        what = f"{directory.role} {directory.path} cannot be written to"
        return Finding(severity=Severity.ERROR, check=CHECK, what=what, why=why, fix=fix)
    return None


def _write(path: Path) -> None:
    """Write a file in the directory, or in the nearest one above it, and remove it; raises ``OSError``."""
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    with tempfile.NamedTemporaryFile(dir=there, prefix=".heliograph-doctor-", buffering=0) as file:
        file.write(b"\0" * _PROBE_BYTES)
        os.fsync(file.fileno())


def reason(directory: Directory, error: OSError) -> tuple[str, str]:
    """Why it cannot be written to, and what to do."""
    row = _ERRORS.get(error.errno or 0)
    elsewhere = f"set {directory.place} to a directory that can be written to"
    if row is None:
        return f"The system says: {error.strerror or error}.", elsewhere
    return row(directory), elsewhere


def _denied(directory: Directory) -> str:
    who = f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
    return f"Permission is denied to {who}, as which this runs; the application may run as another."


_ERRORS: Final[dict[int, Callable[[Directory], str]]] = {
    errno.EACCES: _denied,
    errno.EPERM: _denied,
    errno.EROFS: lambda _directory: "Its file system is mounted read-only, as the root of a container may be.",
    errno.ENOSPC: lambda _directory: "Its file system is full: no space, or no inodes, are left.",
    errno.EDQUOT: lambda _directory: "The user's quota on its file system is used up.",
    errno.ENOTDIR: lambda directory: f"A part of {directory.path} is a file, not a directory.",
}


def _room(directory: Directory) -> Iterator[Finding]:
    there = next(path for path in (directory.path, *directory.path.parents) if path.exists())
    free = shutil.disk_usage(there).free
    needed = min(directory.needed_bytes, _LITTLE_BYTES)
    if free < needed or free < directory.needed_bytes:
        is_little = free < needed
        yield Finding(
            severity=Severity.WARNING if is_little else Severity.INFO,
            check=CHECK,
            what=f"{directory.role} {directory.path} has {_mebibytes(free)} left",
            why=f"Up to {_mebibytes(directory.needed_bytes)} may be written there; what finds no room is dropped.",
            fix=f"make room, or set {directory.place} to a larger file system",
        )


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f} MiB"


def _network(directory: Directory, mounts: str) -> Iterator[Finding]:
    kind = file_system(directory.path.absolute(), mounts)
    if directory.is_locked_in and kind in _NETWORK_TYPES:
        yield Finding(
            severity=Severity.WARNING,
            check=CHECK,
            what=f"{directory.role} {directory.path} is on a network file system ({kind})",
            why="Processes know each other there by file locks, which do not hold reliably over a network; and a server that "
            "hangs makes them wait.",
            fix=f"set {directory.place} to a directory on a disk of this machine, or in memory (/dev/shm, an emptyDir)",
        )


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that ``path`` is on, by Linux's table of mounts (proc(5), mountinfo); empty when unknown."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields, _dash, rest = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not rest:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), parts[4])
        if len(point) >= len(best) and (path == Path(point) or Path(point) in path.parents):
            best, kind = point, rest.split(" ")[0]
    return kind
