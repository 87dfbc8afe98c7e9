"""Prometheus's protobuf format, read back by protobuf: the same values as the text, and native histograms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from prometheus_client import CollectorRegistry

from heliograph.prometheus import protobuf
from heliograph.prometheus.exposition import Exposition
from heliograph.prometheus.table import Exponential, Exponentials, Family
from heliograph.recording import MeterProvider
from tests.support.prometheus_protobuf import families

# What Prometheus sends when native histograms are switched on.
ACCEPT = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


class Scene:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.exposition = Exposition(self.registry)
        views = [View(instrument_name="native.*", aggregation=ExponentialBucketHistogramAggregation())]
        self.provider = MeterProvider([self.exposition.reader({})], shutdown_on_exit=False, views=views)
        self.meter = self.provider.get_meter("m")

    def families(self, **options: Any) -> dict[str, Any]:
        body, content_type = self.exposition.render(ACCEPT, **options)
        assert content_type == protobuf.CONTENT_TYPE
        return families(body)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.provider.shutdown()


def labels(metric: Any) -> dict[str, str]:
    return {pair.name: pair.value for pair in metric.label}


def traced() -> Any:
    return set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))))


def test_numbers_have_their_labels_types_and_exemplars(scene: Scene) -> None:
    hostile = 'a"b\\n\nc\\\\é😀'
    scene.meter.create_counter("c", description="What\nit is.").add(3, {"k": hostile}, context=traced())
    scene.meter.create_gauge("g", "s").set(-2.5)
    found = scene.families()
    (counter,) = found["c_total"].metric
    assert (found["c_total"].type, found["c_total"].help) == (0, "What\nit is.")
    assert (labels(counter), counter.counter.value) == ({"k": hostile}, 3)
    assert {pair.name: pair.value for pair in counter.counter.exemplar.label}["trace_id"] == f"{0xABC:032x}"
    assert counter.counter.created.seconds > 1e9
    assert (found["g_seconds"].type, found["g_seconds"].metric[0].gauge.value) == (1, -2.5)
    assert found["target_info"].metric[0].gauge.value == 1


def test_explicit_histograms_have_cumulative_buckets(scene: Scene) -> None:
    histogram = scene.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2])
    for amount in (0.5, 1.5, 9):
        histogram.record(amount, context=traced())
    found = scene.families()["h"].metric[0].histogram
    assert [(bucket.upper_bound, bucket.cumulative_count) for bucket in found.bucket] == [(1, 1), (2, 2), (math.inf, 3)]
    assert [bucket.exemplar.value for bucket in found.bucket] == [0.5, 1.5, 9]
    assert (found.sample_count, found.sample_sum) == (3, 11)


def decoded(spans: Any, deltas: Any) -> dict[int, int]:
    counts, place, count, rest = {}, 0, 0, iter(deltas)
    for span in spans:
        place += span.offset
        for _ in range(span.length):
            count += next(rest)
            counts[place] = count
            place += 1
    assert list(rest) == []
    return counts


@given(st.lists(st.floats(1e-6, 1e6) | st.just(0.0), min_size=1, max_size=60))
def test_exponential_histograms_are_native_with_every_value_in_its_bucket(amounts: list[float]) -> None:
    scene = Scene()
    for amount in amounts:
        scene.meter.create_histogram("native.h").record(amount)
    found = scene.families()["native_h"].metric[0].histogram
    counts = decoded(found.positive_span, found.positive_delta)
    base = 2 ** (2**-found.schema)
    assert -4 <= found.schema <= 8
    assert (found.sample_count, found.zero_count) == (len(amounts), amounts.count(0.0))
    assert sum(counts.values()) + found.zero_count == len(amounts)
    for place, count in counts.items():
        upper, lower = base**place * (1 + 1e-9), base ** (place - 1) * (1 - 1e-9)
        assert count <= sum(lower <= amount <= upper for amount in amounts)


def test_an_empty_native_histogram_is_one_as_well() -> None:
    series = Exponential(scale=3, zero_count=0, positive={}, negative={}, sum=0.0)
    table = Exponentials(family=Family(name="h", kind="histogram"), labels=[""], series=[series])
    found = families(protobuf.written(table))["h"].metric[0].histogram
    assert [(span.offset, span.length) for span in found.positive_span] == [(0, 0)]


def test_below_zero_and_gaps_are_said_by_spans() -> None:
    series = Exponential(scale=0, zero_count=2, positive={0: 1, 1: 5, 9: 2}, negative={3: 4, -5: 1}, sum=1.0)
    table = Exponentials(family=Family(name="h", kind="histogram"), labels=[""], series=[series])
    found = families(protobuf.written(table))["h"].metric[0].histogram
    assert decoded(found.positive_span, found.positive_delta) == {1: 1, 2: 5, 10: 2}
    assert decoded(found.negative_span, found.negative_delta) == {4: 4, -4: 1}
    assert (found.zero_count, found.sample_count) == (2, 15)


def test_a_scale_that_prometheus_does_not_have_becomes_one_that_it_has_or_classic_buckets() -> None:
    finer = Exponential(scale=10, zero_count=0, positive={0: 1, 3: 1, 4: 1}, negative={}, sum=3.0)
    coarser = Exponential(scale=-6, zero_count=0, positive={0: 2}, negative={}, sum=3.0)
    table = Exponentials(family=Family(name="h", kind="histogram"), labels=['{k="f"}', '{k="c"}'], series=[finer, coarser])
    native, classic = (metric.histogram for metric in families(protobuf.written(table))["h"].metric)
    assert (native.schema, decoded(native.positive_span, native.positive_delta)) == (8, {1: 2, 2: 1})
    assert [(bucket.upper_bound, bucket.cumulative_count) for bucket in classic.bucket] == [(2.0**64, 2), (math.inf, 2)]


def test_what_the_application_registered_is_there_in_its_own_types(scene: Scene) -> None:
    prometheus_client.Counter("theirs", "Theirs.", ["kind"], registry=scene.registry).labels("x").inc(2)
    prometheus_client.Histogram("waits", "Waits.", ["k"], buckets=[1, 2], registry=scene.registry).labels("v").observe(1.5)
    prometheus_client.Summary("sizes", "Sizes.", registry=scene.registry).observe(4)
    prometheus_client.Info("build", "Build.", registry=scene.registry).info({"version": "1"})
    found = scene.families()
    assert (found["theirs_total"].type, found["theirs_total"].metric[0].counter.value) == (0, 2)
    waits = found["waits"].metric[0]
    assert (labels(waits), waits.histogram.sample_count, waits.histogram.sample_sum) == ({"k": "v"}, 1, 1.5)
    assert [bucket.cumulative_count for bucket in waits.histogram.bucket] == [0, 1, 1]
    assert (found["sizes"].metric[0].summary.sample_count, found["sizes"].metric[0].summary.sample_sum) == (1, 4)
    assert labels(found["build_info"].metric[0]) == {"version": "1"}


def test_only_the_families_that_are_asked_for_are_there(scene: Scene) -> None:
    scene.meter.create_counter("c").add(1)
    scene.meter.create_gauge("g").set(1)
    assert set(scene.families(names={"c_total"})) == {"c_total"}
    assert set(scene.families(names={"c", "target_info"})) == {"c_total", "target_info"}
    scene.meter.create_histogram("h").record(1)
    assert set(scene.families(names={"h_sum"})) == {"h"}
