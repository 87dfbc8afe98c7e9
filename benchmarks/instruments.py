"""What CPU time a measurement takes: with attributes beside the official SDK, bound beside a child of ``prometheus_client``.

Ours and the official meter provider each have a reader in memory of the SDK's attached. Attributes are three, given anew as
a dictionary with each call, out of 60 sets that come again and again, as the routes, methods and status codes of a service do.
"Inside a span" means inside a sampled one, each one's own, so that both look for exemplars. Nothing is collected while the
time runs; in the end both readers must hold the same count and sum.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import prometheus_client
from opentelemetry.metrics import Meter
from opentelemetry.sdk import metrics as official_metrics
from opentelemetry.sdk import trace as official_trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import Tracer

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from heliograph.recording import MeterProvider, TracerProvider

_ATTRIBUTES_BAR: Final = Bar("ratio at most", 1 / 8)
_BOUND_BAR: Final = Bar("ratio at most", 1.0)
_METHODS: Final = ("GET", "PUT", "POST", "DELETE")
_ROUTES: Final = ("/orders/{id}", "/users/{id}", "/search", "/cart", "/")
_STATUSES: Final = (200, 201, 404)
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

_Work = Sequence[tuple[float, dict[str, Any]]]
_Call = Callable[[_Work], None]


def instruments(effort: Effort) -> list[Row]:
    """In us a measurement."""
    readers = InMemoryMetricReader(), InMemoryMetricReader()
    meters = (
        MeterProvider([readers[0]], shutdown_on_exit=False).get_meter("benchmark"),
        official_metrics.MeterProvider([readers[1]], shutdown_on_exit=False).get_meter("benchmark"),
    )
    tracers = (
        TracerProvider(shutdown_on_exit=False).get_tracer("benchmark"),
        official_trace.TracerProvider(shutdown_on_exit=False).get_tracer("benchmark"),
    )
    rows = [*_with_attributes(effort, meters, tracers), *_bound(effort, meters[0])]
    _compare(readers)
    return rows


def _with_attributes(effort: Effort, meters: Sequence[Meter], tracers: Sequence[Tracer]) -> list[Row]:
    rows = []
    for what, make_call in (("counter", _counting), ("histogram", _observing)):
        calls = [make_call(meter) for meter in meters]
        inside = [_inside_a_span(tracer, call) for tracer, call in zip(tracers, calls, strict=True)]
        for said, contenders, bar in (("", calls, _ATTRIBUTES_BAR), (", inside a span", inside, None)):
            ours, official = _microseconds(effort, contenders)
            name = f"{what} with 3 attributes{said}"
            rows.append(Row(what=name, unit="us", ours=ours, peer=official, peer_name="opentelemetry-sdk", bar=bar))
    return rows


def _bound(effort: Effort, meter: Meter) -> list[Row]:
    registry = prometheus_client.CollectorRegistry()
    names = ("method", "route", "status")
    counter = prometheus_client.Counter("benchmark_bound_calls", "", names, registry=registry).labels("GET", "/", "200")
    histogram = prometheus_client.Histogram("benchmark_bound_s", "", names, registry=registry, buckets=_BUCKETS)
    our_counter: Any = meter.create_counter("benchmark.bound.calls")
    our_histogram: Any = meter.create_histogram("benchmark.bound", "s", explicit_bucket_boundaries_advisory=_BUCKETS)
    attributes = {"method": "GET", "route": "/", "status": 200}
    counting = _microseconds(effort, (_adding(our_counter.bind(attributes).add), _incrementing(counter)))
    observing = _microseconds(
        effort,
        (_recording(our_histogram.bind(attributes).record), _recording(histogram.labels("GET", "/", "200").observe)),
    )
    return [
        Row(
            what="bound counter", unit="us", ours=counting[0], peer=counting[1], peer_name="prometheus_client", bar=_BOUND_BAR
        ),
        Row(what="bound histogram", unit="us", ours=observing[0], peer=observing[1], peer_name="prometheus_client"),
    ]


def _microseconds(effort: Effort, contenders: Sequence[_Call]) -> list[float]:
    dice = random.Random(1)  # noqa: S311 - the same work in each run
    sets = list(itertools.product(_METHODS, _ROUTES, _STATUSES))

    def fresh() -> _Work:
        chosen = dice.choices(sets, k=effort.size)
        return [(dice.random(), {"method": method, "route": route, "status": status}) for method, route, status in chosen]

    # A measurement takes well under a microsecond: more rounds than elsewhere cost little.
    return [taken / effort.size / 1000 for taken in medians_ns(fresh, contenders, 2 * effort.rounds)]


def _counting(meter: Meter) -> _Call:
    add = meter.create_counter("benchmark.calls").add

    def call(work: _Work) -> None:
        for _value, attributes in work:
            add(1, attributes)

    return call


def _observing(meter: Meter) -> _Call:
    record = meter.create_histogram("benchmark.duration", "s", explicit_bucket_boundaries_advisory=_BUCKETS).record

    def call(work: _Work) -> None:
        for value, attributes in work:
            record(value, attributes)

    return call


def _adding(add: Callable[[int], None]) -> _Call:
    def call(work: _Work) -> None:
        for _ in work:
            add(1)

    return call


def _incrementing(child: prometheus_client.Counter) -> _Call:
    inc = child.inc

    def call(work: _Work) -> None:
        for _ in work:
            inc()

    return call


def _recording(record: Callable[[float], None]) -> _Call:
    def call(work: _Work) -> None:
        for value, _attributes in work:
            record(value)

    return call


def _inside_a_span(tracer: Tracer, call: _Call) -> _Call:
    def call_inside(work: _Work) -> None:
        with tracer.start_as_current_span("request"):
            call(work)

    return call_inside


def _compare(readers: Sequence[InMemoryMetricReader]) -> None:
    ours, official = (_totals(reader) for reader in readers)
    if any(ours[name] != total for name, total in official.items()):
        raise RuntimeError(f"ours counted {ours}, the official SDK {official}, expected the same")


def _totals(reader: InMemoryMetricReader) -> dict[str, float]:
    data: Any = reader.get_metrics_data()
    return {
        metric.name: sum(getattr(point, "count", None) or point.value for point in metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
