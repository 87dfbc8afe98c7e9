"""Ids for tests: the first trace is 1, its first span is 1. Read by the recorder in place of its random generator."""

from __future__ import annotations

import itertools
from typing import Final

_TRACE_BITS: Final = 128


class SequentialIds:
    """Counts traces and spans, each from 1. Thread-safe."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin at 1 again."""
        self._traces, self._spans = itertools.count(1), itertools.count(1)

    def bits(self, count: int) -> int:
        """The next trace id where ``count`` is 128, the next span id where it is 64."""
        return next(self._traces if count == _TRACE_BITS else self._spans)
