"""Threads, timers and executors: spans that are started in them have the parent that was current where they were started."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented


def run(_argument: str) -> Any:
    tracer = trace.get_tracer("app")
    with instrumented(ThreadingInstrumentor()):
        with tracer.start_as_current_span("work"):
            threads = [threading.Thread(target=_step, args=("in a thread",)), threading.Timer(0.01, _step, ("in a timer",))]
            for thread in threads:
                thread.start()
        with ThreadPoolExecutor(1) as executor:
            for name in ("first", "second"):
                with tracer.start_as_current_span(f"{name} task"):
                    executor.submit(_step, f"in the executor, {name}").result(10)
        for thread in threads:
            thread.join(10)
    with tracer.start_as_current_span("uninstrumented"):
        thread = threading.Thread(target=_step, args=("alone",))
        thread.start()
        thread.join(10)


def _step(name: str) -> None:
    with trace.get_tracer("app").start_as_current_span(name):
        pass
