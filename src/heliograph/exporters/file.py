"""OTLP JSON lines in a file, one request a line, rotated by size.

Written for the OpenTelemetry Collector's ``otlpjsonfile`` receiver and for people with ``jq``. The file and its folders
are readable by their owner only, since telemetry may hold what a user typed.
"""

from __future__ import annotations

import os
from pathlib import Path

from heliograph.otlp.json import json_line
from heliograph.otlp.messages import SignalMessages
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome, Retry
from heliograph.pipeline.spool import make_private


class FileExporter:
    """Appends to ``path``. Before it would grow past ``max_bytes`` it becomes ``path.1``, ``path.1`` becomes ``path.2``,
    and so on; ``max_files`` older files are kept. Used by one delivery thread at a time."""

    takes_items = False

    def __init__(self, messages: SignalMessages, path: Path, *, max_bytes: int, max_files: int) -> None:
        self._request = messages.request
        self._path = path
        self._max_bytes = max_bytes
        self._max_files = max_files

    def prepare(self, batch: Batch) -> Attempt:
        line = json_line(self._request.FromString(batch.body))
        return lambda _timeout_s: self._append(line)

    def close(self) -> None:
        """Nothing to release: the file is closed after each batch."""

    def _append(self, line: bytes) -> Outcome:
        try:
            self._rotate_for(len(line))
            self._write(line)
        except OSError as error:
            # A full disk or a missing mount may come back; the batch waits in the queue meanwhile.
            return Retry(reason=f"cannot write {self._path}: {error.strerror or error}")
        return Delivered()

    def _write(self, line: bytes) -> None:
        make_private(self._path.parent)
        # O_BINARY exists on Windows only, where a text-mode descriptor would turn \n into \r\n.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and _last_byte(descriptor, size) != b"\n":
                line = b"\n" + line  # somebody was killed in the middle of a line; it ends here
            try:
                written = 0
                while written < len(line):
                    written += os.write(descriptor, line[written:])
            except OSError:
                os.truncate(descriptor, size)  # no half line: the batch will be written again
                raise
        finally:
            os.close(descriptor)

    def _rotate_for(self, size_bytes: int) -> None:
        try:
            current = self._path.stat().st_size
        except FileNotFoundError:
            return
        if current == 0 or current + size_bytes <= self._max_bytes:
            return
        for number in range(self._max_files - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
