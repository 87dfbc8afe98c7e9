"""httpx, plain and asynchronous: a real server, and one that is not there."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import closed_port, website


def run(_argument: str) -> Any:
    """Ask inside and outside of a span, then two at once, then once more when the instrumentation is off."""
    with website() as site:
        with instrumented(HTTPXClientInstrumentor()):
            with trace.get_tracer("app").start_as_current_span("work"), httpx.Client() as client:
                statuses = [client.get(f"{site.url}/{path}").status_code for path in ("ok", "missing", "broken")]
            try:
                httpx.get(f"http://127.0.0.1:{closed_port()}/")
            except httpx.ConnectError as error:
                raised = type(error).__name__
            statuses += asyncio.run(_two_at_once(site.url))
        httpx.get(f"{site.url}/ok?uninstrumented")
    return {"statuses": statuses, "raised": raised, "contexts": site.contexts}


async def _two_at_once(url: str) -> list[int]:
    with trace.get_tracer("app").start_as_current_span("async work"):
        async with httpx.AsyncClient() as client:
            answers = await asyncio.gather(client.get(f"{url}/ok?async"), client.post(f"{url}/broken", content=b"body"))
    return [answer.status_code for answer in answers]
