"""Encoding: native items and the SDK's to the bytes of an OTLP request, beside the official encoder with its
``SerializeToString``, which takes the SDK's only.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry import trace as api
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from heliograph.otlp.logs import LogEncoder
from heliograph.otlp.metrics import MetricEncoder
from heliograph.otlp.traces import TraceEncoder
from heliograph.recording import TracerProvider as NativeTracerProvider

_SPANS_BAR: Final = Bar("ratio at most", 1 / 8)
_RESOURCE: Final = Resource({"service.name": "shop", "service.version": "1.2.3", "host.name": "shop-1"})
_ROUTES: Final = ("/orders/{id}", "/users/{id}", "/search", "/cart")
_CHILDREN: Final = 3


def encode(effort: Effort) -> list[Row]:
    """Each signal, in us an item."""
    dice = random.Random(1)  # noqa: S311 - the same work in each run
    spans, native_spans = _SpanMaker(effort.size), _NativeSpanMaker(effort.size)
    kinds = (
        _Kind(
            "native spans, 5 attributes, 2 of them new",
            lambda: spans.make(lambda: _usual(dice)),
            TraceEncoder,
            encode_spans,
            _SPANS_BAR,
            lambda: native_spans.make(lambda: _usual(dice)),
        ),
        _Kind(
            "the SDK's spans, 5 attributes, 2 of them new",
            lambda: spans.make(lambda: _usual(dice)),
            TraceEncoder,
            encode_spans,
        ),
        _Kind(
            "the SDK's spans, 5 attributes, all of them new",
            lambda: spans.make(lambda: _never_seen(dice)),
            TraceEncoder,
            encode_spans,
        ),
        _Kind("log records, 5 attributes, 2 of them new", lambda: _logs(effort.size, dice), LogEncoder, encode_logs),
        _Kind("data points, 3 attributes", _metrics_maker(effort.size, dice), MetricEncoder, _encode_collections),
    )
    return [_row(kind, effort) for kind in kinds]


class _Kind(NamedTuple):
    """One comparison. ``make_items`` makes fresh items, ``make_native`` those that ours takes in place of them,
    ``make_encoder`` ours, which is kept and so gets warm."""

    what: str
    make_items: Callable[[], Sequence[Any]]
    make_encoder: Callable[[], Any]
    official: Callable[[Any], Any]
    bar: Bar | None = None
    make_native: Callable[[], Sequence[Any]] | None = None


def _row(kind: _Kind, effort: Effort) -> Row:
    encoder = kind.make_encoder()

    def make() -> tuple[Sequence[Any], Sequence[Any]]:
        items = kind.make_items()
        return items if kind.make_native is None else kind.make_native(), items

    contenders = (
        lambda both: encoder.encode(both[0]),
        lambda both: kind.official(both[1]).SerializeToString(),
    )
    ours_ns, official_ns = medians_ns(make, contenders, effort.rounds)
    return Row(
        what=f"encode {kind.what}",
        unit="us an item",
        ours=ours_ns / effort.size / 1000,
        peer=official_ns / effort.size / 1000,
        peer_name="official encoder",
        bar=kind.bar,
    )


def _usual(dice: random.Random) -> dict[str, Any]:
    """As a request handler records it: three values that come again and again, an id and a measurement that never do."""
    return {
        "http.route": dice.choice(_ROUTES),
        "http.response.status_code": dice.choice((200, 200, 201, 404)),
        "cache.hit": dice.random() < 0.5,
        "order.id": str(uuid.UUID(int=dice.getrandbits(128))),
        "order.price": dice.random() * 100,
    }


def _never_seen(dice: random.Random) -> dict[str, Any]:
    """The worst that can come: nothing that was remembered helps."""
    return {
        "order.id": str(uuid.UUID(int=dice.getrandbits(128))),
        "order.token": f"{dice.getrandbits(64):x}",
        "http.response.body.size": dice.randrange(100, 100_000),
        "order.price": dice.random() * 100,
        "order.weight": dice.random(),
    }


class _SpanMaker(SpanProcessor):
    """Records with the SDK what it hands out: one span in four is a server's, the others are its children in another scope."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ended: list[ReadableSpan] = []
        provider = TracerProvider(resource=_RESOURCE, shutdown_on_exit=False)
        provider.add_span_processor(self)
        self._provider = provider

    def on_end(self, span: ReadableSpan) -> None:
        self._ended.append(span)

    def make(self, make_attributes: Callable[[], dict[str, Any]]) -> list[ReadableSpan]:
        """Fresh spans in the order of their ends."""
        self._ended = []
        _record(self._provider, self._size, make_attributes)
        return self._ended


class _NativeSpanMaker:
    """The same by the native recorder."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ended: list[Any] = []
        self._provider = NativeTracerProvider(resource=_RESOURCE, shutdown_on_exit=False, accept=self._take)

    def _take(self, span: Any) -> None:
        self._ended.append(span)

    def make(self, make_attributes: Callable[[], dict[str, Any]]) -> list[Any]:
        """Fresh spans in the order of their ends."""
        self._ended = []
        _record(self._provider, self._size, make_attributes)
        return self._ended


def _record(provider: api.TracerProvider, size: int, make_attributes: Callable[[], dict[str, Any]]) -> None:
    server, database = provider.get_tracer("shop.server", "1.0"), provider.get_tracer("shop.database", "2.0")
    for _ in range(size // (1 + _CHILDREN)):
        with server.start_as_current_span("handle request", attributes=make_attributes()):
            for number in range(_CHILDREN):
                with database.start_as_current_span(f"query {number}", attributes=make_attributes()):
                    pass


def _logs(size: int, dice: random.Random) -> Sequence[Any]:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(_RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("shop", "1.0")
    for number in range(size):
        logger.emit(
            timestamp=1_700_000_000_000_000_000 + number,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=f"order {dice.getrandbits(32)} was placed",
            attributes=_usual(dice),
        )
    return exporter.get_finished_logs()


def _metrics_maker(size: int, dice: random.Random) -> Callable[[], Sequence[Any]]:
    """A process whose counter has ``size`` series, collected again and again."""
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], _RESOURCE, shutdown_on_exit=False).get_meter("shop", "1.0").create_counter("orders")

    def make() -> Sequence[Any]:
        for number in range(size):
            counter.add(dice.randrange(1000), {"route": _ROUTES[number % 4], "status": 200, "customer": f"c{number}"})
        return [reader.get_metrics_data()]

    return make


def _encode_collections(collections: Sequence[Any]) -> Any:
    return encode_metrics(collections[0])
