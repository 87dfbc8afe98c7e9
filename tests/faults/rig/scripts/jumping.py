"""A plain script on a machine whose wall clock jumps, for everything that reads it: while one span in ten is open."""

from __future__ import annotations

import itertools
import sys
import time

_real_time_ns = time.time_ns
_jumped_ns = 0

# Before anybody can have taken the functions themselves out of the module.
time.time_ns = lambda: _real_time_ns() + _jumped_ns
time.time = lambda: time.time_ns() / 1e9

from tests.faults.rig.scripts import recording  # noqa: E402
from tests.faults.rig.work import Work  # noqa: E402


class JumpingRecorder(recording.Recorder):
    """Jumps in the middle of its spans."""

    def __init__(self, telemetry: object, jumps_s: tuple[float, ...]) -> None:
        super().__init__(telemetry)  # type: ignore[arg-type]
        self._jumps_ns = itertools.cycle(round(jump_s * 1e9) for jump_s in jumps_s)
        self._count = 0

    def span(self, number: str) -> None:
        global _jumped_ns  # noqa: PLW0603
        self._count += 1
        with self._telemetry.span("work", n=number):
            if self._count % 10 == 0:
                _jumped_ns += next(self._jumps_ns)


def main() -> None:
    work = Work.from_json(sys.argv[1])
    recording.log_to_stderr()
    telemetry = recording.start(work)
    recording.tick_forever(telemetry, work.tick_s)
    recorder = JumpingRecorder(telemetry, work.clock_jumps_s)
    recorder.run(work.signals, work.items, work.rate)
    recording.wait_until_settled(telemetry, work.settle_s)
    recording.end_with_shutdown(recorder, telemetry)


if __name__ == "__main__":
    main()
