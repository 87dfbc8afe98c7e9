"""What records at the moment: the three OpenTelemetry objects that every recording call of the manager goes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from opentelemetry._logs import Logger, NoOpLogger
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import NoOpTracer, Tracer

from heliograph.names import SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A tracer, a meter and a logger. The default ones do nothing: that is a manager that is not running or disabled."""

    tracer: Tracer = field(default_factory=NoOpTracer)
    meter: Meter = field(default_factory=lambda: NoOpMeter(SCOPE))
    logger: Logger = field(default_factory=lambda: NoOpLogger(SCOPE))


IDLE = Recorder()


def nowhere(_item: Any) -> None:
    """Where spans and log records go when nobody takes them."""
