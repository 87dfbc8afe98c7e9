"""requests: a real server, and one that is not there."""

from __future__ import annotations

from typing import Any

import requests
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import closed_port, website


def run(_argument: str) -> Any:
    """Ask inside and outside of a span, then once more when the instrumentation is off."""
    with website() as site:
        with instrumented(RequestsInstrumentor()):
            with trace.get_tracer("app").start_as_current_span("work"), requests.Session() as session:
                statuses = [session.get(f"{site.url}/{path}").status_code for path in ("ok", "missing", "broken")]
                statuses.append(session.post(f"{site.url}/ok", data=b"body").status_code)
            try:
                requests.get(f"http://127.0.0.1:{closed_port()}/", timeout=5)
            except requests.ConnectionError as error:
                raised = type(error).__name__
        requests.get(f"{site.url}/ok?uninstrumented", timeout=5)
    return {"statuses": statuses, "raised": raised, "contexts": site.contexts}
