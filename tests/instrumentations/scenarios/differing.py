"""Records what its argument says, so that two runs can be made to differ: the test of the comparison itself."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry import metrics, trace


def run(argument: str) -> Any:
    wanted = json.loads(argument)
    if wanted == "fail":
        raise LookupError("told to fail")
    with trace.get_tracer("app").start_as_current_span("outer"):
        with trace.get_tracer("app").start_as_current_span("inner", attributes={"value": wanted}):
            pass
        metrics.get_meter("app").create_counter("count").add(1, {"value": wanted})
