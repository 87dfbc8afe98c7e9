"""No fork in the middle of a collection of metrics.

The SDK holds plain locks while it collects, in which a forked child would wait for ever: its first measurement would be its
last. So both readers of ours collect under a gate that a fork passes too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# A callback of the application may hang in a collection; a fork waits no longer for it.
_LONGEST_WAIT_S: Final = 0.5


class CollectionGate:
    """One collection at a time, and none while the process forks. There is one in a process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_held_for_fork = False

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """While a reader collects."""
        with self._lock:
            yield

    def watch_forks(self) -> None:
        """From now on forks pass the gate; the hooks cannot be removed again."""
        os.register_at_fork(
            before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._after_fork_in_child
        )

    def _before_fork(self) -> None:
        self._is_held_for_fork = self._lock.acquire(timeout=_LONGEST_WAIT_S)

    def _after_fork_in_parent(self) -> None:
        if self._is_held_for_fork:
            self._is_held_for_fork = False
            self._lock.release()

    def _after_fork_in_child(self) -> None:
        self._is_held_for_fork = False
        self._lock = threading.RLock()


COLLECTING: Final = CollectionGate()
