"""asyncio tasks that are cancelled at each of their awaits, one after the other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from opentelemetry import trace

from heliograph import TelemetryManager
from tests.faults.rig.scripts import recording
from tests.faults.rig.scripts.recording import Recorder
from tests.faults.rig.work import Work


class Job:
    """Spans in every form that can be cancelled: a block, a decorated coroutine, a decorated generator, a gather."""

    def __init__(self, telemetry: TelemetryManager, recorder: Recorder, name: str) -> None:
        self._telemetry = telemetry
        self._recorder = recorder
        self._name = name
        self._count = 0

    def number(self) -> str:
        """Of a span that has begun: it has to end, and once."""
        self._count += 1
        self._recorder.recorded += 1
        return f"{self._name}-{self._count}"

    async def run(self) -> None:
        async with self._telemetry.span("outer") as span:
            span.set_attribute("n", self.number())
            await asyncio.sleep(0)
            await self._telemetry.span("decorated")(self._inner)()
            async for _ in self._telemetry.span("generator")(self._generate)():
                await asyncio.sleep(0)
            await asyncio.gather(*(self._telemetry.span("gathered")(self._inner)() for _ in range(2)))

    async def _inner(self) -> None:
        trace.get_current_span().set_attribute("n", self.number())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _generate(self) -> AsyncIterator[int]:
        trace.get_current_span().set_attribute("n", self.number())
        for value in range(2):
            await asyncio.sleep(0)
            yield value


async def cancel_at(steps: int, job: Job) -> bool:
    """Whether the task was cancelled, and said so."""
    task = asyncio.create_task(job.run())
    for _ in range(steps):
        await asyncio.sleep(0)
    if task.done():
        await task
        return False
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    raise AssertionError(f"the cancellation at step {steps} was swallowed")


async def main(work: Work) -> None:
    telemetry = recording.start(work)
    recording.tick_forever(telemetry, work.tick_s)
    recorder = Recorder(telemetry)
    cancelled = 0
    for turn in range(work.items):
        for steps in range(40):
            cancelled += await cancel_at(steps, Job(telemetry, recorder, f"{turn}.{steps}"))
    recording.say(cancelled=cancelled)
    await asyncio.to_thread(recording.end_with_shutdown, recorder, telemetry)


if __name__ == "__main__":
    recording.log_to_stderr()
    asyncio.run(main(Work.from_json(sys.argv[1])))
