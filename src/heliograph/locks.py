"""The one lock that recording calls may wait for.

A finaliser or a signal handler may record at any moment, also while its thread holds a lock of ours. With a lock for each part
two such threads can wait for each other: one ends a span while it holds the metrics' lock, the other measures while it holds
the pipeline's. With one for all of them, which is reentrant, there is nothing to wait for in a circle. It is held for moments
only, never while code of the application runs or a disk or a network is waited for, and the hot paths do without it.
"""

from __future__ import annotations

import os
import threading

_held: tuple[int, threading.RLock] = (os.getpid(), threading.RLock())


def recording_lock() -> threading.RLock:
    """The lock of this process. A forked child has another one, since a thread of the parent may have held that: who keeps
    the lock asks for it again there."""
    global _held  # noqa: PLW0603  # one for the process is the point of it
    if _held[0] != os.getpid():
        _held = (os.getpid(), threading.RLock())
    return _held[1]


def renew() -> None:
    """Another lock from now on, for who asks next: gevent has patched what locks are made of."""
    global _held  # noqa: PLW0603  # likewise
    _held = (os.getpid(), threading.RLock())
