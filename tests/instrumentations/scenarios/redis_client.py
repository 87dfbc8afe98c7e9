"""redis, plain and asynchronous, against a real redis-server, whose port is the argument."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
import redis.asyncio
from opentelemetry import trace
from opentelemetry.instrumentation.redis import RedisInstrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented


def run(port: str) -> Any:
    with instrumented(RedisInstrumentor()):
        with trace.get_tracer("app").start_as_current_span("work"), redis.Redis(port=int(port)) as client:
            client.set("order", 7)
            found = [client.get("order").decode()]
            with client.pipeline() as pipeline:
                pipeline.incr("order").expire("order", 60)
                found += pipeline.execute()
            try:
                client.lpush("order", 1)
            except redis.ResponseError as error:
                raised = str(error)
        found.append(asyncio.run(_asynchronously(int(port))))
    return {"found": found, "raised": raised}


async def _asynchronously(port: int) -> str:
    with trace.get_tracer("app").start_as_current_span("async work"):
        async with redis.asyncio.Redis(port=port) as client:
            await client.set("colour", "blue")
            return (await client.get("colour")).decode()
