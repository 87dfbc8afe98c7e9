"""What the programs of the matrix share: how they start, and one unit of work, which is a span and one more in a counter.

Where to send and which port to open stands in the environment, as the tests put it there.
"""

from __future__ import annotations

import os
import time

from heliograph import TelemetryManager


def start() -> TelemetryManager:
    """The one start that a program makes, in whichever process loads it first."""
    to = {"type": "otlp", "endpoint": os.environ["UNITS_ENDPOINT"]}
    return TelemetryManager.start(
        service_name="units",
        tracing={"exporters": [to]},
        metrics={"exporters": ["prometheus", to]},
        logs={"enabled": False},
        server={"port": int(os.environ["UNITS_PORT"])},
    )


def do(number: str, takes_s: float = 0.0) -> None:
    """One unit, recorded by whoever runs in this process; ``number`` is found in the span again."""
    telemetry = TelemetryManager.current()
    with telemetry.span("unit", n=number, pid=os.getpid()):
        time.sleep(takes_s)
        telemetry.increment_counter("units.done", 1)
