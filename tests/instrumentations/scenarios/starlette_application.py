"""Starlette behind uvicorn on a real socket."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.instrumentations.scenarios.looking_up import look_up
from tests.instrumentations.servers import ask_for_orders, serving_asgi


def run(_argument: str) -> Any:
    application = Starlette(routes=[Route("/orders/{number:int}", order), Route("/fail", fail)])
    StarletteInstrumentor.instrument_app(application)
    with serving_asgi(application) as port:
        return {"statuses": ask_for_orders(port)}


async def order(request: Request) -> JSONResponse:
    return JSONResponse(await look_up(request.path_params["number"]), background=BackgroundTask(look_up, 8))


def fail(_request: Request) -> JSONResponse:
    raise LookupError("no such order")
