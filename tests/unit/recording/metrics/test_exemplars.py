"""Exemplars say which span a measurement was made in."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    SimpleFixedSizeExemplarReservoir,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, delta, points, provider


def span(span_id: int, *, is_sampled: bool = True) -> NonRecordingSpan:
    flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
    return NonRecordingSpan(SpanContext(7, span_id, is_remote=False, trace_flags=flags))


@contextmanager
def inside(span_id: int, *, is_sampled: bool = True) -> Iterator[None]:
    with trace.use_span(span(span_id, is_sampled=is_sampled)):
        yield


def spans(point: Any) -> list[Any]:
    return [(exemplar.value, exemplar.trace_id, exemplar.span_id) for exemplar in point.exemplars]


@pytest.mark.parametrize("readers", [(cumulative,), (cumulative, delta)])
def test_a_measurement_in_a_sampled_span_becomes_one(readers: Any) -> None:
    readers = [make() for make in readers]
    meter = provider(*readers).get_meter("m")
    calls = [meter.create_counter("c").add, meter.create_histogram("h").record, meter.create_gauge("g").set]
    for call in calls:
        call(1, {"k": "v"})
        with inside(1, is_sampled=False):
            call(2, {"k": "v"})
        with inside(2):
            call(3, {"k": "v"})
            call(4, {"k": "v"})
    for reader in readers:
        data = {m.name: m for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
        assert [spans(data[name].data.data_points[0]) for name in "chg"] == [[(3, 7, 2)]] * 3


def test_bound_instruments_have_them_too() -> None:
    reader = cumulative()
    meter = provider(reader).get_meter("m")
    counter, histogram, gauge = meter.create_counter("c"), meter.create_histogram("h"), meter.create_gauge("g")
    with inside(2):
        counter.bind().add(1)
        histogram.bind().record(1)
        gauge.bind().set(1)
    data = {m.name: m for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
    assert [spans(data[name].data.data_points[0]) for name in "chg"] == [[(1, 7, 2)]] * 3


def test_each_bucket_of_a_histogram_has_its_own() -> None:
    reader = cumulative()
    histogram = provider(reader).get_meter("m").create_histogram("h", explicit_bucket_boundaries_advisory=[10, 20])
    for span_id, amount in enumerate((5, 6, 15, 25), start=1):
        with inside(span_id):
            histogram.record(amount)
    assert spans(points(reader, "h")[0]) == [(5, 7, 1), (15, 7, 3), (25, 7, 4)]


def test_an_exemplar_is_shown_once_to_each_reader() -> None:
    first, second = cumulative(), cumulative()
    counter = provider(first, second).get_meter("m").create_counter("c")
    with inside(1):
        counter.add(1)
    assert [len(points(reader, "c")[0].exemplars) for reader in (first, first, second, second)] == [1, 0, 1, 0]
    with inside(2):
        counter.add(2)
    assert [spans(points(reader, "c")[0]) for reader in (second, first)] == [[(2, 7, 2)]] * 2


def test_the_context_that_a_measurement_is_given_counts() -> None:
    reader = cumulative()
    counter = provider(reader).get_meter("m").create_counter("c")
    context = trace.set_span_in_context(span(9))
    counter.add(1, None, context)
    counter.add(1, None, trace.set_span_in_context(span(8, is_sampled=False)))
    assert spans(points(reader, "c")[0]) == [(1, 7, 9)]


def test_attributes_that_a_view_takes_away_are_in_the_exemplar() -> None:
    reader = cumulative()
    of = provider(reader, views=[View(instrument_name="c", attribute_keys={"kept"})])
    with inside(1):
        of.get_meter("m").create_counter("c").add(1, {"kept": 1, "user": ["u"]})
    (point,) = points(reader, "c")
    assert (point.attributes, point.exemplars[0].filtered_attributes) == ({"kept": 1}, {"user": ("u",)})


class Even(ExemplarFilter):
    def should_sample(self, value: Any, time_unix_nano: int, attributes: Any, context: Any) -> bool:
        if value == 13:
            raise RuntimeError("unlucky")
        return value % 2 == 0


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [(AlwaysOnExemplarFilter(), [(13, None, None)]), (AlwaysOffExemplarFilter(), []), (Even(), [(4, None, None)])],
)
def test_the_filters_of_the_sdk_decide(chosen: ExemplarFilter, expected: list[Any]) -> None:
    reader, mishaps = cumulative(), Mishaps()
    counter = provider(reader, exemplar_filter=chosen, mishaps=mishaps).get_meter("m").create_counter("c")
    for amount in (13, 4, 5, 6):
        counter.add(amount)
    with inside(1):
        counter.add(8)
    assert spans(points(reader, "c")[0]) == expected
    assert mishaps.counts() == ({"exemplar": 1} if isinstance(chosen, Even) else {})


def test_the_environment_names_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")
    reader = cumulative()
    provider(reader).get_meter("m").create_counter("c").add(1)
    assert spans(points(reader, "c")[0]) == [(1, None, None)]
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes")
    with pytest.raises(ValueError, match="sometimes"):
        provider()


def test_the_reservoir_of_a_view_chooses() -> None:
    reader = cumulative()

    def factory(_aggregation: type) -> Any:
        return lambda **options: SimpleFixedSizeExemplarReservoir(size=3)

    view = View(instrument_name="*", exemplar_reservoir_factory=factory)
    meter = provider(reader, views=[view]).get_meter("m")
    for span_id in (1, 2, 3):
        with inside(span_id):
            meter.create_histogram("h").record(1)
            meter.create_counter("c").add(1)
    data = {m.name: m for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
    assert [[s for _, _, s in spans(data[name].data.data_points[0])] for name in "hc"] == [[1, 2, 3]] * 2


def test_exponential_histograms_have_some() -> None:
    reader = cumulative()
    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
    histogram = provider(reader, views=[view]).get_meter("m").create_histogram("h")
    for span_id in range(1, 50):
        with inside(span_id):
            histogram.record(span_id)
    assert len(points(reader, "h")[0].exemplars) == 20


def test_an_observation_may_bring_its_context() -> None:
    reader = cumulative()
    context = trace.set_span_in_context(span(3))
    callback = lambda _options: [Observation(5, {}, context)]  # noqa: E731
    provider(reader).get_meter("m").create_observable_gauge("g", [callback])
    assert spans(points(reader, "g")[0]) == [(5, 7, 3)]


class Broken(NonRecordingSpan):
    def get_span_context(self) -> SpanContext:
        raise RuntimeError("broken")


@pytest.mark.parametrize("readers", [(cumulative,), (cumulative, delta)])
def test_a_span_that_raises_costs_the_exemplar_only(readers: Any) -> None:
    readers = [make() for make in readers]
    meter = provider(*readers).get_meter("m")
    broken = Broken(span(1).get_span_context())
    with trace.use_span(broken):
        for _ in range(2):
            meter.create_counter("c").add(1, {"k": "v"})
            meter.create_counter("c").bind(k="v").add(1)
            meter.create_histogram("h").record(1, {"k": "v"})
            meter.create_histogram("h").bind(k="v").record(1)
            meter.create_gauge("g").bind(k="v").set(1)
    data = {m.name: m for m in readers[0].get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
    assert (data["c"].data.data_points[0].value, data["h"].data.data_points[0].count) == (4, 4)


def test_no_span_is_kept_alive_by_its_exemplar() -> None:
    class Watched(NonRecordingSpan):
        alive = 0

        def __init__(self, context: SpanContext) -> None:
            super().__init__(context)
            Watched.alive += 1

        def __del__(self) -> None:
            Watched.alive -= 1

    counter = provider(cumulative()).get_meter("m").create_counter("c")
    with trace.use_span(Watched(span(1).get_span_context())):
        counter.add(1)
    gc.collect()
    assert Watched.alive == 0
