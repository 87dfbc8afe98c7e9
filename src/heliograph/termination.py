"""SIGTERM: what was accepted is delivered before the process ends by it.

Python's default for SIGTERM ends the process at once, without running exit handlers. Where that default is in force, the
manager puts a handler in its place that shuts telemetry down on a thread of its own (the interrupted code may hold any lock)
and then lets the signal do what it does by default, so that the exit status stays that of the signal. An application's own
handler, earlier or later, is left alone: a process that it ends with ``sys.exit`` runs exit handlers, which deliver as well.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType


class TerminationHandler:
    """Runs ``shut_down`` once when SIGTERM comes; a second SIGTERM ends the process at once."""

    def __init__(self, shut_down: Callable[[], object]) -> None:
        self._shut_down = shut_down
        self._is_called = False

    def install(self) -> None:
        """Take SIGTERM over, if its default is in force and this is the main thread (no other may)."""
        is_possible = sys.platform != "win32" and threading.current_thread() is threading.main_thread()
        if is_possible and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_signal)

    def uninstall(self) -> None:
        """Give SIGTERM its default back, if nobody else has taken it since."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_called:
            self._is_called = True
            try:
                threading.Thread(target=self._deliver_and_end, name="heliograph-sigterm", daemon=True).start()
            except RuntimeError:  # no thread to be had: end without delivering rather than not at all
                pass
            else:
                return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _deliver_and_end(self) -> None:
        try:
            self._shut_down()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
