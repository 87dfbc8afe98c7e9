"""Celery with the option that a task links to the span that sent it, in a trace of its own."""

from __future__ import annotations

from typing import Any

from celery.contrib.testing.worker import start_worker
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor

from tests.instrumentations.scenarios.celery_worker import add, application
from tests.instrumentations.scenarios.instrumenting import instrumented


def run(_argument: str) -> Any:
    with (
        instrumented(CeleryInstrumentor(), use_span_links=True),
        start_worker(application, pool="solo", perform_ping_check=False, shutdown_timeout=20),
    ):
        with trace.get_tracer("app").start_as_current_span("work"):
            result = add.delay(3, 4)
        return {"answer": result.get(timeout=20)}
