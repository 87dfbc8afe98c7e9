"""How long garbage collections hold up the process: two clock readings a collection, added up by generation.

Started and closed by the collector, read by the readings of the runtime. The interpreter calls back in the thread that
collects, with no other collection in between; nothing here takes a lock or makes an object that it would track.
"""

from __future__ import annotations

import gc
from time import perf_counter_ns


class GcPauses:
    """``spent_ns`` is the time that the collections of each generation took since :meth:`start`."""

    __slots__ = ("_started_ns", "spent_ns")

    def __init__(self) -> None:
        self.spent_ns = [0, 0, 0]
        self._started_ns: int | None = None

    def start(self) -> None:
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._started_ns = perf_counter_ns()
        elif self._started_ns is not None:  # a collection may have been at it when this started
            self.spent_ns[about["generation"]] += perf_counter_ns() - self._started_ns
            self._started_ns = None
