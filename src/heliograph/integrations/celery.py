"""Hooks for celery: ``setup(app)``, once, in the module that makes the application.

They start telemetry, from the environment or a file, in a worker and in beat, where the application does not; where it does
they leave it alone. Who only sends tasks starts nothing by it. ``telemetry.instrument(celery=True)`` makes spans of the tasks.
Called by the application; celery's signals call what is here. (`heliograph/endings.py` delivers what its processes leave.)
"""

from __future__ import annotations

import logging
from typing import Final, TypeVar

from celery import Celery, signals  # type: ignore[import-untyped]

from heliograph.manager import start_for_hook
from heliograph.text import described

T = TypeVar("T")

logger = logging.getLogger("heliograph")

# In the worker before it makes its pool, whose processes inherit it; in those, where they are spawned; in beat.
_BEGINNINGS: Final = ("worker_init", "worker_process_init", "beat_init")


def setup(app: T) -> T:
    """Let celery's processes start telemetry; returns ``app``, a celery application. Twice is as good as once."""
    if not isinstance(app, Celery):
        raise TypeError(f"setup() was given {app!r}, expected the celery.Celery that is the application")
    for name in _BEGINNINGS:
        getattr(signals, name).connect(_start, weak=False, dispatch_uid=f"heliograph.{name}")
    return app


def _start(**_about: object) -> None:
    try:
        start_for_hook()
    except Exception as error:  # settings with a fault; the worker works all the same
        logger.warning("no telemetry in this process of celery: %s", described(error))
