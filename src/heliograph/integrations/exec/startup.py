"""Starts telemetry where a program begins. Called by ``site/sitecustomize.py``; calls the manager.

The program comes first: what goes wrong is said on standard error, and the program starts all the same, unless it was asked to
be strict.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping, Sequence
from typing import Final, TextIO

from heliograph.integrations.exec.command import STARTED_BY, STRICT

_FAILED: Final = 2

# Helpers of Python's own multiprocessing: they run nothing of the application's.
_HELPERS: Final = ("from multiprocessing.resource_tracker import", "from multiprocessing.semaphore_tracker import")


def start(environ: MutableMapping[str, str], arguments: Sequence[str], errors: TextIO | None) -> None:
    """Start telemetry from ``environ`` and instrument everything. ``arguments`` are Python's own, as it was called."""
    if any(argument.startswith(_HELPERS) for argument in arguments[1:]):
        return
    try:
        _start(environ)
    except Exception as error:  # settings with faults, a manager of another kind, anything: the program is not about that
        if errors is not None:  # closed, and `print` would take standard output
            print(f"heliograph exec: telemetry is off: {error}", file=errors, flush=True)
        if environ.get(STRICT):
            os._exit(_FAILED)  # an exit that can be caught would be, by what imports this


def _start(environ: MutableMapping[str, str]) -> None:
    from heliograph import manager  # noqa: PLC0415  # not for the helpers

    above = environ.get(STARTED_BY)
    if above in (None, str(os.getpid())):
        telemetry = manager.start_for_hook()
    else:
        from heliograph.settings.loading.load import load  # noqa: PLC0415  # likewise

        # Another instance of the service; its parent has the port.
        manager._start_spawned(load(environ=environ).settings)
        telemetry = manager.TelemetryManager.current()
    environ[STARTED_BY] = str(os.getpid())
    telemetry.instrument()


def main() -> None:
    """Start in this process."""
    start(os.environ, sys.orig_argv, sys.stderr)
