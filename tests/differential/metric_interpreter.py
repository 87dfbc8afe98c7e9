"""Runs programs about metrics against any meter provider, and gives each collection as OTLP."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan

from heliograph.otlp.metrics import MetricEncoder
from tests.differential.metric_steps import (
    AggregationSpec,
    InstrumentSpec,
    Kind,
    MetricProgram,
    Observed,
    ReaderSpec,
    Record,
    ViewSpec,
)
from tests.differential.span_touches import empty, made_context

# The SDK's classes of instruments, and the method that records.
KINDS: Mapping[Kind, tuple[Any, str | None]] = {
    "counter": (sdk.Counter, "add"),
    "up_down_counter": (sdk.UpDownCounter, "add"),
    "histogram": (sdk.Histogram, "record"),
    "gauge": (sdk._Gauge, "set"),
    "observable_counter": (sdk.ObservableCounter, None),
    "observable_up_down_counter": (sdk.ObservableUpDownCounter, None),
    "observable_gauge": (sdk.ObservableGauge, None),
}
AGGREGATIONS: Mapping[str, Callable[..., Any]] = {
    "default": DefaultAggregation,
    "drop": DropAggregation,
    "sum": SumAggregation,
    "last value": LastValueAggregation,
    "explicit": ExplicitBucketHistogramAggregation,
    "exponential": ExponentialBucketHistogramAggregation,
}

Collections = list[tuple[int, ExportMetricsServiceRequest | None]]


def collections(make_provider: Callable[..., Any], program: MetricProgram) -> Collections:
    """Run ``program`` on a new provider; each collection with the number of its reader, and a last one of each reader."""
    readers = [_reader(spec) for spec in program.readers]
    provider = make_provider(
        metric_readers=readers, resource=Resource(program.resource), views=[_view(spec) for spec in program.views]
    )
    meters = [provider.get_meter(scope.name, scope.version, scope.schema_url, scope.attributes) for scope in program.scopes]
    instruments = [_instrument(meters, spec) for spec in program.instruments]
    collected: Collections = []
    for step in program.steps:
        if isinstance(step, Record):
            _record(instruments, program.instruments, step)
        else:
            number = step.reader % len(readers)
            collected.append((number, _collection(readers[number])))
    collected += [(number, _collection(reader)) for number, reader in enumerate(readers)]
    provider.shutdown()
    return collected


def _collection(reader: InMemoryMetricReader) -> ExportMetricsServiceRequest | None:
    data = reader.get_metrics_data()
    if data is None:
        return None
    body, broken = MetricEncoder().encode([data])
    assert broken == 0
    return ExportMetricsServiceRequest.FromString(body)


def _reader(spec: ReaderSpec) -> InMemoryMetricReader:
    deltas = {KINDS[kind][0]: AggregationTemporality.DELTA for kind in spec.deltas}
    return InMemoryMetricReader(
        preferred_temporality=deltas,
        preferred_aggregation={KINDS[kind][0]: _aggregation(made) for kind, made in spec.aggregations.items()},
        cardinality_limits={KINDS[kind][0]: limit for kind, limit in spec.limits.items()},
    )


def _view(spec: ViewSpec) -> View:
    match = dict(spec.match)
    if "instrument_type" in match:
        match["instrument_type"] = KINDS[match["instrument_type"]][0]
    change = {name: set(value) if name == "attribute_keys" else value for name, value in spec.change.items()}
    return View(**match, **change, aggregation=_aggregation(spec.aggregation))


def _aggregation(spec: AggregationSpec) -> Any:
    return AGGREGATIONS[spec.kind](**spec.arguments)


def _instrument(meters: list[Any], spec: InstrumentSpec) -> Any:
    create = getattr(meters[spec.meter % len(meters)], f"create_{spec.kind}")
    options: dict[str, Any] = {"unit": spec.unit, "description": spec.description}
    if spec.kind == "histogram" and spec.bounds is not None:
        options["explicit_bucket_boundaries_advisory"] = list(spec.bounds)
    if KINDS[spec.kind][1] is None:
        options["callbacks"] = [_CALLBACKS[spec.callback](spec)]
    return create(spec.name, **options)


def _record(instruments: list[Any], specs: tuple[InstrumentSpec, ...], step: Record) -> None:
    number = step.instrument % len(instruments)
    method = KINDS[specs[number].kind][1]
    if method is None:
        return
    given = copy.deepcopy(dict(step.attributes)) if step.attributes is not None else None
    span = NonRecordingSpan(made_context(step.context)) if step.context is not None else trace.INVALID_SPAN
    with trace.use_span(span):
        getattr(instruments[number], method)(step.value, given)
    empty(given)


# Callbacks


def _rounds(spec: InstrumentSpec) -> Iterable[list[Observation]]:
    while True:
        for observed in spec.observations or ((),):
            yield list(map(_observation, observed))


def _observation(observed: Observed) -> Observation:
    value, attributes = observed
    return Observation(value, copy.deepcopy(attributes))


def _gives_list(spec: InstrumentSpec) -> Callable[[CallbackOptions], list[Observation]]:
    rounds = iter(_rounds(spec))
    return lambda _options: next(rounds)


def _gives_generator(spec: InstrumentSpec) -> Callable[[CallbackOptions], Iterable[Observation]]:
    rounds = iter(_rounds(spec))

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        yield from next(rounds)

    return observe


def _is_generator(spec: InstrumentSpec) -> Generator[list[Observation], CallbackOptions, None]:
    yield []  # the first time is before it is asked
    yield from _rounds(spec)


def _raises(spec: InstrumentSpec) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        raise ValueError("no value today")

    return observe


def _raises_later(spec: InstrumentSpec) -> Callable[[CallbackOptions], Iterable[Observation]]:
    rounds = iter(_rounds(spec))

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        yield from next(rounds)
        raise ValueError("no further value today")

    return observe


_CALLBACKS: Mapping[str, Callable[[InstrumentSpec], Any]] = {
    "list": _gives_list,
    "generator": _gives_generator,
    "generator object": _is_generator,
    "raises": _raises,
    "raises later": _raises_later,
}
