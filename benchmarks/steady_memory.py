"""Whether memory stays where it is while a process records on and on.

A child process records a million native spans with five attributes, three of them new each time, through a pipeline with an
exporter that costs nothing, flushing each 1,000 so that none is dropped. Reported is by how much its resident memory grew from
the time when a fifth was recorded, and all caches were filled, to the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil

from benchmarks.measure import Effort
from benchmarks.recording import NullExporter, make_pipeline, record_spans, tracer_into
from benchmarks.row import Bar, Row
from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines

_ROOT: Final = Path(__file__).parents[1]
_FULL_SPANS: Final = 1_000_000
_QUICK_SPANS: Final = 10_000
_AT_ONCE: Final = 1000
_MIB: Final = 1024 * 1024


def steady_memory(effort: Effort) -> list[Row]:
    """In MiB of resident memory."""
    spans = _QUICK_SPANS if effort.rounds < 10 else _FULL_SPANS
    command = [sys.executable, "-m", "benchmarks.steady_memory", str(spans)]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True, timeout=300)  # noqa: S603
    grown_bytes = json.loads(ended.stdout)
    return [
        Row(
            what=f"growth of memory while {spans * 4 // 5:,} spans are recorded, after {spans // 5:,}",
            unit="MiB",
            ours=grown_bytes / _MIB,
            bar=Bar("at most", 3.0),
        )
    ]


def _grown_bytes(spans: int) -> int:
    process = psutil.Process()
    pipeline = make_pipeline(NullExporter())
    tracer = tracer_into(pipeline)
    at_a_fifth = 0
    for recorded in range(0, spans, _AT_ONCE):
        if recorded == spans // 5:
            at_a_fifth = process.memory_info().rss
        record_spans(tracer, _AT_ONCE, first=recorded)
        pipelines.flush([pipeline], 30.0, SystemClock())
    at_the_end = process.memory_info().rss
    (counts,) = pipelines.ledger([pipeline]).values()
    if counts.delivered != spans:
        raise RuntimeError(f"{counts.delivered} spans were delivered, expected {spans}")
    pipelines.shutdown([pipeline], 10.0, SystemClock())
    return at_the_end - at_a_fifth


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_grown_bytes(int(sys.argv[1]))))
