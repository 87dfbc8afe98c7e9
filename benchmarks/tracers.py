"""Who records spans: ours, the official SDK and logfire, each with a queue and an exporter that counts, for ``span.py`` and
``unsampled.py``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import Tracer

from benchmarks.peers import CountedSpans, logfire_tracing, official_tracing
from benchmarks.recording import NullExporter, make_pipeline
from heliograph.clock import SystemClock
from heliograph.pipeline import pipeline as pipelines
from heliograph.recording import TracerProvider

Work = Sequence[dict[str, Any]]

_NAME: Final = "GET /orders"  # no braces: logfire would fill them in
_numbers: Final = itertools.count()


class Traced(NamedTuple):
    """One contender. ``record`` and ``record_child`` make a span for each set of attributes, ``drain`` waits until all are
    exported, ``recorded`` says how many ever were."""

    record: Callable[[Work], None]
    record_child: Callable[[Work], None]
    drain: Callable[[], object]
    recorded: Callable[[], int]


def make_work(count: int) -> Work:
    """The attributes of ``count`` spans: two that repeat, three that never do."""
    return [
        {
            "http.request.method": "GET",
            "http.route": "/orders/{order_id}",
            "order.id": f"order-{number:09}",
            "order.items": number,
            "order.total": number * 1.01,
        }
        for number in itertools.islice(_numbers, count)
    ]


@contextmanager
def native_traced(sampler: Sampler = ALWAYS_ON) -> Iterator[Traced]:
    """Ours, with the default limits."""
    pipeline = make_pipeline(NullExporter())
    tracer = TracerProvider(sampler=sampler, accept=pipeline.accept, shutdown_on_exit=False).get_tracer("benchmark")

    def drain() -> None:
        pipelines.flush([pipeline], 30.0, SystemClock())

    def recorded() -> int:
        (counts,) = pipelines.ledger([pipeline]).values()
        return counts.delivered

    yield Traced(*calls(tracer), drain, recorded)
    pipelines.shutdown([pipeline], 10.0, SystemClock())


@contextmanager
def official_traced(sampler: Sampler = ALWAYS_ON) -> Iterator[Traced]:
    """The official SDK with its batch processor."""
    exporter = CountedSpans()
    provider = official_tracing(exporter, sampler)
    yield Traced(*calls(provider.get_tracer("benchmark")), provider.force_flush, lambda: exporter.count)
    provider.shutdown()


@contextmanager
def logfire_traced(sampled_share: float = 1.0) -> Iterator[Traced]:
    """logfire by its own calls, with the official batch processor, which is what it sends with."""
    exporter = CountedSpans()
    instance = logfire_tracing(exporter, sampled_share)

    def record(work: Work) -> None:
        for attributes in work:
            with instance.span(_NAME, _span_name=_NAME, **attributes):
                pass

    def record_child(work: Work) -> None:
        with instance.span("parent"):
            for attributes in work:
                with instance.span(_NAME, _span_name=_NAME) as span:
                    for key, value in attributes.items():
                        span.set_attribute(key, value)

    yield Traced(record, record_child, instance.force_flush, lambda: exporter.count)
    instance.shutdown()


def calls(tracer: Tracer) -> tuple[Callable[[Work], None], Callable[[Work], None]]:
    """How any tracer of OpenTelemetry records: root spans, and children of one span."""

    def record(work: Work) -> None:
        for attributes in work:
            with tracer.start_as_current_span(_NAME, attributes=attributes):
                pass

    def record_child(work: Work) -> None:
        with tracer.start_as_current_span("parent"):
            for attributes in work:
                with tracer.start_as_current_span(_NAME) as span:
                    for key, value in attributes.items():
                        span.set_attribute(key, value)

    return record, record_child
