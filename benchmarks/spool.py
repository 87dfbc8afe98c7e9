"""What the spool costs: how fast it takes requests, and what it adds to the CPU of a span, recorded to delivered."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.measure import Effort
from benchmarks.recording import NullExporter, make_pipeline, record_spans, tracer_into
from benchmarks.row import Bar, Row
from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.spool import Kept, Spool

_BODY_BYTES: Final = 40_000  # about a chunk of 128 spans
_MEGABYTE: Final = 1e6


def spool(effort: Effort) -> list[Row]:
    """Throughput, and CPU beside that without a spool."""
    return [_throughput(effort), _added_cpu(effort)]


def _throughput(effort: Effort) -> Row:
    batch = Batch(signal="traces", count=128, body=bytes(range(250)) * (_BODY_BYTES // 250))
    rates = []
    for _ in range(max(3, effort.rounds // 10)):
        with tempfile.TemporaryDirectory() as folder:
            target = _spool(Path(folder))
            started_at = time.perf_counter()
            written = 0
            while written < effort.size * _BODY_BYTES and target.append(batch) is Kept.YES:
                written += len(batch.body)
            rates.append(written / _MEGABYTE / (time.perf_counter() - started_at))
            target.close()
    return Row(what="spool: append requests of 40 kB", unit="MB/s", ours=statistics.median(rates), bar=Bar("at least", 50))


def _added_cpu(effort: Effort) -> Row:
    with_spool, without = [], []
    for _ in range(max(3, effort.rounds // 5)):
        with tempfile.TemporaryDirectory() as folder:
            with_spool.append(_cpu_s(effort, _spool(Path(folder))))
        without.append(_cpu_s(effort, None))
    return Row(
        what="CPU of 10 batches of spans, recorded to delivered, spool `always`",
        unit="ms",
        ours=1e3 * statistics.median(with_spool),
        peer=1e3 * statistics.median(without),
        peer_name="spool off",
        bar=Bar("ratio at most", 1.05),
    )


def _cpu_s(effort: Effort, behind: Spool | None) -> float:
    """Process CPU in seconds, all threads together."""
    pipeline = make_pipeline(NullExporter(), queue_size=20 * effort.size, spool=behind, is_spooled_first=behind is not None)
    tracer = tracer_into(pipeline)
    started_s = time.process_time()
    record_spans(tracer, 10 * effort.size)
    pipelines.shutdown([pipeline], 30.0, SystemClock())
    return time.process_time() - started_s


def _spool(folder: Path) -> Spool:
    return Spool(folder, max_bytes=1 << 30, max_age_s=3600.0, clock=SystemClock())
