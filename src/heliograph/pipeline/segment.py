"""One file of the spool: records one behind the other, each with its length and checksums.

A record is a header of 37 bytes and a body. The header: a mark, the state (still to be delivered, or done), and, all little
endian, the body's length, how many items it holds, the position of its last item in the queue, the wall time of writing in
ns, CRC-32 of the body, CRC-32 of the header from the length on. A record is written with one call, marked as done by
overwriting its state, and never moved. What a killed process left half written, or a disk changed, fails its checksum; the
next record is then found by its mark.

Not locked: its :class:`~heliograph.pipeline.spool.Spool` calls it under its own lock.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heliograph.pipeline.filelock import try_lock

_MARK: Final = b"\xf5HG1"  # 0xf5 is no byte of UTF-8: texts in a body do not look like a mark
_HEADER: Final = struct.Struct("<4sBIIQQII")
_CHECKED: Final = struct.Struct("<IIQQI")
# All bits differ, so that no single flipped bit makes one of the other.
_PENDING: Final = 0x5A
_DONE: Final = 0xA5
_STATE_AT: Final = 4
HEADER_BYTES: Final = _HEADER.size
_WINDOW: Final = 64 * 1024
_CRC_SLICE: Final = 4096

if TYPE_CHECKING:
    from typing_extensions import Buffer

# O_BINARY is Windows' (no line feeds translated), O_NOFOLLOW and O_CLOEXEC are Unix'.
_FLAGS: Final = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record lies and what its header says."""

    offset: int
    is_done: bool
    length: int
    count: int
    last_entry: int
    written_at_ns: int
    body_crc: int

    @property
    def end(self) -> int:
        return self.offset + HEADER_BYTES + self.length


class Segment:
    """A file of records, locked by this process. ``waiting`` is how many items in it were not taken yet, ``unsettled`` how
    many records were taken and not settled. Methods raise ``OSError`` when the disk does not do what is asked."""

    def __init__(self, path: Path, descriptor: int, *, is_adopted: bool) -> None:
        self.path = path
        self.is_adopted = is_adopted
        self.size_bytes = os.fstat(descriptor).st_size
        self.waiting = 0
        self.unsettled = 0
        self.is_damaged = False
        self._descriptor = descriptor
        self._next = 0

    @classmethod
    def create(cls, path: Path) -> Segment:
        """A new, empty file."""
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        try_lock(descriptor)  # where there are no locks, no other process will ever get it either
        return cls(path, descriptor, is_adopted=False)

    @classmethod
    def adopt(cls, path: Path) -> Segment | None:
        """A file that another process left; None when that one lives, or somebody else was faster."""
        descriptor = os.open(path, _FLAGS)
        is_free = try_lock(descriptor)
        try:
            is_there = is_free and os.path.samestat(os.fstat(descriptor), path.stat())
        except OSError:
            is_there = False
        if not is_there:
            os.close(descriptor)
            return None
        segment = cls(path, descriptor, is_adopted=True)
        segment._take_stock()
        return segment

    def _take_stock(self) -> None:
        for record in self._records(0):
            if record is None:
                self.waiting += 1  # nobody can say how many items it was; one at least
            elif not record.is_done:
                self.waiting += record.count

    def append(self, body: bytes, *, count: int, last_entry: int, time_ns: int) -> None:
        """Write a record, whole or not at all."""
        checked = _CHECKED.pack(len(body), count, last_entry, time_ns, _crc32(body))
        data = memoryview(b"".join((_MARK, bytes([_PENDING]), checked, _crc(checked), body)))
        written = 0
        try:
            while written < len(data):
                written += _write_at(self._descriptor, data[written:], self.size_bytes + written)
        except OSError:
            os.ftruncate(self._descriptor, self.size_bytes)  # no half record
            raise
        self.size_bytes += written
        self.waiting += count

    def peek(self) -> Record | None:
        """The next record that is still to be delivered; None at the end."""
        for record in self._records(self._next):
            if record is not None and not record.is_done:
                self._next = record.offset
                return record
            self.is_damaged = self.is_damaged or record is None
        self._next = self.size_bytes
        return None

    def take(self, record: Record) -> bytes | None:
        """The body of ``record``, which was peeked at; None when it cannot be read."""
        self._next = record.end
        body = self._read(record.offset + _HEADER.size, record.length)
        if len(body) != record.length or _crc32(body) != record.body_crc:
            self.is_damaged = True
            return None
        self.waiting -= record.count
        self.unsettled += 1
        return body

    def write_off(self) -> int:
        """At the end: how many items could not be read, which are then waited for no more."""
        lost, self.waiting = self.waiting, 0
        self.is_damaged = self.is_damaged or lost > 0
        return lost

    def settle(self, record: Record) -> None:
        """Mark ``record`` as done, so that no later process delivers it again."""
        self.unsettled -= 1
        _write_at(self._descriptor, bytes([_DONE]), record.offset + _STATE_AT)

    def empty(self) -> None:
        """Give the space of a file back in which everything is done, and go on with it."""
        os.ftruncate(self._descriptor, 0)
        self.size_bytes = self._next = 0

    def close(self) -> None:
        """Let go of the file; it stays as it is. Whoever still writes gets an error, not a file that took the number over."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def _records(self, offset: int) -> Iterator[Record | None]:
        """The records from ``offset`` on; None for each stretch of bytes that is none."""
        while offset < self.size_bytes:
            record = self._record(offset)
            yield record
            offset = record.end if record is not None else self._found_from(offset + 1)

    def _record(self, offset: int) -> Record | None:
        header = self._read(offset, _HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MARK) or _crc(header[5:-4]) != header[-4:]:
            return None
        _mark, state, length, count, last_entry, written_at_ns, body_crc, _header_crc = _HEADER.unpack(header)
        return Record(offset, state == _DONE, length, count, last_entry, written_at_ns, body_crc)

    def _found_from(self, offset: int) -> int:
        """Where the next record begins, at ``offset`` or behind it; the end when there is none."""
        while offset < self.size_bytes:
            window = self._read(offset, _WINDOW)
            if not window:
                break  # somebody cut the file
            found = window.find(_MARK)
            while found >= 0:
                if self._record(offset + found) is not None:
                    return offset + found
                found = window.find(_MARK, found + 1)
            # A mark may lie across the end of the window.
            offset += max(1, len(window) - len(_MARK) + 1)
        return self.size_bytes

    def _read(self, offset: int, length: int) -> bytes:
        """As much of it as the disk gives back."""
        parts = []
        with suppress(OSError):
            while length > 0 and (part := _read_at(self._descriptor, min(length, self.size_bytes), offset)):
                parts.append(part)
                offset, length = offset + len(part), length - len(part)
        return b"".join(parts)


# One call where there is one: each call into the system gives the interpreter away, and a busy application takes its time
# to give it back.
if hasattr(os, "pwrite"):
    _write_at = os.pwrite
    _read_at = os.pread
else:  # Windows

    def _write_at(descriptor: int, data: Buffer, offset: int, /) -> int:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)

    def _read_at(descriptor: int, length: int, offset: int, /) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


def _crc32(data: bytes) -> int:
    # zlib gives the interpreter away for more than 5 KiB at once; when the application is busy it is milliseconds until it
    # comes back, for a sum of microseconds.
    view, crc = memoryview(data), 0
    for start in range(0, len(data), _CRC_SLICE):
        crc = zlib.crc32(view[start : start + _CRC_SLICE], crc)
    return crc


def _crc(header: bytes) -> bytes:
    return zlib.crc32(header).to_bytes(4, "little")
