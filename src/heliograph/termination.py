"""SIGTERM: what was accepted is delivered before the process ends by it.

Python's default for SIGTERM ends the process at once, without running exit handlers. Where that default is in force, the
manager puts a handler in its place that shuts telemetry down on a thread of its own (the interrupted code may hold any lock)
and then lets the signal do what it does by default, so that the exit status stays that of the signal. Where the application
has a handler of its own, what was accepted so far is delivered, for a moment at most, and then that handler is called: it
decides how and when the process ends, and telemetry goes on until then. A signal that is ignored stays ignored, and a handler
that the application sets later is left alone.

uvicorn loads the application while SIGTERM is its own. When it has answered the last request it gives the signal back what it
had before that, the default mostly, and sends it to itself, so that no handler of ours hears of it: there its last step is
followed by a shutdown.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

# An application's own handler may end the process at once; it gets its turn after this, however the delivery goes.
_LONGEST_DELAY_S: Final = 0.5
# Some parents say it twice in a row (hypercorn, and then `multiprocessing` for it), which is no impatience.
_ECHO_S: Final = 1.0


class TerminationHandler:
    """Runs ``shut_down`` once when SIGTERM comes; another one, more than a second later, ends the process at once. ``flush``
    takes a time-out in seconds and is for an application that handles the signal itself."""

    def __init__(self, shut_down: Callable[[], object], flush: Callable[[float], object]) -> None:
        self._shut_down = shut_down
        self._flush = flush
        self._called_at_s: float | None = None
        self._is_delivered = False
        self._servers: list[Any] = []
        self._previous: Any = signal.SIG_DFL

    def install(self) -> None:
        """Take SIGTERM over, if this is the main thread (no other may) and the signal is not ignored."""
        is_possible = sys.platform != "win32" and threading.current_thread() is threading.main_thread()
        if not is_possible:
            return
        previous = signal.getsignal(signal.SIGTERM)
        if previous is signal.SIG_DFL or (callable(previous) and previous != self._on_signal):
            self._previous = previous
            signal.signal(signal.SIGTERM, self._on_signal)

    def uninstall(self) -> None:
        """Give SIGTERM back what it had, if nobody else has taken it since."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.signal(signal.SIGTERM, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if callable(self._previous):
            self._deliver_after(getattr(self._previous, "__self__", None))
            if thread := _started(lambda: self._flush(_LONGEST_DELAY_S)):
                with suppress(AssertionError, RuntimeError):  # gevent's: its hub runs this, and may not wait
                    thread.join(_LONGEST_DELAY_S)
            self._previous(number, frame)
        elif self._is_to_end_now():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _is_to_end_now(self) -> bool:
        """Whether the process ends by this signal at once; otherwise it does when everything is delivered."""
        now_s = time.monotonic()
        if self._called_at_s is None:
            self._called_at_s = now_s
            return _started(self._deliver_and_end) is None
        return self._is_delivered or now_s - self._called_at_s > _ECHO_S

    def _deliver_and_end(self) -> None:
        try:
            self._shut_down()
        finally:
            self._is_delivered = True
            os.kill(os.getpid(), signal.SIGTERM)

    def _deliver_after(self, server: Any) -> None:
        """Shut down when ``server``, if that is one of uvicorn's, has done its last."""
        uvicorn = sys.modules.get("uvicorn.server")
        if uvicorn is None or not isinstance(server, uvicorn.Server) or server in self._servers:
            return
        self._servers.append(server)
        finish = server.shutdown

        async def finish_and_deliver(*arguments: Any, **options: Any) -> None:
            import asyncio  # noqa: PLC0415  # uvicorn has loaded it

            try:
                await finish(*arguments, **options)
            finally:
                await asyncio.to_thread(self._shut_down)

        server.shutdown = finish_and_deliver


def _started(run: Callable[[], object]) -> threading.Thread | None:
    """A thread that runs it; None when there is none to be had: better to end without delivering than not at all."""
    thread = threading.Thread(target=run, name="heliograph-sigterm", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    except AssertionError:
        pass  # gevent's: its hub runs this, and may not wait for the greenlet, which begins when this returns
    return thread
