"""urllib3: a real server, and one that is not there."""

from __future__ import annotations

from typing import Any

import urllib3
from opentelemetry import trace
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import closed_port, website


def run(_argument: str) -> Any:
    """Ask inside and outside of a span, then once more when the instrumentation is off."""
    with website() as site, urllib3.PoolManager() as pool:
        with instrumented(URLLib3Instrumentor()):
            with trace.get_tracer("app").start_as_current_span("work"):
                statuses = [pool.request("GET", f"{site.url}/{path}").status for path in ("ok", "missing", "broken")]
                statuses.append(pool.request("POST", f"{site.url}/ok", body=b"body").status)
            try:
                pool.request("GET", f"http://127.0.0.1:{closed_port()}/", retries=False)
            except urllib3.exceptions.HTTPError as error:
                raised = type(error).__name__
        pool.request("GET", f"{site.url}/ok?uninstrumented")
    return {"statuses": statuses, "raised": raised, "contexts": site.contexts}
