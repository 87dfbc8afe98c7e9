"""One row: what it may hold, and what follows from it."""

from __future__ import annotations

import math

import pytest

from heliograph.catalog.metric import Attribute, LegacyName, Metric, attributes, default_across
from heliograph.errors import CatalogueError


def row(**fields):
    return Metric(**{"name": "basket.value", "kind": "histogram", "unit": "{EUR}", **fields})


def test_names_follow_from_the_row():
    made = row(name="network.io", kind="counter", unit="By")
    assert (made.pull_name, made.otlp_name) == ("network_io_bytes_total", "network_io_bytes_total")


@pytest.mark.parametrize(
    ("kind", "expected"), [("counter", "sum"), ("up_down_counter", "sum"), ("histogram", "sum"), ("gauge", "per_process")]
)
def test_processes_add_up_as_the_kind_says_unless_the_row_does(kind, expected):
    assert row(kind=kind).combined == default_across(kind) == expected
    assert row(kind=kind, across="max").combined == "max"


def test_declared_attributes_are_known_by_name():
    assert row(attributes=attributes({"country": 30, "till": 2})).declared == {"country", "till"}
    assert row(attributes=()).declared == frozenset()
    assert row().declared is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "a metric named '', expected up to 255 small ASCII letters"),
        ({"name": "Basket"}, "a metric named 'Basket', expected up to 255 small"),
        ({"name": "a" * 256}, "expected up to 255"),
        ({"name": None}, "a metric named None"),
        ({"kind": "summary"}, "metric basket.value with kind 'summary', expected one of 'counter', 'up_down_counter'"),
        ({"kind": None}, "with kind None"),
        ({"stability": "old"}, "with stability 'old', expected one of 'stable'"),
        ({"across": "mean"}, "with across 'mean', expected one of 'sum'"),
        ({"unit": "€"}, "with the unit '€', expected up to 63 ASCII characters"),
        ({"unit": "x" * 64}, "expected up to 63 ASCII characters"),
        ({"buckets": (1.0, 1.0)}, r"with the buckets \(1.0, 1.0\), expected finite numbers in ascending order"),
        ({"buckets": (2.0, 1.0)}, "ascending order"),
        ({"buckets": (1.0, math.inf)}, "finite"),
        ({"buckets": ()}, r"with the buckets \(\)"),
        ({"buckets": (1.0,), "kind": "counter"}, "expected none, since it is a counter"),
        (
            {"attributes": (*attributes({"a": 1}), *attributes({"a": 2}))},
            r"with attributes \['a'\], expected each attribute once",
        ),
    ],
)
def test_a_row_that_cannot_be_is_refused_in_words(fields, said):
    with pytest.raises(CatalogueError, match=said):
        row(**fields)


@pytest.mark.parametrize(
    ("name", "cardinality", "said"),
    [
        ("", 1, "expected a name that is not empty"),
        ("a", 0, "attribute 'a' with the cardinality 0, expected a whole number of at least 1"),
        ("a", True, "cardinality True"),
        ("a", 1.5, "cardinality 1.5"),
    ],
)
def test_an_attribute_needs_a_name_and_at_least_one_value(name, cardinality, said):
    with pytest.raises(CatalogueError, match=said):
        Attribute(name=name, cardinality=cardinality)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "a.b"}, "a legacy name 'a.b', expected ASCII letters"),
        ({"name": "1a"}, "not beginning with a digit"),
        ({"name": "a", "factor": 0}, "with the factor 0, expected a finite number above 0"),
        ({"name": "a", "factor": math.nan}, "factor nan"),
    ],
)
def test_a_legacy_name_is_one_of_prometheus(fields, said):
    with pytest.raises(CatalogueError, match=said):
        LegacyName(**fields)
