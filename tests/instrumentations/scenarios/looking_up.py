"""What the views of the asynchronous scenarios do."""

from __future__ import annotations

import asyncio

from opentelemetry import trace


async def look_up(number: int) -> dict[str, int]:
    """A span that stays current over an await."""
    with trace.get_tracer("app").start_as_current_span("look up", attributes={"number": number}):
        await asyncio.sleep(0)
    return {"number": number}
