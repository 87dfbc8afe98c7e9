"""asyncio: coroutines, futures and functions in threads that are traced by name."""

from __future__ import annotations

import asyncio
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented


def run(_argument: str) -> Any:
    with instrumented(AsyncioInstrumentor()):
        return {"outcomes": asyncio.run(_work())}


async def _work() -> list[str]:
    with trace.get_tracer("app").start_as_current_span("work"):
        outcomes: list[Any] = await asyncio.gather(traced("first"), traced("second"), failing(), return_exceptions=True)
        outcomes.append(await asyncio.create_task(untraced()))
        outcomes.append(await asyncio.to_thread(in_thread))
        try:
            await asyncio.wait_for(slow(), 0.01)
        except TimeoutError:
            outcomes.append("timed out")
    return [str(outcome) for outcome in outcomes]


async def traced(name: str) -> str:
    with trace.get_tracer("app").start_as_current_span(name):
        await asyncio.sleep(0)
    return name


async def failing() -> None:
    raise LookupError("no such order")


async def untraced() -> str:
    return "untraced"


async def slow() -> None:
    await asyncio.sleep(60)


def in_thread() -> str:
    return "in a thread"
