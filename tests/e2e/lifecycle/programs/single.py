"""One process that does all units and ends, as the arguments say: ``single.py threads 12``."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from heliograph import TelemetryManager
from tests.e2e.lifecycle.programs import units


def as_a_job(count: int) -> None:
    """As cron runs it: from beginning to end, with an exit code of its own."""
    for number in range(count):
        units.do(str(number))
    sys.exit(0)


def in_threads(count: int) -> None:
    threads = [threading.Thread(target=units.do, args=(str(number), 0.01)) for number in range(count)]
    for thread in threads:
        thread.start()
    # Nobody joins them: the interpreter waits for them at its end, and so does what they record.


def in_tasks(count: int) -> None:
    async def do(number: str) -> None:
        async with TelemetryManager.current().span("unit", n=number, pid=os.getpid()):
            await asyncio.sleep(0.01)
            TelemetryManager.current().increment_counter("units.done", 1)

    async def do_all() -> None:
        await asyncio.gather(*(do(str(number)) for number in range(count)))

    asyncio.run(do_all())


_WAYS = {"job": as_a_job, "threads": in_threads, "asyncio": in_tasks}

if __name__ == "__main__":
    units.start()
    _WAYS[sys.argv[1]](int(sys.argv[2]))
