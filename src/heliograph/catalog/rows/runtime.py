"""The metrics of Python itself: garbage collection, threads, the event loop.

Names, units and kinds of the garbage collector's counters are those of OpenTelemetry's semantic conventions for CPython
(development); the rest is ours. Read by `system/table.py`, which says how each is measured.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from heliograph.catalog.metric import Attribute, Metric
from heliograph.catalog.rows.shapes import process_row

EVENT_LOOP_LAG: Final = Metric(
    name="asyncio.event_loop.lag",
    kind="histogram",
    unit="s",
    description="How much later than asked for the event loop ran a callback, measured twice a second.",
    group="runtime",
    attributes=(),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

_GENERATION: Final = Attribute(name="cpython.gc.generation", cardinality=3, description="0 (youngest) to 2.")


_row: Final = partial(process_row, "runtime")

ROWS: Final[tuple[Metric, ...]] = (
    _row("cpython.gc.collections", "counter", "{collection}", "Garbage collections of a generation.", _GENERATION),
    _row(
        "cpython.gc.collected_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector freed in a generation.",
        _GENERATION,
    ),
    _row(
        "cpython.gc.uncollectable_objects",
        "counter",
        "{object}",
        "Objects that the garbage collector found but could not free.",
        _GENERATION,
    ),
    _row("cpython.gc.pause_time", "counter", "s", "Time for which garbage collections held up this process.", _GENERATION),
    _row("cpython.thread.count", "up_down_counter", "{thread}", "Threads of this process that Python started or knows."),
    EVENT_LOOP_LAG,
)
