"""A plain script, with threads if it is told to."""

from __future__ import annotations

import atexit
import itertools
import resource
import signal
import socket
import sys
import threading
import time

from heliograph import TelemetryManager
from tests.faults.rig.scripts import recording
from tests.faults.rig.scripts.recording import JumpingClock, Recorder
from tests.faults.rig.work import Work


def record(work: Work, recorder: Recorder, clock: JumpingClock) -> None:
    is_over = recording.handle_sigterm(work.sigterm)
    if work.threads == 1:
        parts = len(work.clock_jumps_s) + 1
        for part, jump_s in enumerate((0.0, *work.clock_jumps_s)):
            clock.jumped_ns += round(jump_s * 1e9)
            recorder.run(work.signals, work.items // parts, work.rate, f".{part}" if parts > 1 else "", is_over)
        return
    share = (work.items // work.threads, work.rate / work.threads)
    threads = [
        threading.Thread(target=recorder.run, args=(work.signals, *share, f".{number}", is_over))
        for number in range(work.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end(work: Work, recorder: Recorder, telemetry: TelemetryManager) -> None:
    match work.end:
        case "shutdown":
            recording.end_with_shutdown(recorder, telemetry)
        case "exit":
            sys.exit(3)
        case "raise":
            raise RuntimeError("of the application")
        case "thread":
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
        case "wait":
            recording.say(is_waiting=True)
            while True:
                signal.pause()


def main() -> None:
    work = Work.from_json(sys.argv[1])
    recording.log_to_stderr()
    if work.kind == "files of 32 KiB":
        resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, resource.RLIM_INFINITY))
    if work.names_hang:
        socket.getaddrinfo = lambda *_arguments, **_options: time.sleep(3600)  # type: ignore[assignment]
    finals = itertools.count()

    @atexit.register  # before the manager's own, so that it runs after that
    def say_the_end() -> None:
        if work.end != "shutdown" and next(finals) == 0:
            recording.say_the_end(recorder, telemetry, telemetry.shutdown(), None)

    clock = JumpingClock()
    telemetry = recording.start(work, clock)
    recording.tick_forever(telemetry, work.tick_s)
    recorder = Recorder(telemetry, work.prefix)
    record(work, recorder, clock)
    recording.wait_until_settled(telemetry, work.settle_s)
    recording.wait_until_settled(telemetry, work.flush_s, is_hurried=True)
    end(work, recorder, telemetry)


if __name__ == "__main__":
    main()
