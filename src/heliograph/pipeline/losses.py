"""Which entries of a queue were lost since somebody asked, so that a flush can say whether its own arrived."""

from __future__ import annotations


class Losses:
    """Positions in the queue, from 1. Not locked: whoever writes holds the lock of the pipeline."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = 0

    def add(self, entry: int) -> None:
        """Something at ``entry`` was lost."""
        self._first = entry if self._first is None else min(self._first, entry)
        self._last = max(self._last, entry)

    def forget(self, up_to: int) -> bool:
        """Whether something up to the entry ``up_to`` was lost; it is forgotten then, later losses are not."""
        if self._first is None or self._first > up_to:
            return False
        self._first = up_to + 1 if self._last > up_to else None
        return True
