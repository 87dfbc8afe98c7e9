"""How long it takes from nothing to a process that records and delivers, beside the official SDK wired the same.

Each start is a fresh child process, ours and the official one in turn, that measures itself from its first statement: the
imports and the start, as wall time and as CPU time. Both get traces, metrics and logs to OTLP/HTTP, metrics to Prometheus with
an HTTP server of its own on a free port, and become the global providers. Ours does by default what the SDK has not: system
metrics, health checks and their endpoint. Nothing listens at the OTLP endpoint, and the children end without delivering. Not
measured: the start of the interpreter. The byte code is there, as it is from the second start on.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.measure import Effort
from benchmarks.row import Bar, Row

_BAR: Final = Bar("ratio at most", 1.1)
_ROOT: Final = Path(__file__).parents[1]
_MOST_ROUNDS: Final = 21
_AROUND: Final = """
import time
wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
{start}
taken_ns = time.perf_counter_ns() - wall_ns, time.process_time_ns() - cpu_ns
import json, os, sys
sys.stdout.write(json.dumps(taken_ns))
sys.stdout.flush()
os._exit(0)
"""
_OURS: Final = """
from heliograph import TelemetryManager
otlp = {"type": "otlp", "endpoint": "http://127.0.0.1:9"}
TelemetryManager.start(
    service_name="benchmark",
    tracing={"exporters": [otlp]},
    metrics={"exporters": [{"type": "prometheus", "port": 0}, otlp]},
    logs={"exporters": [otlp]},
)
"""
_OFFICIAL: Final = """
import prometheus_client
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
endpoint = "http://127.0.0.1:9"
resource = Resource.create({"service.name": "benchmark"})
tracing = TracerProvider(resource=resource)
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
trace.set_tracer_provider(tracing)
pushing = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"))
metrics.set_meter_provider(MeterProvider([pushing, PrometheusMetricReader()], resource))
logs = LoggerProvider(resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))
set_logger_provider(logs)
prometheus_client.start_http_server(0, "127.0.0.1")
"""


def start_up(effort: Effort) -> list[Row]:
    """In ms a start."""
    ours, official = _OURS, _OFFICIAL
    taken: dict[str, list[tuple[float, float]]] = {ours: [], official: []}
    for start in taken:  # the first one writes byte code
        _start(start)
    for number in range(min(effort.rounds, _MOST_ROUNDS)):
        for start in (ours, official) if number % 2 else (official, ours):
            taken[start].append(_start(start))
    medians = {start: [statistics.median(column) for column in zip(*found, strict=True)] for start, found in taken.items()}
    return [
        Row(
            what=f"import and start with OTLP/HTTP and Prometheus, {what}",
            unit="ms",
            ours=medians[ours][column],
            peer=medians[official][column],
            peer_name="opentelemetry-sdk",
            bar=_BAR,
        )
        for column, what in enumerate(("wall time", "CPU time"))
    ]


def _start(code: str) -> tuple[float, float]:
    """Wall and CPU time of one child, in ms."""
    command = [sys.executable, "-c", _AROUND.format(start=code)]
    ended = subprocess.run(command, cwd=_ROOT, env=_environ(), capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    if ended.returncode != 0:
        raise RuntimeError(f"a start failed:\n{ended.stderr}")
    wall_ns, cpu_ns = json.loads(ended.stdout)
    return wall_ns / 1e6, cpu_ns / 1e6


def _environ() -> dict[str, str]:
    """Ours, without what configures OpenTelemetry or forbids byte code."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHONDONTWRITE"))}
