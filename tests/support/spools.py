"""Spools and batches for tests of them."""

from __future__ import annotations

from pathlib import Path

from heliograph.clock import ManualClock
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.spool import Spool, Taken


def make_spool(
    folder: Path, *, max_bytes: int = 1 << 20, max_age_s: float = 3600.0, clock: ManualClock | None = None
) -> Spool:
    return Spool(folder, max_bytes=max_bytes, max_age_s=max_age_s, clock=clock or ManualClock())


def body_batch(body: bytes, *, count: int = 1, last_entry: int = 0) -> Batch:
    return Batch(signal="traces", count=count, body=body, last_entry=last_entry)


def end_process(spool: Spool) -> None:
    """Let go of all files as they are, as the system does for a process that was killed."""
    spool.after_fork_in_child()


def take_all(spool: Spool) -> list[Taken]:
    """Take until there is nothing; each is settled."""
    found = []
    while (taken := spool.take(1, 1)).records:
        spool.settle(taken)
        found.append(taken)
    return found


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))
