"""What waits takes memory: a full queue whose collector takes nothing, and one span in it before and after encoding.

Measured are the bytes that Python and its libraries have allocated (``tracemalloc``), ours and the official SDK's, whose spans
wait as objects until they are sent.
"""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from benchmarks.measure import Effort
from benchmarks.recording import make_pipeline, record_spans, tracer_into, tracer_to
from benchmarks.row import Bar, Row
from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome

_QUEUE_SIZE: Final = 2048
_BATCH_SIZE: Final = 512
_KIB: Final = 1024


def queue_memory(_effort: Effort) -> list[Row]:
    """Bytes, which do not depend on the effort."""
    ours, official = _bytes_a_span(_fill_ours), _bytes_a_span(_fill_official)
    new = _bytes_a_span(_collect_ours)
    one = "one queued span with 5 attributes"
    return [
        Row(
            what="a full queue of 2,048 spans with 5 attributes",
            unit="KiB",
            ours=ours * _QUEUE_SIZE / _KIB,
            peer=official * _QUEUE_SIZE / _KIB,
            peer_name="opentelemetry-sdk",
            bar=Bar("ratio at most", 1 / 3),
        ),
        Row(what=f"{one}, not yet encoded", unit="bytes", ours=new, peer=official, peer_name="opentelemetry-sdk"),
        Row(what=f"{one}, encoded", unit="bytes", ours=ours, peer=official, peer_name="opentelemetry-sdk"),
    ]


def _bytes_a_span(fill: Callable[[], tuple[int, Callable[[], None]]]) -> float:
    """What is held for each; the batch that hangs in the exporter counts with its spans."""
    fill()[1]()  # what is made once, such as caches and thread stacks, is there after the first time
    tracemalloc.start()
    try:
        gc.collect()
        before, _peak = tracemalloc.get_traced_memory()
        spans, release = fill()
        gc.collect()
        after, _peak = tracemalloc.get_traced_memory()
        release()
    finally:
        tracemalloc.stop()
    return (after - before) / spans


class _Stalled:
    takes_items = False

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def prepare(self, batch: Batch) -> Attempt:
        def attempt(_timeout_s: float) -> Outcome:
            self.go_on.wait(60)
            return Delivered()

        return attempt

    def close(self) -> None:
        pass


def _fill_ours() -> tuple[int, Callable[[], None]]:
    exporter = _Stalled()
    pipeline = make_pipeline(exporter, queue_size=_QUEUE_SIZE)
    _fill(tracer_into(pipeline))
    (counts,) = pipelines.ledger([pipeline]).values()

    def release() -> None:
        exporter.go_on.set()
        pipelines.shutdown([pipeline], 10.0, SystemClock())

    return counts.pending, release


def _collect_ours() -> tuple[int, Callable[[], None]]:
    """Spans as they lie in the queue before its worker takes them, a thing of a moment: here they stay."""
    waiting: deque[Any] = deque()
    record_spans(tracer_to(waiting.append), _QUEUE_SIZE)
    return len(waiting), waiting.clear


class _StalledOfficial(SpanExporter):
    def __init__(self) -> None:
        self.go_on = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.go_on.wait(60)
        return SpanExportResult.SUCCESS


def _fill_official() -> tuple[int, Callable[[], None]]:
    exporter = _StalledOfficial()
    processor = BatchSpanProcessor(exporter, max_queue_size=_QUEUE_SIZE, max_export_batch_size=_BATCH_SIZE)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _fill(provider.get_tracer("benchmark"))

    def release() -> None:
        exporter.go_on.set()
        provider.shutdown()

    return _QUEUE_SIZE + _BATCH_SIZE, release


def _fill(tracer: Tracer) -> None:
    """Until the first batch hangs in the exporter and the queue behind it is full."""
    for count in (_BATCH_SIZE, _QUEUE_SIZE):
        record_spans(tracer, count)
        time.sleep(0.5)
