"""Tells the native providers that the process has forked. They work without a manager, so each has to hear of it itself."""

from __future__ import annotations

import functools
import os
import weakref
from typing import Final, Protocol


class Forkable(Protocol):
    """What goes on in a child of its own."""

    def after_fork_in_child(self) -> None:
        """Begin anew: new locks, nothing recorded, another instance of the service."""


_watched: Final[weakref.WeakSet[Forkable]] = weakref.WeakSet()


def watch_forks(watched: Forkable) -> None:
    """Let ``watched`` know, for as long as it lives, when the process forks."""
    _watched.add(watched)
    _watch()


@functools.cache
def _watch() -> None:
    """Once in a process, and not before there is a provider: the hook cannot be removed again."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)


def _after_fork_in_child() -> None:
    for watched in list(_watched):
        watched.after_fork_in_child()
