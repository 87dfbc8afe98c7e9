"""Queues and the workers that empty them. ``queue.name`` and ``worker.pool.name`` tell several apart, ``task.name`` kinds of
tasks."""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Metric, attributes
from heliograph.catalog.rows.http import SECONDS

_QUEUE: Final = attributes({"queue.name": 20})
_POOL: Final = attributes({"worker.pool.name": 20})
_TASK: Final = attributes({"task.name": 100, "queue.name": 20, "worker.pool.name": 20})

ROWS: Final = (
    Metric(
        name="queue.size",
        kind="gauge",
        unit="{task}",
        description="Tasks that wait for a worker.",
        group="queue",
        attributes=_QUEUE,
    ),
    Metric(
        name="queue.oldest_message.age",
        kind="gauge",
        unit="s",
        description="How long the task that has waited longest has waited.",
        group="queue",
        attributes=_QUEUE,
        across="max",
    ),
    Metric(
        name="queue.dead_letters",
        kind="counter",
        unit="{task}",
        description="Tasks that were given up and put aside.",
        group="queue",
        attributes=(*_QUEUE, *attributes({"reason": 10})),
        starts_at_zero=True,
    ),
    Metric(
        name="queue.dead_letter.size",
        kind="gauge",
        unit="{task}",
        description="Tasks that lie aside.",
        group="queue",
        attributes=_QUEUE,
        across="max",
    ),
    Metric(
        name="worker.pool.utilization",
        kind="gauge",
        unit="1",
        description="Share of workers that are busy, from 0 to 1.",
        group="worker",
        attributes=_POOL,
    ),
    Metric(
        name="tasks.executed",
        kind="counter",
        unit="{task}",
        description="Tasks that a worker finished, well or not.",
        group="worker",
        attributes=_TASK,
        starts_at_zero=True,
    ),
    Metric(
        name="tasks.failed",
        kind="counter",
        unit="{task}",
        description="Tasks that failed.",
        group="worker",
        attributes=(*_TASK, *attributes({"error.type": 40})),
        starts_at_zero=True,
    ),
    Metric(
        name="task.duration",
        kind="histogram",
        unit="s",
        description="Time that a worker spent on one task.",
        group="worker",
        attributes=(*_TASK, *attributes({"error.type": 40})),
        buckets=SECONDS,
    ),
)
