"""SIGTERM: what was accepted is delivered before the process ends by it.

Python's default for SIGTERM ends the process at once, without running exit handlers. Where that default is in force, the
manager puts a handler in its place that shuts telemetry down on a thread of its own (the interrupted code may hold any lock)
and then lets the signal do what it does by default, so that the exit status stays that of the signal. Where the application
has a handler of its own, what was accepted so far is delivered, for a moment at most, and then that handler is called: it
decides how and when the process ends, and telemetry goes on until then. A signal that is ignored stays ignored, and a handler
that the application sets later is left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

# An application's own handler may end the process at once; it gets its turn after this, however the delivery goes.
_LONGEST_DELAY_S = 0.5


class TerminationHandler:
    """Runs ``shut_down`` once when SIGTERM comes; a second SIGTERM ends the process at once. ``flush`` takes a time-out in
    seconds and is for an application that handles the signal itself."""

    def __init__(self, shut_down: Callable[[], object], flush: Callable[[float], object]) -> None:
        self._shut_down = shut_down
        self._flush = flush
        self._is_called = False
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
            if thread := _started(lambda: self._flush(_LONGEST_DELAY_S)):
                thread.join(_LONGEST_DELAY_S)
            self._previous(number, frame)
            return
        is_first, self._is_called = not self._is_called, True
        if not (is_first and _started(self._deliver_and_end)):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _deliver_and_end(self) -> None:
        try:
            self._shut_down()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def _started(run: Callable[[], object]) -> threading.Thread | None:
    """A thread that runs it; None when there is none to be had: better to end without delivering than not at all."""
    thread = threading.Thread(target=run, name="heliograph-sigterm", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
