"""The threads that heliograph works on, for the case that they are greenlets of gevent's: those outlive a fork, in the child.

There `threading` knows nothing of them, and one that ended would be an error that somebody sees. Made by the parts that work
in the background.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


class OwnThread(threading.Thread):
    """A daemon thread that runs ``work``. In a child that has it from its parent it does not end, but waits for ever."""

    def __init__(self, work: Callable[[], object], name: str) -> None:
        super().__init__(target=work, name=name, daemon=True)

    def run(self) -> None:
        of = os.getpid()
        try:
            super().run()
        finally:
            if os.getpid() != of:
                threading.Event().wait()
