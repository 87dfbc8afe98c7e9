"""How the metrics of Python itself are read. Rows: `table.py`; the lag of event loops: `event_loop.py`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from heliograph.system.probe import Probe, Reading


def _counted(probe: Probe, what: str) -> Iterator[Reading]:
    pairs = zip(probe.reads.collections, probe.counted_before, strict=True)
    for generation, (counts, before) in enumerate(pairs):
        yield counts[what] - before[what], {"cpython.gc.generation": generation}


def collections(probe: Probe) -> Iterator[Reading]:
    return _counted(probe, "collections")


def collected_objects(probe: Probe) -> Iterator[Reading]:
    return _counted(probe, "collected")


def uncollectable_objects(probe: Probe) -> Iterator[Reading]:
    return _counted(probe, "uncollectable")


def pause_time(probe: Probe) -> Iterator[Reading]:
    for generation, spent_ns in enumerate(probe.gc_pauses.spent_ns):
        yield spent_ns / 1e9, {"cpython.gc.generation": generation}


def threads(probe: Probe) -> Iterator[Reading]:
    yield threading.active_count(), {}
