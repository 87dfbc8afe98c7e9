"""Celery: a real worker in a thread, with tasks sent to it over kombu's in-memory transport."""

from __future__ import annotations

from typing import Any

import celery
from celery.contrib.testing.worker import start_worker
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented

application = celery.Celery("shop", broker="memory://", backend="cache+memory://")
application.conf.update(worker_hijack_root_logger=False, worker_send_task_events=False)


@application.task(name="add")
def add(left: int, right: int) -> int:
    with trace.get_tracer("app").start_as_current_span("look up"):
        return left + right


@application.task(name="fail")
def fail() -> None:
    raise LookupError("no such order")


@application.task(name="retry_once", bind=True, max_retries=1, default_retry_delay=0)
def retry_once(self: Any) -> int:
    if self.request.retries == 0:
        raise self.retry(countdown=0)
    return 1


def run(_argument: str) -> Any:
    with (
        instrumented(CeleryInstrumentor()),
        start_worker(application, pool="solo", perform_ping_check=False, shutdown_timeout=20),
    ):
        with trace.get_tracer("app").start_as_current_span("work"):
            results = [add.delay(3, 4), retry_once.delay(), fail.delay()]
        answers = [result.get(timeout=20, propagate=False) for result in results]
    return {"answers": [str(answer) for answer in answers]}
