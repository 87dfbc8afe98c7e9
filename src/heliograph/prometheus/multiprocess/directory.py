"""The directory that the processes of a service share: a file of tables and a lock file each, and one archive.

Called by `member.py` and `compaction.py`. Files that are not named like ours are not touched. Nothing is forced to the medium
(``fsync``): what is here is of no use after the machine has failed.

Reading takes no lock. A file is replaced as a whole; the archive is replaced before the files that it contains are removed,
and read after them, so each process is seen exactly once.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from heliograph.pipeline.filelock import try_lock
from heliograph.prometheus.multiprocess.archive import Archive, archive_of
from heliograph.prometheus.multiprocess.process import is_running
from heliograph.prometheus.multiprocess.snapshot import Snapshot, snapshot_of
from heliograph.prometheus.multiprocess.tablefile import SIGNATURE_BYTES, UnreadableError

_PREFIX: Final = "heliograph-"
_TABLES: Final = ".tables"
_ALIVE: Final = ".alive"
_ARCHIVE: Final = "heliograph-archive"
_LOCK: Final = "heliograph-lock"
_BETWEEN_TRIES_S: Final = 0.005
_ABANDONED_S: Final = 60.0  # that of which nobody knows the process, since it was killed before it wrote its first tables

_Signature: TypeAlias = bytes  # of a file's content
_Content = TypeVar("_Content", Snapshot, Archive)


class Directory:
    """Reads and writes it. Methods raise ``OSError`` when the disk does not do what is asked. One caller at a time."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.path = path
        self._say = say  # that a file cannot be read
        self._read: dict[str, tuple[_Signature, Snapshot | None]] = {}
        self._archive: tuple[_Signature, Archive | None] | None = None
        self._locked: dict[str, tuple[int, os.stat_result]] = {}  # open descriptors by name, with what they were opened for
        self._numbers = itertools.count()

    def after_fork_in_child(self) -> None:
        """The locks are the parent's, and stay locked as long as this process has them open too."""
        for name in tuple(self._locked):
            self._close(name)
        self._read, self._archive = {}, None

    def everyone(self, *, without: str = "") -> tuple[list[Snapshot], Archive]:
        """Every process but the member ``without`` exactly once: as a snapshot, the oldest first, or in the archive."""
        snapshots = self.snapshots(without=without)
        archive = self.archive() or Archive()  # last, so that it has those who were added meanwhile
        return [snapshot for snapshot in snapshots if snapshot.member not in archive.members], archive

    def snapshots(self, *, without: str = "") -> list[Snapshot]:
        """What is there of every process but the member ``without``, the oldest first; some may be in the archive too."""
        found: dict[str, tuple[_Signature, Snapshot | None]] = {}
        for member in self.members():
            if member != without:
                with suppress(FileNotFoundError):  # compacted meanwhile, or not written yet
                    found[member] = self._known(self._path(member, _TABLES), self._read.get(member), snapshot_of)
        self._read = found
        return [snapshot for _signature, snapshot in found.values() if snapshot is not None]

    def archive(self) -> Archive | None:
        """An empty one where there is none; None when it cannot be read."""
        try:
            self._archive = self._known(self.path / _ARCHIVE, self._archive, archive_of)
        except FileNotFoundError:
            self._archive = None
            return Archive()
        return self._archive[1]

    def members(self) -> list[str]:
        """Those that have a file, ended ones included, the oldest first. The lock files stay as they are while others are
        replaced, so no reader misses one."""
        names = {name for name in os.listdir(self.path) if name.startswith(_PREFIX)}  # noqa: PTH208  # a name is all it takes
        found = {name.removesuffix(suffix) for suffix in (_ALIVE, _TABLES) for name in names if name.endswith(suffix)}
        return sorted(name.removeprefix(_PREFIX) for name in found)

    def write(self, snapshot: Snapshot, data: bytes) -> None:
        """Replace the file of a member."""
        self._replace(self._path(snapshot.member, _TABLES), data)

    def write_archive(self, data: bytes) -> None:
        """Replace the archive. Only under `lock`."""
        self._replace(self.path / _ARCHIVE, data)

    def is_written(self, member: str) -> bool:
        """Whether the member's file is still there."""
        return self._path(member, _TABLES).exists()

    def join(self, member: str) -> None:
        """Show that the member lives, as long as its process runs or until `leave`; again when its lock file is gone."""
        path = self._path(member, _ALIVE)
        with suppress(FileNotFoundError):
            os.utime(path)  # whoever cleans old files away sees that it is used
            if path.name in self._locked:
                return
        self._close(path.name)
        try_lock(self._open(path.name, path))  # where there are no locks, the number of the process has to do

    def leave(self, member: str) -> None:
        """The member has ended."""
        self._close(self._path(member, _ALIVE).name)

    def is_alive(self, snapshot: Snapshot) -> bool:
        """Whether the process of a member still runs, and has not said that it is done."""
        if snapshot.is_ended:
            return False
        running = is_running(snapshot.process)
        return running if running is not None else self._is_locked(snapshot.member)

    def is_any_locked(self) -> bool:
        """Whether a member lives whatever its file says, which may be one that this version cannot read."""
        return any(self._is_locked(member) for member in self.members())

    def remove(self, member: str) -> None:
        """The files of a member that is over."""
        for path in self.path.glob(f"{_PREFIX}{member}.*"):
            path.unlink(missing_ok=True)

    def remove_all(self) -> None:
        """Everything of ours but the lock, which is held."""
        for path in self.path.glob(f"{_PREFIX}*"):
            if path.name != _LOCK:
                path.unlink(missing_ok=True)

    def remove_abandoned(self, now_s: float) -> None:
        """What processes left behind that were killed in the middle of writing. Only under `lock`."""
        for path in self.path.glob(f"{_ARCHIVE}.*"):
            path.unlink(missing_ok=True)
        for path in self.path.glob(f"{_PREFIX}*{_ALIVE}"):
            member = path.name.removeprefix(_PREFIX).removesuffix(_ALIVE)
            with suppress(FileNotFoundError):
                is_old = path.stat().st_mtime < now_s - _ABANDONED_S
                if is_old and not self.is_written(member) and not self._is_locked(member):
                    self.remove(member)

    @contextmanager
    def lock(self, timeout_s: float) -> Iterator[bool]:
        """Whether nobody else changes what is there meanwhile: False when that could not be had within ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        name = f"{_LOCK} {next(self._numbers)}"
        descriptor = self._open(name, self.path / _LOCK)
        try:
            while not (is_held := try_lock(descriptor)) and time.monotonic() < until_s:
                time.sleep(_BETWEEN_TRIES_S)
            yield is_held
        finally:
            self._close(name)

    def _path(self, member: str, suffix: str) -> Path:
        return self.path / f"{_PREFIX}{member}{suffix}"

    def _is_locked(self, member: str) -> bool:
        path = self._path(member, _ALIVE)
        if path.name in self._locked:
            return True
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _open(self, name: str, path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._locked[name] = (descriptor, os.fstat(descriptor))
        return descriptor

    def _close(self, name: str) -> None:
        descriptor, opened = self._locked.pop(name, (-1, None))
        with suppress(OSError):  # somebody closed all that was open, as daemons do; its number may be another file's now
            if opened is not None and os.path.samestat(os.fstat(descriptor), opened):
                os.close(descriptor)

    def _replace(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{next(self._numbers)}.new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                written = 0
                while written < len(data):
                    written += file.write(memoryview(data)[written:])
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _known(
        self, path: Path, known: tuple[_Signature, _Content | None] | None, read: Callable[[bytes], _Content]
    ) -> tuple[_Signature, _Content | None]:
        """The content of a file, read again only when it is another file than the one that is ``known``."""
        with path.open("rb", buffering=0) as file:
            signature = file.read(SIGNATURE_BYTES)
            if known is not None and known[0] == signature:
                return known
            data = signature + file.read()
        try:
            return signature, read(data)
        except UnreadableError as error:
            self._say(f"{path.name} {error}; it is left out")
            return signature, None


def made(path: Path) -> None:
    """See that the directory is there; a new one is for nobody else."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
