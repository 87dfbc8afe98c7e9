"""A web application, ``wsgi`` and ``asgi``: ``/work/7`` is unit 7, ``/slowly/8`` one that takes a moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any

from heliograph import TelemetryManager
from tests.e2e.lifecycle.programs import units

if "UNITS_HOOKED" not in os.environ:  # else a hook of the server starts it
    units.start()

_SLOWLY_S = 0.8


def _answer() -> bytes:
    return str(os.getpid()).encode()


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    _root, what, number = environ["PATH_INFO"].split("/")
    if what != "ready":
        units.do(number, _SLOWLY_S if what == "slowly" else 0.0)
    body = _answer()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    _root, what, number = scope["path"].split("/")
    if what != "ready":
        telemetry = TelemetryManager.current()
        with telemetry.span("unit", n=number, pid=os.getpid()):
            await asyncio.sleep(_SLOWLY_S if what == "slowly" else 0.0)
            telemetry.increment_counter("units.done", 1)
    body = _answer()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Any, send: Any) -> None:
    """An application that has nothing to begin or to end: telemetry must not depend on it."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})
