"""The synchronous instruments record what they are given, and nothing that they are given is raised back."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from http import HTTPStatus
from typing import Any

import pytest
from opentelemetry import metrics as api
from opentelemetry.sdk import metrics as sdk

from heliograph.errors import InstrumentError
from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, delta, metrics, points, provider, values

OVERFLOW = {"otel.metric.overflow": True}


def test_instruments_are_those_of_the_api_and_count_as_those_of_the_sdk() -> None:
    meter = provider(cumulative()).get_meter("m")
    assert isinstance(meter.create_counter("c"), (api.Counter, sdk.Counter))
    for made, kinds in (
        (meter.create_counter("c"), (api.Counter, sdk.Counter)),
        (meter.create_up_down_counter("u"), (api.UpDownCounter, sdk.UpDownCounter)),
        (meter.create_histogram("h"), (api.Histogram, sdk.Histogram)),
        (meter.create_gauge("g"), (api._Gauge, sdk._Gauge)),
        (meter.create_observable_counter("oc"), (api.ObservableCounter, sdk.ObservableCounter)),
        (meter.create_observable_gauge("og"), (api.ObservableGauge, sdk.ObservableGauge)),
    ):
        assert all(isinstance(made, kind) for kind in kinds)


@pytest.mark.parametrize("readers", [(cumulative,), (cumulative, delta)])
def test_a_sum_is_what_was_added_by_attributes_whatever_their_order(readers: Any) -> None:
    readers = [make() for make in readers]
    counter = provider(*readers).get_meter("m").create_counter("c")
    counter.add(1, {"a": "x", "b": "y"})
    counter.add(2.5, {"b": "y", "a": "x"})
    counter.add(3)
    counter.add(4, {})
    counter.add(5, None)
    for reader in readers:
        assert values(reader, "c") == [({"a": "x", "b": "y"}, 3.5), ({}, 12)]


def test_values_that_python_holds_for_equal_are_series_of_their_own() -> None:
    reader = cumulative()
    counter = provider(reader).get_meter("m").create_counter("c")
    for _ in range(2):
        for amount, value in ((1, 1), (2, True), (4, 1.0), (8, "1"), (16, b"1"), (32, (1,)), (64, (True,)), (128, (1.0,))):
            counter.add(amount, {"k": value, "other": "x"})
    found = [(attributes["k"], value) for attributes, value in values(reader, "c")]
    assert [(type(key), value) for key, value in found[:5]] == [(int, 2), (bool, 4), (float, 8), (str, 16), (bytes, 32)]
    assert [(type(key[0]), value) for key, value in found[5:]] == [(int, 64), (bool, 128), (float, 256)]


def test_two_numbers_among_the_attributes_are_both_told_apart() -> None:
    reader = cumulative()
    counter = provider(reader).get_meter("m").create_counter("c")
    for _ in range(3):
        for first in (0, False):
            for second in (1, True):
                counter.add(1, {"a": first, "b": second})
    assert [value for _attributes, value in values(reader, "c")] == [3, 3, 3, 3]


class Colour(StrEnum):
    RED = "red"


def test_members_of_enumerations_are_what_goes_over_the_wire() -> None:
    reader = cumulative()
    counter = provider(reader).get_meter("m").create_counter("c")
    counter.add(1, {"colour": Colour.RED, "status": HTTPStatus.OK})
    counter.add(1, {"colour": "red", "status": 200})
    ((attributes, value),) = values(reader, "c")
    assert (attributes, value) == ({"colour": "red", "status": 200}, 2)
    assert {type(item) for item in attributes.values()} == {str, int}


def test_attributes_of_any_kind_are_taken_or_counted_and_never_raised() -> None:
    reader, mishaps = cumulative(), Mishaps()
    counter = provider(reader, mishaps=mishaps).get_meter("m").create_counter("c")

    class Unwilling:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

        def __iter__(self) -> Any:
            raise RuntimeError("no")

    nested = ["a", {"b": [1]}]
    for attributes in (
        {"list": nested},
        {"none": None},
        {7: "number"},
        {"nan": math.nan},
        {"nan": float("nan")},
        "text",
        3,
        Unwilling(),
    ):
        counter.add(1, attributes)  # type: ignore[arg-type]
    nested.append("later")
    found = values(reader, "c")
    assert sum(value for _attributes, value in found) == 8
    assert ({"list": ("a", {"b": (1,)})}, 1) in found
    assert ({"7": "number"}, 1) in found
    assert [value for attributes, value in found if "nan" in attributes] == [2]
    assert mishaps.counts()["metric attributes"] >= 2


@pytest.mark.parametrize("readers", [(cumulative,), (cumulative, delta)])
@pytest.mark.parametrize("amount", ["7", b"7", None, [], math.nan, math.inf, -math.inf, 10**400, Decimal("NaN"), object(), 1j])
def test_what_is_no_finite_number_is_noted_and_not_recorded(amount: Any, readers: Any) -> None:
    readers, mishaps = [make() for make in readers], Mishaps()
    meter = provider(*readers, mishaps=mishaps).get_meter("m")
    calls = [
        meter.create_counter("c").add,
        meter.create_up_down_counter("u").add,
        meter.create_histogram("h").record,
        meter.create_gauge("g").set,
        meter.create_counter("c").bind(k="v").add,
        meter.create_histogram("h").bind(k="v").record,
        meter.create_gauge("g").bind(k="v").set,
    ]
    for call in calls:
        call(amount)
    assert [metrics(reader) for reader in readers] == [{}] * len(readers)
    assert sum(mishaps.counts().values()) == len(calls)


@pytest.mark.parametrize(
    ("amount", "recorded"), [(True, 1), (Decimal("1.5"), 1.5), (Fraction(1, 4), 0.25), (HTTPStatus.OK, 200)]
)
def test_numbers_of_other_kinds_are_recorded_as_int_or_float(amount: Any, recorded: Any) -> None:
    reader = cumulative()
    meter = provider(reader).get_meter("m")
    meter.create_counter("c").add(amount)
    meter.create_gauge("g").set(amount)
    assert values(reader, "c") == values(reader, "g") == [({}, recorded)]
    assert type(values(reader, "g")[0][1]) in (int, float)


def test_a_counter_and_a_histogram_ignore_what_is_negative_and_say_so() -> None:
    reader, mishaps = cumulative(), Mishaps()
    meter = provider(reader, mishaps=mishaps).get_meter("m")
    meter.create_counter("c").add(-1)
    meter.create_counter("c").add(-0.5)
    meter.create_counter("c").bind().add(-1)
    meter.create_histogram("h").record(-1)
    meter.create_up_down_counter("u").add(-3)
    meter.create_gauge("g").set(-2.5)
    assert mishaps.counts() == {"counter": 3, "histogram": 1}
    assert (values(reader, "u"), values(reader, "g"), points(reader, "c")) == ([({}, -3)], [({}, -2.5)], [])


def test_sums_grow_beyond_64_bits_and_beyond_every_float_without_raising() -> None:
    reader, mishaps = cumulative(), Mishaps()
    counter = provider(reader, mishaps=mishaps).get_meter("m").create_counter("c")
    counter.add(2**63)
    counter.add(2**63)
    assert values(reader, "c") == [({}, 2**64)]
    for _ in range(3):
        counter.add(10**308)
    counter.add(0.5)
    counter.bind().add(0.5)
    assert values(reader, "c") == [({}, 2**64 + 3 * 10**308)]
    assert mishaps.counts() == {"counter": 2}


def test_a_histogram_counts_by_its_bounds_and_keeps_sum_and_extremes() -> None:
    reader = cumulative()
    histogram = provider(reader).get_meter("m").create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2.5])
    for amount in (0, 1, 1.5, 2.5, 3, 1000):
        histogram.record(amount, {"k": "v"})
    (point,) = points(reader, "h")
    assert (point.bucket_counts, point.explicit_bounds) == ((2, 2, 2), (1, 2.5))
    assert (point.count, point.sum, point.min, point.max) == (6, 1008.0, 0, 1000)


@pytest.mark.parametrize("bounds", [[2, 1], [1, 1], [math.inf], ["a"], 7, [None]])
def test_bounds_that_cannot_be_used_give_way_to_the_default(bounds: Any) -> None:
    reader = cumulative()
    provider(reader).get_meter("m").create_histogram("h", explicit_bucket_boundaries_advisory=bounds).record(3)
    assert len(points(reader, "h")[0].explicit_bounds) == 15


def test_a_gauge_keeps_the_last_value() -> None:
    reader = cumulative()
    gauge = provider(reader).get_meter("m").create_gauge("g")
    gauge.set(3, {"k": "v"})
    gauge.set(1.5, {"k": "v"})
    assert values(reader, "g") == values(reader, "g") == [({"k": "v"}, 1.5)]


def test_the_same_request_gives_the_same_instrument_and_names_are_compared_without_case() -> None:
    reader = cumulative()
    meter = provider(reader).get_meter("m")
    assert meter.create_counter("Requests", "1") is meter.create_counter("requests", "1")
    assert meter.create_counter("requests", "1") is not meter.create_counter("requests", "s")
    meter.create_counter("Requests", "1").add(1)
    assert set(metrics(reader)) == {"requests"}


@pytest.mark.parametrize("name", ["", "1st", "ä", "a" * 256, None, 7, "with space"])
def test_a_name_that_opentelemetry_does_not_allow_is_said_at_once(name: Any) -> None:
    with pytest.raises(InstrumentError):
        provider(cumulative()).get_meter("m").create_counter(name)


def test_the_same_name_in_two_scopes_keeps_the_labels_of_each() -> None:
    reader = cumulative()
    of = provider(reader)
    of.get_meter("one").create_counter("c").add(1, {"only": "here"})
    of.get_meter("two", "2", attributes={"a": 1}).create_counter("c").add(2, {"there": "only"})
    scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
    found = {scope.scope.name: [dict(point.attributes) for point in scope.metrics[0].data.data_points] for scope in scopes}
    assert found == {"one": [{"only": "here"}], "two": [{"there": "only"}]}


def test_without_a_reader_nothing_is_kept_and_nothing_raised() -> None:
    meter = provider().get_meter("m")
    meter.create_counter("c").add(1, {"k": "v"})
    meter.create_histogram("h").bind(k="v").record(1)


def test_a_method_that_was_kept_goes_on_when_a_reader_is_added() -> None:
    first, second = cumulative(), delta()
    of = provider(first)
    counter = of.get_meter("m").create_counter("c")
    add, bound = counter.add, counter.bind(k="v")
    add(1, {"k": "v"})
    of.add_metric_reader(second)
    add(1, {"k": "v"})
    bound.add(1)
    assert values(first, "c") == [({"k": "v"}, 3)]
    assert values(second, "c") == [({"k": "v"}, 2)]
