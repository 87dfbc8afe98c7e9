"""The ways in which a process ends other than by a signal: in each, what was accepted is delivered first.

A process that Python itself ends runs ``atexit``. A child of ``multiprocessing`` (and so of ``concurrent.futures``), or of
billiard, which is celery's, leaves with ``os._exit`` and runs the finalizers of its own package instead; a pool process of
celery runs not even those, and sends a signal of celery's. None of the packages is imported for it: what is not loaded when
a manager starts, or when a child is forked, has no child to end.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from typing import Any, Final

_PACKAGES: Final = ("multiprocessing.util", "billiard.util")
# Finalizers run from the highest priority to the lowest: queues and managers of the application's come first.
_LAST: Final = -1000


class Endings:
    """Calls ``deliver``, which may be called several times, at each end that it can see. There is one in a process."""

    def __init__(self, deliver: Callable[[], object]) -> None:
        self._deliver = deliver
        self._finalizers: dict[str, Any] = {}
        self._has_atexit = False

    def watch(self) -> None:
        """Begin to watch, or notice what was loaded since; in a forked child too."""
        if not self._has_atexit:
            self._has_atexit = True
            atexit.register(self._deliver)
        for name in _PACKAGES:
            package = sys.modules.get(name)
            if package is not None and name not in self._finalizers:
                self._arm(name, package)
                # A child begins by forgetting its parent's finalizers, and then calls this.
                package.register_after_fork(self, lambda endings, name=name, package=package: endings._arm(name, package))
        celery = sys.modules.get("celery.signals")
        if celery is not None:
            celery.worker_process_shutdown.connect(self._on_celery, weak=False, dispatch_uid="heliograph")

    def _arm(self, name: str, package: Any) -> None:
        self._finalizers[name] = package.Finalize(None, self._deliver, exitpriority=_LAST)

    def _on_celery(self, **_about: object) -> None:
        self._deliver()
