"""The threads that heliograph works on, for the case that they are greenlets of gevent's: those outlive a fork, in the child.

There `threading` knows nothing of them, and one that ended would be an error that somebody sees. Made by the parts that work
in the background.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def own_thread(work: Callable[[], object], name: str) -> threading.Thread:
    """A daemon thread for ``work``, not started. In a child that has it from its parent it does not end, but waits for ever.

    Not a class of its own: gevent puts another one in the place of ``threading.Thread``, whose ends can be waited for.
    """

    def run() -> None:
        of = os.getpid()
        try:
            work()
        finally:
            if os.getpid() != of:
                threading.Event().wait()

    return threading.Thread(target=run, name=name, daemon=True)


def are_greenlets() -> bool:
    """Whether threads that are started now are greenlets of gevent's."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
