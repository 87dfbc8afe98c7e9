"""Small file systems in memory that can be full, without inodes or read-only; they need root and Linux."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fillers: list[Path] = []

    def fill_bytes(self, leave: int = 0) -> None:
        """Take all space but ``leave`` bytes."""
        filler = self.folder / f"filler{len(self._fillers)}"
        self._fillers.append(filler)
        status = os.statvfs(self.folder)
        with contextlib.suppress(OSError):
            filler.write_bytes(bytes(max(0, status.f_bavail * status.f_bsize - leave)))

    def fill_inodes(self) -> None:
        """Take every file that could be made."""
        with contextlib.suppress(OSError):
            while True:
                filler = self.folder / f"filler{len(self._fillers)}"
                filler.touch()
                self._fillers.append(filler)

    def free(self) -> None:
        """Give everything back that was taken."""
        for filler in self._fillers:
            filler.unlink(missing_ok=True)
        self._fillers = []

    def remount(self, access: str) -> None:
        """``ro`` or ``rw``; the first works while nobody has a file open for writing."""
        subprocess.run(["mount", "-o", f"remount,{access}", str(self.folder)], check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[SmallDisk]:
    """A tmpfs of 1 MiB, with further mount ``options``."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root; the tests with a limit on the size of files run for everybody")
    folder.mkdir()
    wanted = ",".join(("size=1m", "mode=700", *options))
    subprocess.run(["mount", "-t", "tmpfs", "-o", wanted, "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
