"""FastAPI behind uvicorn on a real socket, instrumented by the package, or (argument ``built in``) by what it has built in."""

from __future__ import annotations

import contextlib
from typing import Any

import fastapi
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.scenarios.looking_up import look_up
from tests.instrumentations.servers import ask_for_orders, serving_asgi


def run(argument: str) -> Any:
    with instrumented(FastAPIInstrumentor()) if argument != "built in" else contextlib.nullcontext():
        application = fastapi.FastAPI()
        application.get("/orders/{number}")(order)
        application.get("/fail")(fail)
        with serving_asgi(application) as port:
            return {"statuses": ask_for_orders(port)}


async def order(number: int, background: fastapi.BackgroundTasks) -> dict[str, int]:
    background.add_task(look_up, 8)
    return await look_up(number)


def fail() -> None:  # not async: FastAPI runs it in a thread
    raise LookupError("no such order")
