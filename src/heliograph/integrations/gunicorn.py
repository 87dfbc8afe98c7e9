"""Hooks for gunicorn. In its configuration file: ``from heliograph.integrations.gunicorn import *``, or one by one.

They start telemetry, from the environment or a file, where the application does not; where it does they leave it alone. An
application that starts it itself needs none of them. Called by gunicorn, in its arbiter (``on_starting``, ``child_exit``) and
in the workers; none of them raises.
"""

from __future__ import annotations

import os
from typing import Any, Final

from heliograph.manager import TelemetryManager, start_for_hook
from heliograph.text import described

__all__ = ["child_exit", "on_starting", "post_fork", "post_worker_init", "worker_exit"]

_LONGEST_FLUSH_S: Final = 1.0


def on_starting(server: Any) -> None:
    """Say once what is wrong with the settings, before each worker finds it out."""
    try:
        from heliograph.settings.loading.load import load  # an arbiter without this hook needs none of it  # noqa: PLC0415

        load(environ=os.environ)
    except Exception as error:  # an application with settings of its own goes on without those
        server.log.warning("no telemetry from the environment: %s", described(error))


def post_fork(server: Any, worker: Any) -> None:
    """Have :func:`post_worker_init` called, before the one that is configured already."""
    configured = worker.cfg.post_worker_init
    if configured is post_worker_init:
        return

    def start_and_go_on(worker: Any) -> None:
        post_worker_init(worker)
        configured(worker)

    worker.cfg.set("post_worker_init", start_and_go_on)


def post_worker_init(worker: Any) -> None:
    """Start telemetry, now that the application is loaded and gevent, if it is used, has patched; unless it runs already."""
    try:
        start_for_hook()
    except Exception as error:  # settings with a fault; the worker serves all the same
        worker.log.warning("no telemetry in this worker: %s", described(error))


def worker_exit(server: Any, worker: Any) -> None:
    """Deliver what there is; the rest follows when the process ends."""
    try:
        TelemetryManager.current().force_flush(_LONGEST_FLUSH_S)
    except LookupError:
        return  # nothing runs here


def child_exit(server: Any, worker: Any) -> None:
    """Tell ``prometheus_client``, where that keeps its values in files for several processes, that one of them has ended.

    What heliograph shows of several processes needs no telling.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ and "prometheus_multiproc_dir" not in os.environ:
        return
    try:
        from prometheus_client.multiprocess import mark_process_dead  # only who uses it that way loads it  # noqa: PLC0415

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    except Exception as error:  # a directory that is not there; its gauges stay
        server.log.warning("prometheus_client does not know that worker %s has ended: %s", worker.pid, described(error))
