"""The official SDK's meters with a catalogue."""

from __future__ import annotations

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Metric
from heliograph.recording.official.catalogued import give_catalogue

CATALOGUE = Catalogue(
    [
        Metric(name="basket.value", kind="histogram", unit="{EUR}", description="Worth.", buckets=(1.0, 10.0)),
        *(
            Metric(name=f"a.{kind}", kind=kind, unit="{item}", description="Some.")
            for kind in ("counter", "up_down_counter", "gauge")
        ),
    ]
)


def catalogued(*readers):
    provider = sdk.MeterProvider(readers, shutdown_on_exit=False)
    give_catalogue(provider, CATALOGUE)
    return provider


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader):
    return catalogued(reader).get_meter("shop")


def collected(reader):
    data = reader.get_metrics_data()
    return {metric.name: metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics}


def test_its_meters_are_those_of_the_sdk_and_the_same_each_time():
    provider = catalogued()
    assert isinstance(provider.get_meter("shop"), sdk.Meter)
    assert provider.get_meter("shop") is provider.get_meter("shop")
    assert provider.get_meter("shop").create_counter("a.counter") is provider.get_meter("shop").create_counter("a.counter")


def test_an_instrument_gets_what_its_row_says(meter, reader):
    meter.create_histogram("basket.value").record(5)
    found = collected(reader)["basket.value"]
    assert (found.unit, found.description) == ("{EUR}", "Worth.")
    assert found.data.data_points[0].explicit_bounds == (1.0, 10.0)


@pytest.mark.parametrize("kind", ["counter", "up_down_counter", "gauge"])
def test_every_other_kind_does_too(meter, reader, kind):
    made = getattr(meter, f"create_{kind}")(f"a.{kind}")
    getattr(made, "set" if kind == "gauge" else "add")(1)
    assert (collected(reader)[f"a.{kind}"].unit, collected(reader)[f"a.{kind}"].description) == ("{item}", "Some.")


@pytest.mark.parametrize("kind", ["counter", "up_down_counter", "gauge"])
def test_observable_ones_do_too(meter, reader, kind):
    getattr(meter, f"create_observable_{kind}")(f"a.{kind}", [lambda _options: [Observation(1)]])
    assert collected(reader)[f"a.{kind}"].unit == "{item}"


def test_what_the_caller_says_wins_and_another_unit_is_said(meter, reader, caplog):
    meter.create_histogram("basket.value", "{USD}", "Mine.", explicit_bucket_boundaries_advisory=[2.0]).record(5)
    found = collected(reader)["basket.value"]
    assert (found.unit, found.description, found.data.data_points[0].explicit_bounds) == ("{USD}", "Mine.", (2.0,))
    assert "is made with unit '{USD}', which stays; the catalogue has it in '{EUR}'" in caplog.text


def test_names_that_are_none_are_left_to_the_sdk(meter):
    with pytest.raises(Exception):  # noqa: B017  # whatever the SDK raises
        meter.create_counter(None)


def test_a_meter_that_records_nothing_stays_one():
    provider = catalogued()
    provider.shutdown()
    assert not isinstance(provider.get_meter("shop"), sdk.Meter)
