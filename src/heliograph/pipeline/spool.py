"""The disk behind one destination: batches that could not be sent, or not yet, in files that outlive the process.

A folder holds segments of every process that sends to this destination. Each process writes into its own, which it keeps
locked; what a process leaves when it ends is adopted by the next one, or by a living sibling. Oldest first.

Called by the delivery and by the pipeline's worker; thread-safe. Nothing here is forced to the medium (``fsync``): what was
written survives the end of the process, not that of the machine.
"""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from heliograph.clock import Clock
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.segment import HEADER_BYTES, Record, Segment

_SUFFIX: Final = ".spool"
_BAD_SUFFIX: Final = ".bad"
_MOST_BAD_FILES: Final = 8
_LONGEST_SEGMENT_BYTES: Final = 8 * 1024 * 1024
_RETRY_NS: Final = 5 * 1_000_000_000  # after a failure of the disk
_RECOUNT_NS: Final = 1_000_000_000
_JUST_MADE_S: Final = 60.0


class Kept(Enum):
    """What became of a batch that was to be written."""

    YES = "written"
    FULL = "the spool has no room for it"
    NO = "the disk does not take it"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read: the joined requests of ``records``, with the losses that came to light on the way to them."""

    body: bytes = b""
    count: int = 0
    last_entry: int = 0
    expired: int = 0
    unreadable: int = 0
    records: tuple[tuple[Segment, Record], ...] = field(default=(), repr=False)


class _Taking:
    """What is being read, up to its limits."""

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._bodies: list[bytes] = []
        self._records: list[tuple[Segment, Record]] = []
        self._count = self._bytes = 0
        self.expired = self.unreadable = 0

    def fits(self, record: Record) -> bool:
        is_within = self._count + record.count <= self._max_count and self._bytes + record.length <= self._max_bytes
        return is_within or not self._records

    def add(self, segment: Segment, record: Record, body: bytes) -> None:
        self._bodies.append(body)
        self._records.append((segment, record))
        self._count += record.count
        self._bytes += record.length

    def taken(self) -> Taken:
        own = [record.last_entry for segment, record in self._records if not segment.is_adopted]
        body = b"".join(self._bodies)
        return Taken(body, self._count, max(own, default=0), self.expired, self.unreadable, tuple(self._records))


class Spool:
    """Batches of one signal for one destination in ``folder``, which with all its files is the owner's only (0700, 0600).

    ``max_bytes`` is for the files of all processes together. Records older than ``max_age_s`` are not delivered: those of
    this process by its monotonic clock, those of others by wall time.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_age_s: float, clock: Clock) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._max_age_ns = round(max_age_s * 1e9)
        self._segment_bytes = min(_LONGEST_SEGMENT_BYTES, max(1, max_bytes // 8))
        self._clock = clock
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = threading.RLock()
        self._segments: list[Segment] = []  # oldest first; the last one is written to, unless it is adopted
        self._finished: set[str] = set()  # names that a disk gone read-only may keep: they are not adopted again
        self._made = 0
        self._others_bytes = 0
        self._counted_at_ns: int | None = None
        self._failed_at_ns: int | None = None
        self.failures = 0
        self.trouble = ""
        # Wall time as it was when the process began, carried on by the monotonic clock: no jump makes a record old.
        self._wall_offset_ns = self._clock.time_ns() - self._clock.monotonic_ns()

    def after_fork_in_child(self) -> None:
        """The parent's files stay the parent's: let go of the copies, which would keep them locked beyond its end."""
        for segment in self._segments:
            with suppress(OSError):
                segment.close()
        self._start_empty()

    # Writing

    def append(self, batch: Batch) -> Kept:
        """Write ``batch`` behind the others. A disk that failed is left alone for some seconds."""
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            if self._failed_at_ns is not None and now_ns - self._failed_at_ns < _RETRY_NS:
                return Kept.NO
            try:
                size_bytes = HEADER_BYTES + len(batch.body)
                if not self._has_room(size_bytes, now_ns):
                    return Kept.FULL
                self._segment_for(size_bytes).append(
                    batch.body, count=batch.count, last_entry=batch.last_entry, time_ns=now_ns + self._wall_offset_ns
                )
            except OSError as error:
                self._note(error)
                self._failed_at_ns = self._clock.monotonic_ns()
                return Kept.NO
            self._failed_at_ns, self.trouble = None, ""
            return Kept.YES

    def _has_room(self, size_bytes: int, now_ns: int) -> bool:
        own_bytes = sum(segment.size_bytes for segment in self._segments)
        if self._counted_at_ns is None or now_ns - self._counted_at_ns >= _RECOUNT_NS:
            self._counted_at_ns = now_ns
            self._others_bytes = max(0, _size_of(self.folder) - own_bytes)
        return own_bytes + self._others_bytes + size_bytes <= self._max_bytes

    def _segment_for(self, size_bytes: int) -> Segment:
        active = self._segments[-1] if self._segments else None
        is_usable = active is not None and not active.is_adopted and not active.is_damaged
        if active is not None and is_usable and active.size_bytes + size_bytes <= max(self._segment_bytes, size_bytes):
            return active
        make_private(self.folder)
        self._made += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self._made}{_SUFFIX}"
        segment = Segment.create(self.folder / name)
        self._segments.append(segment)
        return segment

    # Reading

    def take(self, max_count: int, max_bytes: int) -> Taken:
        """The oldest records, up to so many items and bytes, but at least one; of a count of 0 when there are none. They
        stay on disk until :meth:`settle`."""
        with self._lock:
            taking = _Taking(max_count, max_bytes)
            for segment in list(self._segments):
                if not self._take_from(segment, taking):
                    break
                taking.unreadable += segment.write_off()
            self._remove_finished()
            return taking.taken()

    def _take_from(self, segment: Segment, taking: _Taking) -> bool:
        """Take what fits; true when nothing is left there."""
        while (record := segment.peek()) is not None:
            if self._is_expired(record):
                if segment.take(record) is not None:
                    taking.expired += record.count
                    self._settle_one(segment, record)
            elif not taking.fits(record):
                return False
            elif (body := segment.take(record)) is not None:
                taking.add(segment, record, body)
        return True

    def _is_expired(self, record: Record) -> bool:
        age_ns = self._clock.monotonic_ns() + self._wall_offset_ns - record.written_at_ns
        return age_ns > self._max_age_ns

    def settle(self, taken: Taken) -> None:
        """Those records need no more delivery."""
        with self._lock:
            for segment, record in taken.records:
                self._settle_one(segment, record)
            self._remove_finished()

    def _settle_one(self, segment: Segment, record: Record) -> None:
        try:
            segment.settle(record)
        except OSError as error:  # read-only meanwhile: a later process may deliver it once more
            self._note(error)

    def _remove_finished(self) -> None:
        for segment in list(self._segments):
            if segment.waiting or segment.unsettled:
                continue
            is_active = segment is self._segments[-1] and not segment.is_adopted and not segment.is_damaged
            try:
                if not is_active:
                    self._put_away(segment)
                elif segment.size_bytes:
                    segment.empty()
            except OSError as error:  # read-only meanwhile
                self._note(error)

    def _put_away(self, segment: Segment) -> None:
        self._segments.remove(segment)
        self._finished.add(segment.path.name)
        segment.close()
        if not segment.is_damaged:
            segment.path.unlink(missing_ok=True)
            self._finished.discard(segment.path.name)
            return
        # Kept for whoever wants to look at it, as far as the names of bad files go.
        segment.path.replace(segment.path.with_suffix(_BAD_SUFFIX))
        for bad in sorted(self.folder.glob(f"*{_BAD_SUFFIX}"))[:-_MOST_BAD_FILES]:
            bad.unlink(missing_ok=True)

    # Other processes' files

    def adopt(self) -> int:
        """Take over the oldest file that a process which has ended left here; returns how many items wait in it."""
        with self._lock:
            own = {segment.path.name for segment in self._segments} | self._finished
            for path in _left_behind(self.folder):
                if path.name in own:
                    continue
                try:
                    segment = Segment.adopt(path)
                except OSError as error:  # gone meanwhile, a link, or not to be opened by this user
                    if not isinstance(error, FileNotFoundError):
                        self._note(error)
                    continue
                if segment is not None:
                    self._segments.insert(0, segment)
                    if segment.waiting:
                        return segment.waiting
                    self._remove_finished()
            return 0

    @property
    def has_adopted(self) -> bool:
        """Whether a file of another process is being delivered."""
        return any(segment.is_adopted for segment in list(self._segments))

    def has_leftovers(self) -> bool:
        """Whether there is a file that may be somebody's who has ended."""
        return next(iter(_left_behind(self.folder)), None) is not None

    def close(self, patience_s: float = 1.0) -> None:
        """Let go of all files; those in which nothing waits are removed. When a disk hangs for longer than ``patience_s``
        seconds, they stay as they are, and the system lets go of them."""
        if not self._lock.acquire(timeout=patience_s):
            return
        try:
            for segment in self._segments:
                with suppress(OSError):
                    is_finished = not (segment.waiting or segment.unsettled)
                    segment.close()
                    if is_finished and not segment.is_damaged:
                        segment.path.unlink(missing_ok=True)
            self._segments = []
        finally:
            self._lock.release()

    def _note(self, error: OSError) -> None:
        self.failures += 1
        self.trouble = f"spool: {error.strerror or type(error).__name__}"


def folder_name(signal: str, destination: str) -> str:
    """A folder for each destination: only ``[A-Za-z0-9._-]``, other characters as their number between underscores."""
    escaped = re.sub(r"[^A-Za-z0-9.-]", lambda match: f"_{ord(match.group()):x}_", destination)
    return f"{signal}-{escaped}"


def make_private(folder: Path) -> None:
    """Make ``folder`` and those above it that are missing, for their owner only."""
    # mkdir(parents=True) would give the folders in between the default mode.
    for parent in (*reversed(folder.parents), folder):
        parent.mkdir(mode=0o700, exist_ok=True)


def _size_of(folder: Path) -> int:
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size if entry.name.endswith(_SUFFIX) else 0
    return total


def _left_behind(folder: Path) -> list[Path]:
    """Segments, oldest first. An empty one may have been made this moment by a process that has not locked it yet."""
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                is_new = status.st_size == 0 and abs(time.time() - status.st_mtime) < _JUST_MADE_S
                if entry.name.endswith(_SUFFIX) and not is_new:
                    found.append(entry.name)
    return [folder / name for name in sorted(found)]
