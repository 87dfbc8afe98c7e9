"""An ASGI application without a framework, inside of the ASGI package's middleware, behind uvicorn on a real socket."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from tests.instrumentations.scenarios.looking_up import look_up
from tests.instrumentations.servers import ask_for_orders, serving_asgi


def run(_argument: str) -> Any:
    with serving_asgi(OpenTelemetryMiddleware(application)) as port:
        return {"statuses": ask_for_orders(port)}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/fail":
        raise LookupError("no such order")
    await look_up(7)
    await receive()
    status = 200 if scope["path"].startswith("/orders/") else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})
