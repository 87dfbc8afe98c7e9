"""Flask behind werkzeug's server on a real socket."""

from __future__ import annotations

from typing import Any

import flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import FOREIGN_CALLER, get, serving_wsgi


def run(_argument: str) -> Any:
    """Ask for a page with a span of its own, one that raises, one that is not there and one that streams."""
    with instrumented(FlaskInstrumentor()):
        application = flask.Flask("shop")
        application.logger.disabled = True
        application.get("/orders/<int:number>")(order)
        application.get("/fail")(fail)
        application.get("/stream")(stream)
        with serving_wsgi(application) as port:
            paths = ("/fail", "/nowhere", "/stream")
            return {"statuses": [get(port, "/orders/7", FOREIGN_CALLER), *(get(port, path) for path in paths)]}


def order(number: int) -> dict[str, int]:
    with trace.get_tracer("app").start_as_current_span("look up", attributes={"number": number}):
        return {"number": number}


def fail() -> str:
    raise LookupError("no such order")


def stream() -> Any:
    return flask.Response(iter(["first ", "second"]), mimetype="text/plain")
