"""The endpoint as a Starlette application: to be served by ourselves, or mounted into another ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route

from heliograph.endpoint.answers import Answers, Request
from heliograph.endpoint.mounting import remembered


def asgi_app(answers: Answers, in_loop: Callable[[], None] | None = None) -> Starlette:
    """Build the application. Answers are made on a thread, so that a slow check does not hold up the event loop; ``in_loop``
    is called in the loop at each request."""

    async def endpoint(request: StarletteRequest) -> StarletteResponse:
        if in_loop is not None:
            in_loop()
        asked = Request(
            method=request.method,
            # The path below the mount point, wherever the application put it.
            path="/" + request.path_params["path"],
            query=request.scope.get("query_string", b"").decode("utf-8", "replace"),
            accept=request.headers.get("accept", ""),
            accept_encoding=request.headers.get("accept-encoding", ""),
            client=request.client.host if request.client else "",
        )
        answer = await run_in_threadpool(answers.answer, asked)
        return StarletteResponse(answer.body, answer.status, dict(answer.header_items()))

    route = Route("/{path:path}", endpoint)
    route.methods = None  # every method: Answers says which there are, as it does for WSGI
    return remembered(Starlette(routes=[route]))
