"""Where telemetry has to begin again, since neither its threads nor its locks go along: in processes that `multiprocessing`
spawns, or that its fork server makes, and after gevent has put greenlets in the place of threads.

A spawned child gets what its parent's process object says of itself, as a pickle. Something of ours is among it whose
unpickling starts telemetry with the parent's settings, before the child does anything. gevent says when it begins and has
ended to patch; what was recorded by then is delivered before. Forked children hear of it from the system (`manager.py`).
Called by the manager.
"""

from __future__ import annotations

import logging
import multiprocessing.process  # noqa: F401  # here, so that it is armed for who imports it after the start
import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from heliograph.locks import renew
from heliograph.text import described

logger = logging.getLogger("heliograph")

_NAME: Final = "heliograph"
# Celery's processes are billiard's, which does the same; it is not imported for it.
_PACKAGES: Final = ("multiprocessing.process", "billiard.process")


class Inheritance:
    """What a process has for those that it spawns: unpickled there, it calls ``start`` with the same ``settings``.

    ``start`` is a function of a module, or a class method."""

    def __init__(self, start: Callable[[Any], object], settings: object) -> None:
        self._start = start
        self._settings = settings

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        try:
            return start_spawned, (self._start, pickle.dumps(self._settings))
        except Exception as error:  # a value of the application's may not be picklable; its child starts all the same
            logger.warning("a spawned process goes without telemetry: its settings cannot be pickled: %s", described(error))
            return _go_without, ()


def start_spawned(start: Callable[[Any], object], settings: bytes) -> Inheritance | None:
    """What a spawned process does first; never raises. Returns what it has for its own children."""
    try:
        # It is loaded a moment later anyway, and telemetry finds there how the process ends.
        import multiprocessing.util  # noqa: PLC0415, F401

        known = pickle.loads(settings)  # noqa: S301  # its parent's, on a pipe of the two
        start(known)
    except Exception as error:  # the process has a life of its own
        logger.warning("a spawned process goes without the telemetry of its parent: %s", described(error))
        return None
    return Inheritance(start, known)


def _go_without() -> None:
    """What a child has whose parent could not pass its settings on."""


class Rearming:
    """Arms what begins again elsewhere; there is one in a process.

    ``start`` is what spawned processes do with the settings. ``pause`` is called before gevent patches, when it has to end
    every thread; it returns what begins again after that.
    """

    def __init__(self, start: Callable[[Any], object], pause: Callable[[], Callable[[], object]]) -> None:
        self._start = start
        self._pause = pause
        self._begin_again: Callable[[], object] | None = None
        self._is_watching_gevent = False

    def arm(self, settings: object) -> None:
        """Let processes that are spawned from now on start with ``settings``."""
        for process in _current_processes():
            process._config[_NAME] = Inheritance(self._start, settings)
        self.watch_gevent()

    def disarm(self) -> None:
        """Let processes that are spawned from now on begin with nothing."""
        for process in _current_processes():
            process._config.pop(_NAME, None)

    def watch_gevent(self) -> None:
        """Hear of its patching, once it is loaded; in a forked child too."""
        if "gevent" in sys.modules and not self._is_watching_gevent:
            self._is_watching_gevent = True
            import_module("gevent.events").subscribers.append(self._on_gevent)

    def _on_gevent(self, event: object) -> None:
        try:
            name = type(event).__name__
            if name == "GeventWillPatchAllEvent":
                self._begin_again = self._pause()
            elif name == "GeventDidPatchAllEvent" and self._begin_again is not None:
                renew()
                self._begin_again()
        except Exception as error:  # gevent would leave the process half patched
            logger.warning("telemetry does not go on after gevent's patching: %s", described(error))


def is_being_spawned() -> bool:
    """Whether this process imports the main module of its parent, which may start telemetry as it did there."""
    return any(getattr(process, "_inheriting", False) for process in _current_processes())


def _current_processes() -> list[Any]:
    """This process as each package that makes processes knows it."""
    packages = [sys.modules[name] for name in _PACKAGES if name in sys.modules]
    return [package.current_process() for package in packages]
