"""The worker pool: a bounded queue of videos to make, and the threads that make them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind

from heliograph.demo.cache import Cache
from heliograph.demo.instruments import DemoInstruments
from heliograph.demo.studio import StageFailedError, Studio
from heliograph.manager import TelemetryManager

WORKERS = 2
QUEUE_CAPACITY = 100

logger = logging.getLogger("demo.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A video to make. ``carrier`` holds the trace context of the request that asked for it."""

    video_id: str
    title: str
    carrier: Mapping[str, str]


class WorkerPool:
    """Takes tasks from a queue. Thread-safe."""

    def __init__(self, telemetry: TelemetryManager, instruments: DemoInstruments, studio: Studio, cache: Cache) -> None:
        self._telemetry = telemetry
        self._instruments = instruments
        self._studio = studio
        self._cache = cache
        self._queue: queue.Queue[Task | None] = queue.Queue(QUEUE_CAPACITY)
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, name=f"worker-{n}", daemon=True) for n in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Tasks that no worker has taken yet."""
        return self._queue.qsize()

    def submit(self, task: Task) -> bool:
        """Queue ``task``; False when the queue is full."""
        try:
            self._queue.put_nowait(task)
        except queue.Full:
            return False
        self._instruments.queue_size.set(self.waiting)
        return True

    def stop(self, timeout_s: float) -> None:
        """Finish the tasks that were accepted, for at most ``timeout_s`` seconds."""
        deadline = time.monotonic() + timeout_s
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            self._change_busy(+1)
            token = context.attach(propagate.extract(task.carrier))
            try:
                self._execute(task)
            finally:
                context.detach(token)
                self._change_busy(-1)

    def _execute(self, task: Task) -> None:
        try:
            with self._telemetry.span("process task", kind=SpanKind.CONSUMER, video_id=task.video_id):
                self._cache.put(task.video_id, self._studio.make(task.video_id, task.title))
        except StageFailedError as error:
            self._instruments.tasks_failed.add()
            logger.error("task failed: %s", error)  # noqa: TRY400  # expected in the demo: the trace is in its span
        else:
            self._telemetry.event("video.finished", video_id=task.video_id)
        self._instruments.tasks_executed.add()

    def _change_busy(self, change: int) -> None:
        with self._lock:
            self._busy += change
            self._instruments.worker_utilization.set(self._busy / WORKERS)
        self._instruments.queue_size.set(self.waiting)
