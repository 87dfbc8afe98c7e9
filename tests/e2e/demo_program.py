"""The demo on a recorder of choice, run as a program by `conftest.py`; the command has no option for that.

``demo_program.py RECORDER --duration ...`` takes those options of ``heliograph demo --json`` that the tests need.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading

from heliograph import TelemetryManager
from heliograph.demo import run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recorder")
    for name, kind, default in (
        ("duration", float, 60.0),
        ("linger", float, 0.0),
        ("rate", float, 20.0),
        ("port", int, 0),
        ("otlp", str, None),
        ("jaeger", str, None),
        ("directory", str, None),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    given = vars(parser.parse_args())
    recorder, duration_s, linger_s = given.pop("recorder"), given.pop("duration"), given.pop("linger")
    options = run.DemoOptions(duration_s=duration_s, linger_s=linger_s, service_port=0, seed=1, **given)
    ended = threading.Event()
    settings = {**run._settings(options), "recorder": recorder}
    with run._ended_by_signals(ended), TelemetryManager.start("heliograph-demo", **settings) as telemetry:
        summary = run._Demo(telemetry, options, lambda line: print(line, file=sys.stderr)).run(ended)
    print(json.dumps(summary.as_mapping()))


main()
