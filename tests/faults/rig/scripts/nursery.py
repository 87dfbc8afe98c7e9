"""A parent with everything imported that forks a subject for each line of standard input, so that killing hundreds is fast.

A line is a subject's work; the subject records as fast as it can until it is killed, and says every few milliseconds how many
of its items it calls acknowledged: delivered, or on disk.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time

from heliograph import TelemetryManager
from tests.faults.rig.scripts import recording
from tests.faults.rig.work import Work

MOST_UNACKNOWLEDGED = 2000


def acknowledged(telemetry: TelemetryManager) -> tuple[int, int]:
    """How many of its own items are acknowledged, and how many are not. What it found of others' was on disk before."""
    counts = telemetry.ledger()["traces", "otlp"]
    done = counts.delivered + counts.spooled + sum(counts.dropped.values()) - counts.recovered
    return done, counts.accepted - counts.recovered - done


def live(work: Work) -> None:
    telemetry = recording.start(work)
    recorder = recording.Recorder(telemetry, work.prefix)

    def say_forever() -> None:
        while True:
            done, _open = acknowledged(telemetry)
            dropped = dict(telemetry.ledger()["traces", "otlp"].dropped)
            recording.say(prefix=work.prefix, acknowledged=done, dropped=dropped)
            time.sleep(0.005)

    threading.Thread(target=say_forever, daemon=True).start()
    for number in itertools.count():
        recorder.span(f"{work.prefix}-{number}")
        while number % 100 == 0 and acknowledged(telemetry)[1] > MOST_UNACKNOWLEDGED:
            time.sleep(0.001)


def main() -> None:
    recording.log_to_stderr()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for a child
    for line in sys.stdin:
        work = Work.from_json(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            live(work)
        recording.say(prefix=work.prefix, child=child)


if __name__ == "__main__":
    main()
