"""Spans recorded by the native recorder on their way into a pipeline, as the other benchmarks need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Tracer

from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.outcome import Attempt, Delivered, Exporter
from heliograph.pipeline.pipeline import Pipeline
from heliograph.pipeline.spool import Spool
from heliograph.recording import TracerProvider


class NullExporter:
    """Takes everything at no cost."""

    takes_items = False

    def prepare(self, batch: Batch) -> Attempt:
        return lambda _timeout_s: Delivered()

    def close(self) -> None:
        pass


def make_pipeline(
    exporter: Exporter,
    *,
    signal: Signal = Signal.TRACES,
    queue_size: int = 2048,
    spool: Spool | None = None,
    is_spooled_first: bool = False,
) -> Pipeline[Any]:
    """A pipeline of spans or log records to one destination, with the default limits but for the queue."""
    limits = Limits(queue_size=queue_size)
    delivery = Delivery(signal, "there", exporter, limits, spool=spool, is_spooled_first=is_spooled_first)
    return Pipeline(signal, [delivery], encoder=SIGNALS[signal.value].encoder())


def tracer_into(pipeline: Pipeline[Any]) -> Tracer:
    """A native tracer whose spans go into ``pipeline``."""
    return tracer_to(pipeline.accept)


def tracer_to(accept: Callable[[Any], None]) -> Tracer:
    """A native tracer whose ended spans are given to ``accept``."""
    return TracerProvider(accept=accept, shutdown_on_exit=False).get_tracer("benchmark")


def record_spans(tracer: Tracer, count: int, *, first: int = 0) -> None:
    """Spans with five attributes: two that repeat, three that do not. They are numbered from ``first``."""
    for number in range(first, first + count):
        with tracer.start_as_current_span("GET /orders/{order_id}") as span:
            span.set_attributes(
                {
                    "http.request.method": "GET",
                    "http.route": "/orders/{order_id}",
                    "order.id": f"order-{number:09}",
                    "order.items": number,
                    "order.total": number * 1.01,
                }
            )
