"""Views of the SDK and rules of ours decide what an instrument becomes."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader, Sum
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)

from heliograph.recording.metrics.views import ViewRule
from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, metrics, points, provider, values


def test_a_view_renames_describes_and_keeps_keys() -> None:
    reader = cumulative()
    view = View(instrument_name="C", name="renamed", description="said", attribute_keys={"a"})
    counter = provider(reader, views=[view]).get_meter("m").create_counter("c", "s", "before")
    counter.add(1, {"a": 1, "b": 2})
    counter.add(2, {"b": 3, "a": 1})
    (metric,) = metrics(reader).values()
    assert (metric.name, metric.description, metric.unit) == ("renamed", "said", "s")
    assert [(dict(point.attributes), point.value) for point in metric.data.data_points] == [({"a": 1}, 3)]


def test_each_matching_view_makes_a_metric_and_none_means_the_default() -> None:
    reader = cumulative()
    views = [View(instrument_name="c", name="one"), View(instrument_type=sdk.Counter, name="two", attribute_keys=set())]
    meter = provider(reader, views=views).get_meter("m")
    meter.create_counter("c").add(1, {"k": "v"})
    meter.create_gauge("g").set(1)
    assert set(metrics(reader)) == {"one", "two", "g"}


@pytest.mark.parametrize(
    ("aggregation", "kind"),
    [(SumAggregation(), Sum), (ExplicitBucketHistogramAggregation([1, 2]), Histogram)],
)
def test_a_view_chooses_the_aggregation(aggregation: Any, kind: type) -> None:
    reader = cumulative()
    views = [View(instrument_name="*", aggregation=aggregation)]
    meter = provider(reader, views=views).get_meter("m")
    meter.create_up_down_counter("u").add(-1)
    meter.create_histogram("h").bind().record(1)
    assert {type(metric.data) for metric in metrics(reader).values()} == {kind}


def test_a_dropped_instrument_records_nothing_and_a_last_value_only_the_last() -> None:
    reader = cumulative()
    views = [
        View(instrument_name="dropped", aggregation=DropAggregation()),
        View(instrument_name="last", aggregation=LastValueAggregation()),
    ]
    meter = provider(reader, views=views).get_meter("m")
    for name in ("dropped", "last"):
        meter.create_counter(name).add(3)
        meter.create_counter(name).bind().add(2)
    assert values(reader, "last") == [({}, 2)]
    assert set(metrics(reader)) == {"last"}


def test_totals_make_no_histogram() -> None:
    reader, mishaps = cumulative(), Mishaps()
    views = [View(instrument_name="o", aggregation=ExplicitBucketHistogramAggregation())]
    meter = provider(reader, views=views, mishaps=mishaps).get_meter("m")
    meter.create_observable_counter("o", [lambda _options: [Observation(1)]])
    assert isinstance(metrics(reader)["o"].data, Sum)
    assert mishaps.counts() == {"view": 1}


def test_bounds_that_cannot_be_used_and_views_that_raise_give_way_to_the_default() -> None:
    class Raising(View):
        def _match(self, instrument: Any) -> bool:
            raise RuntimeError("no")

    reader, mishaps = cumulative(), Mishaps()
    views = [Raising(instrument_name="*"), View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation([2, 1]))]
    provider(reader, views=views, mishaps=mishaps).get_meter("m").create_histogram("h").record(1)
    assert points(reader, "h")[0].count == 1
    assert mishaps.counts() == {"view": 1, "aggregation": 1}


def test_an_aggregation_that_asks_the_instrument_gets_it() -> None:
    class ByUnit(ExplicitBucketHistogramAggregation):
        def _create_aggregation(self, instrument: Any, *rest: Any, **options: Any) -> Any:
            bounds = [0.1, 1] if instrument.unit == "s" else [100]
            return ExplicitBucketHistogramAggregation(bounds)._create_aggregation(instrument, *rest, **options)

    reader = cumulative()
    meter = provider(reader, views=[View(instrument_type=sdk.Histogram, aggregation=ByUnit())]).get_meter("m")
    meter.create_histogram("seconds", "s").record(1)
    meter.create_histogram("other").record(1)
    found = metrics(reader)
    assert [found[name].data.data_points[0].explicit_bounds for name in ("seconds", "other")] == [(0.1, 1), (100,)]


def test_a_reader_prefers_its_own_aggregation_and_the_limit_of_a_view_goes_before_its_own() -> None:
    reader = InMemoryMetricReader(preferred_aggregation={sdk.Histogram: LastValueAggregation()})
    view = View(instrument_name="c", aggregation_cardinality_limit=1)
    meter = provider(reader, cumulative(), views=[view]).get_meter("m")
    meter.create_histogram("h").record(4)
    for number in range(3):
        meter.create_counter("c").add(1, {"k": number})
    assert values(reader, "h") == [({}, 4)]
    assert [value for _attributes, value in values(reader, "c")] == [1, 2]


def test_two_instruments_that_become_one_metric_are_noted() -> None:
    mishaps = Mishaps()
    meter = provider(cumulative(), views=[View(instrument_name="a", name="b")], mishaps=mishaps).get_meter("m")
    meter.create_counter("a")
    meter.create_counter("b")
    assert mishaps.counts() == {"view": 1}


@pytest.mark.parametrize(
    ("criteria", "is_matching"),
    [
        ({}, True),
        ({"instrument_name": "HTTP.*"}, True),
        ({"instrument_name": "http.server"}, False),
        ({"instrument_type": "histogram"}, True),
        ({"instrument_type": "counter"}, False),
        ({"unit": "s"}, True),
        ({"unit": "m?"}, False),
        ({"meter_name": "m", "meter_version": "1"}, True),
        ({"meter_version": "2"}, False),
        ({"meter_schema_url": "https://schema"}, True),
        ({"meter_schema_url": "other"}, False),
    ],
)
def test_a_rule_matches_by_all_its_criteria(criteria: dict[str, Any], is_matching: bool) -> None:
    reader = cumulative()
    meter = provider(reader, views=[ViewRule(name="renamed", **criteria)]).get_meter("m", "1", "https://schema")
    meter.create_histogram("http.server.duration", "s").record(1)
    assert set(metrics(reader)) == {"renamed" if is_matching else "http.server.duration"}


def test_all_rules_that_match_are_laid_over_each_other() -> None:
    reader = cumulative()
    rules = [
        ViewRule(instrument_type="histogram", buckets=(1.0, 2.0)),
        ViewRule(instrument_name="h", exclude=frozenset({"b"}), description="said"),
        ViewRule(instrument_name="*", exclude=frozenset({"c"}), keep=frozenset({"a", "b", "c"})),
        ViewRule(instrument_name="c", buckets=(5.0,)),
    ]
    meter = provider(reader, views=rules).get_meter("m")
    meter.create_histogram("h", explicit_bucket_boundaries_advisory=[7]).record(1, {"a": 1, "b": 2, "c": 3, "d": 4})
    meter.create_counter("c").add(1)
    found = metrics(reader)
    (point,) = found["h"].data.data_points
    assert (point.attributes, point.explicit_bounds, found["h"].description) == ({"a": 1}, (1.0, 2.0), "said")
    assert isinstance(found["c"].data, Sum)


def test_rules_lie_over_the_views_of_the_sdk_and_a_drop_is_a_drop() -> None:
    reader = cumulative()
    views = [
        View(instrument_name="*", description="of the view"),
        ViewRule(instrument_name="c", name="renamed", exclude=frozenset({"user"})),
        ViewRule(instrument_name="gone", drop=True),
    ]
    meter = provider(reader, views=views).get_meter("m")
    meter.create_counter("c").add(1, {"user": "u", "k": "v"})
    meter.create_counter("gone").add(1)
    (metric,) = metrics(reader).values()
    assert (metric.name, metric.description) == ("renamed", "of the view")
    assert metric.data.data_points[0].attributes == {"k": "v"}
