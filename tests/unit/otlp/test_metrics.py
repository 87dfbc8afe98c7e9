"""Metrics: the bytes say what the official encoder says, and no data point costs another."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as MetricMessage
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.otlp.metrics import MetricEncoder
from tests.support.hostile import BEYOND_REPAIR, Colour, what_fails
from tests.support.items import NOW_NS, collect, make_metric
from tests.support.otlp_oracle import (
    ATTRIBUTES,
    SPAN_IDS,
    TEXTS,
    TIMES_NS,
    TRACE_IDS,
    assert_same,
    each_alone,
    parts,
    plain_value,
    resources,
    scopes,
    without_empty_attributes,
)

_CUMULATIVE = AggregationTemporality.CUMULATIVE

_NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats())  # the official encoder raises for True
_COUNTS = st.one_of(st.integers(0, 300), st.integers(0, 2**64 - 1))
_TEMPORALITIES = st.sampled_from(AggregationTemporality)
_EXEMPLARS = st.lists(
    st.builds(Exemplar, ATTRIBUTES, _NUMBERS, TIMES_NS, st.one_of(st.none(), SPAN_IDS), st.one_of(st.none(), TRACE_IDS)),
    max_size=2,
)
_EXTREMES = st.one_of(st.none(), st.floats(), st.integers(-(2**53), 2**53))
_NUMBER_POINTS = st.lists(
    st.builds(NumberDataPoint, ATTRIBUTES, st.one_of(st.none(), TIMES_NS), TIMES_NS, _NUMBERS, _EXEMPLARS),
    min_size=1,
    max_size=3,
)
_HISTOGRAM_POINTS = st.lists(
    st.builds(
        HistogramDataPoint,
        attributes=ATTRIBUTES,
        start_time_unix_nano=TIMES_NS,
        time_unix_nano=TIMES_NS,
        count=_COUNTS,
        sum=_EXTREMES,
        bucket_counts=st.one_of(st.lists(_COUNTS, max_size=4), st.lists(_COUNTS, max_size=4).map(tuple)),
        explicit_bounds=st.lists(st.one_of(st.floats(), st.integers(-(2**53), 2**53)), max_size=4),
        min=_EXTREMES,
        max=_EXTREMES,
        exemplars=_EXEMPLARS,
    ),
    min_size=1,
    max_size=2,
)
_OFFSETS = st.one_of(st.integers(-(2**31), 2**31 - 1), st.just(0))
_BUCKETS = st.builds(Buckets, _OFFSETS, st.lists(_COUNTS, max_size=4))
_EXPONENTIAL_POINTS = st.lists(
    st.builds(
        ExponentialHistogramDataPoint,
        attributes=ATTRIBUTES,
        start_time_unix_nano=TIMES_NS,
        time_unix_nano=TIMES_NS,
        count=_COUNTS,
        sum=_EXTREMES,
        scale=st.one_of(st.integers(-10, 20), _OFFSETS),
        zero_count=_COUNTS,
        positive=_BUCKETS,
        negative=_BUCKETS,
        flags=st.sampled_from([0, 1, 2**32 - 1]),
        min=_EXTREMES,
        max=_EXTREMES,
        exemplars=_EXEMPLARS,
    ),
    min_size=1,
    max_size=2,
)
_DATA = st.one_of(
    st.builds(Gauge, _NUMBER_POINTS),
    st.builds(Sum, _NUMBER_POINTS, _TEMPORALITIES, st.booleans()),
    st.builds(Histogram, _HISTOGRAM_POINTS, _TEMPORALITIES),
    st.builds(ExponentialHistogram, _EXPONENTIAL_POINTS, _TEMPORALITIES),
)
_METRICS = st.builds(Metric, TEXTS, st.one_of(st.none(), TEXTS), st.one_of(st.none(), TEXTS), _DATA)


@st.composite
def _collections(draw: st.DrawFn) -> MetricsData:
    """Metrics of several resources and scopes; as in the SDK, none of them is empty."""
    metrics = st.lists(_METRICS, min_size=1, max_size=3)
    made = []
    for resource in draw(resources()):
        scope_metrics = [ScopeMetrics(scope, draw(metrics), scope.schema_url) for scope in draw(scopes())[:2]]
        made.append(ResourceMetrics(resource, scope_metrics, resource.schema_url))
    return MetricsData(made)


def _read(body: bytes) -> Any:
    return ExportMetricsServiceRequest.FromString(body)


def _metrics(body: bytes) -> list[Any]:
    return [part for part in parts(_read(body)) if isinstance(part, MetricMessage)]


def _only(metric: Metric) -> Any:
    """What a receiver reads of one metric."""
    body, broken = MetricEncoder().encode([collect(metric)])
    assert broken == 0
    (read,) = _metrics(body)
    return read


@given(_collections())
@settings(max_examples=100, deadline=None)
def test_a_collection_says_what_the_official_encoder_says_of_it(collection: MetricsData) -> None:
    encoder = MetricEncoder()
    official = without_empty_attributes(encode_metrics(collection))
    for _ in range(2):  # first with nothing known, then with everything
        body, broken = encoder.encode([collection])
        assert broken == 0
        assert_same(_read(body), official)
    assert encoder.repaired == 0


@given(st.lists(st.builds(collect, _METRICS), max_size=5))
@settings(max_examples=60, deadline=None)
def test_what_an_encoder_has_seen_never_changes_what_it_writes(collections: list[MetricsData]) -> None:
    encoder = MetricEncoder()
    assert [encoder.encode([collection])[0] for collection in collections] == each_alone(MetricEncoder, collections)


@given(st.lists(_METRICS, max_size=5))
@settings(max_examples=60, deadline=None)
def test_collections_that_leave_together_lose_nothing(metrics: list[Metric]) -> None:
    # The official encoder takes one collection at a time; of a resource that comes twice it keeps only the last.
    body, broken = MetricEncoder().encode([collect(metric) for metric in metrics])
    assert broken == 0
    read = _metrics(body)
    assert len(read) == len(metrics)
    for one, metric in zip(read, metrics, strict=True):
        assert_same(one, _only(metric))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (Sum([], _CUMULATIVE, True), "sum"),
        (Gauge([]), "gauge"),
        (Histogram([], _CUMULATIVE), "histogram"),
        (ExponentialHistogram([], _CUMULATIVE), "exponential_histogram"),
    ],
)
def test_a_metric_without_points_still_says_what_kind_it_is(data: Any, kind: str) -> None:
    # The official encoder writes no data at all, so that a receiver cannot tell; the SDK never hands over such a metric.
    assert _only(Metric("empty", "", "", data)).WhichOneof("data") == kind


def test_a_scope_without_metrics_is_left_out() -> None:
    # The official encoder writes the empty scope, which tells a receiver nothing.
    empty = ResourceMetrics(Resource({}), [ScopeMetrics(InstrumentationScope("s"), [], "")], "")
    assert MetricEncoder().encode([MetricsData([empty]), MetricsData([])]) == (b"", 0)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400, -(10**400)])
def test_a_number_beyond_64_bits_goes_on_as_a_double_and_is_counted(value: int) -> None:
    encoder = MetricEncoder()
    body, broken = encoder.encode([collect(make_metric("large", [1, value, 3]))])
    points = _metrics(body)[0].sum.data_points
    assert [point.as_int for point in points] == [1, 0, 3]
    assert points[1].as_double == (float(value) if abs(value) < 10**300 else float("inf" if value > 0 else "-inf"))
    assert (broken, encoder.repaired) == (0, 1)


@pytest.mark.parametrize("values", [[True, 1, 1.0], [1.0, True, 1], [0.0, -0.0, 0], [-0.0, 0, 0.0]])
def test_equal_values_and_attributes_of_different_types_are_not_mixed_up(values: list[Any]) -> None:
    points = [NumberDataPoint({"key": value}, NOW_NS, NOW_NS, value) for value in values]
    read = _only(Metric("m", "", "", Gauge(points))).gauge.data_points
    assert [repr(plain_value(point.attributes[0].value)) for point in read] == [repr(value) for value in values]
    expected = [repr(int(value)) if isinstance(value, int) else repr(value) for value in values]
    assert [repr(getattr(point, point.WhichOneof("value"))) for point in read] == expected


def test_a_name_of_a_class_derived_from_str_is_written_as_its_own_text() -> None:
    data = make_metric("m").data
    encoder = MetricEncoder()
    (read,) = _metrics(encoder.encode([collect(Metric(Colour.RED, Colour.RED, Colour.RED, data))])[0])
    assert (read.name, read.description, read.unit, encoder.repaired) == ("red", "red", "red", 0)


def _number(**fields: Any) -> NumberDataPoint:
    plain = {"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "value": 3}
    return NumberDataPoint(**{**plain, **fields})


def _histogram(**fields: Any) -> Metric:
    plain = {"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "count": 1, "sum": 1.0}
    rest = {"bucket_counts": [1, 0], "explicit_bounds": [5.0], "min": 1.0, "max": 1.0}
    return Metric("odd", "", "", Histogram([HistogramDataPoint(**{**plain, **rest, **fields})], _CUMULATIVE))


def _exponential(**fields: Any) -> Metric:
    plain = {"attributes": {}, "start_time_unix_nano": 1, "time_unix_nano": 2, "count": 1, "sum": 1.0, "scale": 1}
    rest = {"zero_count": 0, "positive": Buckets(0, [1]), "negative": Buckets(0, []), "flags": 0, "min": 1.0, "max": 1.0}
    points = [ExponentialHistogramDataPoint(**{**plain, **rest, **fields})]
    return Metric("odd", "", "", ExponentialHistogram(points, _CUMULATIVE))


def _sum(*points: Any, temporality: Any = _CUMULATIVE, is_monotonic: Any = True, **fields: Any) -> Metric:
    return Metric("odd", "", "", Sum([*points, _number(**fields)], temporality, is_monotonic))


def _exemplar(**fields: Any) -> Metric:
    return _sum(exemplars=[Exemplar(**{"filtered_attributes": {}, "value": 1, "time_unix_nano": 2, **fields})])


def _fields(make: Callable[..., Metric], *names: str) -> dict[str, Callable[[Any], Metric]]:
    return {f"{make.__name__[1:]} {name}": lambda value, name=name: make(**{name: value}) for name in names}


_TIMES = ("start_time_unix_nano", "time_unix_nano")
# Where a value of the user's, or of a broken instrumentation, can stand in a metric.
_PLACES: dict[str, Callable[[Any], Metric]] = {
    **_fields(_sum, "attributes", *_TIMES, "value", "exemplars", "temporality", "is_monotonic"),
    **_fields(_histogram, "count", "sum", "bucket_counts", "explicit_bounds", "min", "max"),
    **_fields(_exponential, "count", "scale", "zero_count", "positive", "negative", "flags", "min"),
    **_fields(_exemplar, "filtered_attributes", "value", "time_unix_nano"),
    "exemplar ids": lambda value: _exemplar(span_id=value, trace_id=value),
    "attribute": lambda value: _sum(attributes={"key": value}),
    "bucket count": lambda value: _histogram(bucket_counts=[value]),
    "bound": lambda value: _histogram(explicit_bounds=[value]),
    "exponential offset": lambda value: _exponential(positive=Buckets(value, [1])),
    "exponential count": lambda value: _exponential(positive=Buckets(0, [value])),
    "name": lambda value: Metric(value, "", "", make_metric("m").data),
    "description": lambda value: Metric("odd", value, "", make_metric("m").data),
    "unit": lambda value: Metric("odd", "", value, make_metric("m").data),
    "point": _sum,
}


def _check_siblings(make: Callable[[], Metric]) -> None:
    """The metric between two good ones costs neither; each of its points is there or counted."""
    encoder = MetricEncoder()
    first, last = make_metric("first", [1, 2.5]), make_metric("last", [3], is_sum=False)
    for _ in range(2):
        metric = make()
        body, broken = encoder.encode([collect(first, metric, last), collect(last)])
        read = _metrics(body)
        assert_same(read[0], _only(first))
        assert_same(read[-2], _only(last))
        assert_same(read[-1], _only(last))
        arrived = sum(len(getattr(one, one.WhichOneof("data")).data_points) for one in read)
        assert arrived + broken == len(first.data.data_points) + len(metric.data.data_points) + 2


@pytest.mark.parametrize("place", _PLACES)
def test_a_hostile_value_anywhere_in_a_metric_costs_no_sibling(place: str) -> None:
    assert what_fails(_PLACES[place], _check_siblings) == {}


@pytest.mark.parametrize("number", [-1, 2**32, 2**64, 2**200, -(2**200), 1.5, float("nan"), float("inf"), None, "1", True])
@pytest.mark.parametrize(
    "place", [place for place in _PLACES if place not in ("name", "description", "unit", "attribute", "point")]
)
def test_a_number_out_of_range_anywhere_in_a_metric_costs_no_sibling(place: str, number: Any) -> None:
    _check_siblings(lambda: _PLACES[place](number))


def test_a_broken_point_costs_no_point_of_its_metric() -> None:
    metric = _sum(_number(value="many"), _number(value=7), _number(exemplars=None), None)
    body, broken = MetricEncoder().encode([collect(metric)])
    assert [point.as_int for point in _metrics(body)[0].sum.data_points] == [7, 3]
    assert broken == 3


def test_a_metric_of_which_every_point_is_broken_is_left_out() -> None:
    body, broken = MetricEncoder().encode([collect(make_metric("good"), make_metric("bad", ["many", None]))])
    assert ([metric.name for metric in _metrics(body)], broken) == (["good"], 2)


@pytest.mark.parametrize("data", [None, object(), Sum(None, _CUMULATIVE, True), Gauge(5)])
def test_what_is_no_metric_costs_no_sibling(data: Any) -> None:
    odd = Metric("odd", "", "", data)
    body, _broken = MetricEncoder().encode([collect(make_metric("first"), odd, make_metric("last"))])
    assert {"first", "last"} <= {metric.name for metric in _metrics(body)}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        object(),
        MetricsData(None),
        MetricsData([None]),
        MetricsData([ResourceMetrics(Resource({}), None, "")]),
        MetricsData([ResourceMetrics(Resource({}), [None], "")]),
        MetricsData([ResourceMetrics(Resource({}), [ScopeMetrics(InstrumentationScope("s"), [None], "")], "")]),
    ],
    ids=lambda odd: str(odd)[:40],
)
def test_what_is_no_collection_costs_no_sibling(odd: Any) -> None:
    body, _broken = MetricEncoder().encode([collect(make_metric("first")), odd, collect(make_metric("last"))])
    assert [metric.name for metric in _metrics(body)] == ["first", "last"]


@pytest.mark.parametrize("name", BEYOND_REPAIR)
def test_a_hostile_attribute_costs_no_attribute_beside_it_and_is_counted(name: str) -> None:
    encoder = MetricEncoder()
    body, broken = encoder.encode([collect(_sum(attributes={"before": 1, "key": BEYOND_REPAIR[name](), "after": 2}))])
    (point,) = _metrics(body)[0].sum.data_points
    found = {attribute.key: plain_value(attribute.value) for attribute in point.attributes}
    assert (found.get("before"), found.get("after"), broken) == (1, 2, 0)
    assert encoder.repaired


def test_many_series_do_not_grow_beyond_those_that_are_kept() -> None:
    encoder = MetricEncoder()
    tracemalloc.start()
    try:
        for number in range(8_000):
            encoder.encode([collect(_sum(attributes={"user": f"user {number}"}))])
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
