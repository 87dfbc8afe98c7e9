"""Rows that users add to the catalogue."""

from __future__ import annotations

import pickle

import pytest

from heliograph import SettingsError, TelemetrySettings
from heliograph.catalog.catalogue import BUILTIN
from heliograph.catalog.metric import Attribute, LegacyName, Metric
from heliograph.settings.metrics import MetricsSettings


def only_row(**fields):
    (row,) = MetricsSettings(catalogue=[{"name": "basket.value", "kind": "histogram", **fields}]).catalogue
    return row


def test_without_rows_the_catalogue_is_heliographs_own():
    assert MetricsSettings().full_catalogue is BUILTIN


def test_a_row_takes_every_field():
    row = only_row(
        unit="{EUR}",
        description="What a basket is worth.",
        group="shop",
        attributes={"country": 30},
        buckets=[1, 10],
        stability="stable",
        legacy=[{"name": "basket_cents", "factor": 100, "where": {"country": "de"}, "without": ["till"], "kind": "histogram"}],
        across="sum",
        starts_at_zero=True,
    )
    assert row == Metric(
        name="basket.value",
        kind="histogram",
        unit="{EUR}",
        description="What a basket is worth.",
        group="shop",
        attributes=(Attribute(name="country", cardinality=30),),
        buckets=(1.0, 10.0),
        stability="stable",
        legacy=(
            LegacyName(name="basket_cents", factor=100.0, where={"country": ("de",)}, without=("till",), kind="histogram"),
        ),
        across="sum",
        starts_at_zero=True,
    )


def test_a_list_of_attributes_will_do():
    assert only_row(attributes=["country", "till"]).declared == {"country", "till"}
    assert only_row(attributes=[]).declared == frozenset()
    assert only_row().declared is None


def test_names_are_read_without_case_and_rows_that_are_made_already_are_taken():
    made = Metric(name="orders", kind="counter")
    settings = MetricsSettings(catalogue=[made, {"name": "Basket.Value", "kind": "gauge"}])
    assert [row.name for row in settings.catalogue] == ["orders", "basket.value"]
    assert settings.full_catalogue.get("orders") is made
    assert settings.full_catalogue.get("cache.hits") is BUILTIN.get("cache.hits")


def test_a_row_of_ones_own_replaces_heliographs():
    settings = MetricsSettings(
        catalogue=[{"name": "cache.hits", "kind": "counter", "unit": "{lookup}", "attributes": ["shard"]}]
    )
    assert settings.full_catalogue.get("cache.hits").declared == {"shard"}
    assert len(settings.full_catalogue) == len(BUILTIN)


def test_settings_with_rows_are_compared_copied_and_pickled():
    settings = TelemetrySettings(metrics={"catalogue": [{"name": "orders", "kind": "counter", "attributes": ["country"]}]})
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings.replace(service_name="shop").metrics == settings.metrics


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"kind": "summary"}, "kind", "'summary', expected one of 'counter'"),
        ({"name": ""}, "name", "text that is not empty"),
        ({"name": "1basket"}, "name", "a letter first"),
        ({"unit": "€"}, "unit", "up to 63 ASCII characters"),
        ({"attributes": {"country": 0}}, "attributes.country", "expected at least 1"),
        ({"attributes": {"": 1}}, "attributes", "names that are not empty"),
        ({"attributes": 5}, "attributes", "expected a list"),
        ({"buckets": [2, 1]}, "buckets", "ascending order"),
        ({"buckets": [1], "kind": "gauge"}, "buckets", "no buckets for a gauge; only a histogram has them"),
        ({"across": "mean"}, "across", "'mean', expected one of 'sum'"),
        ({"legacy": [{"name": "a.b"}]}, r"legacy\[0\].name", "ASCII letters, digits"),
        ({"legacy": [{"name": "a", "factor": 0}]}, r"legacy\[0\].factor", "at least"),
        ({"legacy": [{"factor": 2}]}, r"legacy\[0\].name", "expected a value"),
        ({"colour": "red"}, "colour", "no setting of this name"),
    ],
)
def test_a_row_with_a_fault_names_it(fields, path, said):
    with pytest.raises(SettingsError, match=rf"catalogue\[0\].{path}: given .*{said}"):
        only_row(**fields)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"name": "cache.hits", "kind": "gauge"}], "as a gauge with unit '', expected a counter with unit '{lookup}'"),
        ([{"name": "cache_hits", "kind": "counter"}], "which Prometheus both calls 'cache_hits_total'"),
        ([{"name": "a", "kind": "counter"}, {"name": "A", "kind": "counter"}], "'a' twice"),
    ],
)
def test_rows_that_do_not_go_together_are_one_fault(rows, said):
    with pytest.raises(SettingsError, match=r"^1 fault in the settings:\n  catalogue: given .*go together") as raised:
        MetricsSettings(catalogue=rows)
    assert said in str(raised.value)
