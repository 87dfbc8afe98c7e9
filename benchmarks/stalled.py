"""How long a span takes the application while its collector does not answer, beside one that does."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.measure import Effort
from benchmarks.receiver import receiver
from benchmarks.recording import make_pipeline, record_spans, tracer_into
from benchmarks.row import Bar, Row
from heliograph.clock import SystemClock
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline import pipeline as pipelines

_SPANS_PER_S: Final = 2000


def stalled(effort: Effort) -> list[Row]:
    """The 99th percentile of recording calls, beside that with a collector that is well."""
    healthy_ms, stalled_ms = [], []
    for _ in range(max(1, effort.rounds // 20)):
        with receiver() as well:
            healthy_ms.append(_p99_ms(well.url, effort))
        with _black_hole() as url:
            stalled_ms.append(_p99_ms(url, effort))
    healthy, unwell = statistics.median(healthy_ms), statistics.median(stalled_ms)
    allowed = max(healthy * 1.05, healthy + 1.0)
    return [
        Row(
            what="p99 of a recorded span while the collector stalls; allowed are 5% or 1 ms more",
            unit="ms",
            ours=unwell,
            peer=healthy,
            peer_name="collector well",
            bar=Bar("at most", allowed),
        )
    ]


def _p99_ms(url: str, effort: Effort) -> float:
    transport = OtlpHttpTransport(SIGNALS["traces"], url, headers={}, compression="gzip")
    pipeline = make_pipeline(OtlpExporter(transport))
    tracer = tracer_into(pipeline)
    taken_ns = []
    for number in range(_SPANS_PER_S if effort.rounds < 10 else 4 * _SPANS_PER_S):
        started_ns = time.perf_counter_ns()
        record_spans(tracer, 1)
        taken_ns.append(time.perf_counter_ns() - started_ns)
        if number % 20 == 0:
            time.sleep(20 / _SPANS_PER_S)
    pipelines.shutdown([pipeline], 0.0, SystemClock())
    return statistics.quantiles(taken_ns, n=100)[98] / 1e6


@contextmanager
def _black_hole() -> Iterator[str]:
    """Takes connections and never reads from them."""
    listener: Any = socket.create_server(("127.0.0.1", 0))
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
