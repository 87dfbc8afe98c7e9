"""Telemetry that is exported by what is itself instrumented: HTTP clients, gRPC, threads and the log handler, all at once."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from heliograph import TelemetryManager

INSTRUMENTORS = (
    AsyncioInstrumentor,
    GrpcInstrumentorClient,
    HTTPXClientInstrumentor,
    LoggingInstrumentor,
    RequestsInstrumentor,
    ThreadingInstrumentor,
    URLLib3Instrumentor,
)


def run(_argument: str) -> Any:
    """Export three times from inside of a span; the instrumentation stays on, so that the last export runs under it too."""
    for instrumentor in INSTRUMENTORS:
        instrumentor().instrument()
    logging.getLogger().setLevel(logging.DEBUG)  # urllib3 writes a line for each request that it sends
    telemetry = TelemetryManager.current()
    flushed = []
    with trace.get_tracer("app").start_as_current_span("work"):
        for number in range(3):
            with trace.get_tracer("app").start_as_current_span(f"step {number}"):
                logging.getLogger("shop").info("step %d", number)
            flushed.append(telemetry.force_flush(10.0))
    return {"flushed": flushed, "instrumented": [each().is_instrumented_by_opentelemetry for each in INSTRUMENTORS]}
