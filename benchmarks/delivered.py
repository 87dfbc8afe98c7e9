"""What a span costs the process from its start to its delivery over OTLP/HTTP, beside the official SDK.

Measured is the CPU time of this process, all threads together. One round records 1,024 spans, which fit each one's queue, and
flushes, which waits for the receiver's answers; the receiver is another process (``receiver.py``) and counts what it gets.
Both have their default limits, a kept-alive connection and the same kind of new values in each round. When one span is missing
or doubled in the end, there is no row. Not measured: the time on the wire, and the receiver's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import process_time_ns
from typing import Final

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.trace import Tracer

from benchmarks.measure import Effort, medians_ns
from benchmarks.peers import official_tracing
from benchmarks.receiver import Receiver, receiver
from benchmarks.recording import make_pipeline, tracer_into
from benchmarks.row import Bar, Row
from benchmarks.tracers import Work, calls, make_work
from heliograph.clock import SystemClock
from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline import pipeline as pipelines

_SPANS: Final = 1024
_BAR: Final = Bar("ratio at most", 1 / 7)
_COMPRESSIONS: Final = (
    # ours, the official one, what is said of it, what is promised
    ("none", Compression.NoCompression, "neither compresses", _BAR),
    ("gzip", Compression.Gzip, "both compress", _BAR),
)


def delivered(effort: Effort) -> list[Row]:
    """Without compression, which is the default of both, and with gzip; CPU in us a span."""
    rows = []
    for our_compression, their_compression, said, bar in _COMPRESSIONS:
        ours, official = _microseconds(our_compression, their_compression, effort)
        what = f"CPU of a span, start to delivered over OTLP/HTTP; {said}"
        rows.append(Row(what=what, unit="us", ours=ours, peer=official, peer_name="opentelemetry-sdk", bar=bar))
    return rows


def _microseconds(our_compression: str, their_compression: Compression, effort: Effort) -> list[float]:
    rounds = max(2, effort.rounds // 4)
    with ExitStack() as stack:
        enter = stack.enter_context
        receivers = enter(receiver()), enter(receiver())
        contenders = (
            enter(_native(receivers[0], our_compression)),
            enter(_official(receivers[1], their_compression)),
        )
        taken_ns = medians_ns(lambda: make_work(_SPANS), contenders, rounds, process_time_ns)
        counts = [it.count() for it in receivers]
    if len(set(counts)) != 1 or counts[0] % _SPANS or counts[0] < rounds * _SPANS:
        raise RuntimeError(f"{counts} spans were delivered by ours and by the official SDK, expected all, each once")
    return [taken / _SPANS / 1000 for taken in taken_ns]


@contextmanager
def _native(to: Receiver, compression: str) -> Iterator[Callable[[Work], None]]:
    transport = OtlpHttpTransport(SIGNALS["traces"], to.url, headers={}, compression=compression)
    pipeline = make_pipeline(OtlpExporter(transport))

    def flush() -> bool:
        return pipelines.flush([pipeline], 30.0, SystemClock())

    yield _delivering(tracer_into(pipeline), flush)
    pipelines.shutdown([pipeline], 10.0, SystemClock())


@contextmanager
def _official(to: Receiver, compression: Compression) -> Iterator[Callable[[Work], None]]:
    provider = official_tracing(OTLPSpanExporter(f"{to.url}/v1/traces", compression=compression))
    yield _delivering(provider.get_tracer("benchmark"), provider.force_flush)
    provider.shutdown()


def _delivering(tracer: Tracer, flush: Callable[[], bool]) -> Callable[[Work], None]:
    record, _record_child = calls(tracer)

    def deliver(work: Work) -> None:
        record(work)
        if not flush():
            raise RuntimeError("a flush did not deliver everything")

    return deliver
