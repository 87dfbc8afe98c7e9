"""Runs one scenario under one recorder: ``python -m tests.instrumentations.runner SCENARIO RECORDER ENDPOINT PROTOCOL ARG``.

Called by ``comparison.py`` in a process of its own. Starts a manager that exports over OTLP to the endpoint, calls the
scenario, delivers everything and prints the scenario's facts, with the modules of the providers, as the last line. Any failure
ends it with a code other than 0.
"""

from __future__ import annotations

import importlib
import json
import sys

from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import get_tracer_provider

from heliograph import TelemetryManager

# Sections that add telemetry of their own, which is not what a scenario is about.
_OFF = {"enabled": False}


def main(scenario: str, recorder: str, endpoint: str, protocol: str, argument: str) -> int:
    """Run ``scenario`` (a module of ``scenarios/``); returns the exit code."""
    exporters = [{"type": "otlp", "endpoint": endpoint, "protocol": protocol}]
    telemetry = TelemetryManager.start(
        "under-test",
        recorder=recorder,
        resource={"service.instance.id": "the-only-one"},
        tracing={"exporters": exporters},
        # An interval longer than any scenario: what is compared is the one collection that the shutdown asks for.
        metrics={"exporters": exporters, "collection_interval": "600s"},
        logs={"exporters": exporters},
        server=_OFF,
        health=_OFF,
        system=_OFF,
    )
    recorded_by = [type(get()).__module__ for get in (get_tracer_provider, get_meter_provider, get_logger_provider)]
    # Loaded when telemetry runs, as the modules of an application are.
    facts = importlib.import_module(f"tests.instrumentations.scenarios.{scenario}").run(argument)
    report = telemetry.shutdown(20.0)
    if not report.is_complete:
        print(report, file=sys.stderr)
        return 1
    print(json.dumps({"facts": facts, "recorder": recorded_by}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
