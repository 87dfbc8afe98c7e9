"""Calls into what an application attached to a provider: processors of the SDK, which may raise, or hang.

Called by the providers when they are flushed or shut down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from heliograph.recording.mishaps import Mishaps


def all_done(calls: Sequence[Callable[[], Any]], timeout_s: float, mishaps: Mishaps, kind: str) -> bool:
    """Run all of ``calls`` at once; true when each ended within ``timeout_s`` seconds and none said False.

    Each has a thread of its own, which is left behind when it hangs. What is raised is noted as ``kind``.
    """
    results: list[Any] = [False] * len(calls)

    def run(at: int) -> None:
        try:
            results[at] = calls[at]()
        except BaseException as error:  # somebody else's code
            mishaps.note(kind, error)

    deadline = monotonic() + timeout_s
    threads = [threading.Thread(target=run, args=(at,), name="heliograph-flush", daemon=True) for at in range(len(calls))]
    for at, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError:  # the interpreter is exiting: no threads any more
            run(at)
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - monotonic()))
    return all(result is not False for result in list(results))
