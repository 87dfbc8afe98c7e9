"""The catalogue while something is recorded: what it adds to instruments, and attributes that it does not declare."""

from __future__ import annotations

import logging
import threading

import pytest
from opentelemetry.metrics import Observation

from heliograph import names
from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Metric, attributes
from heliograph.recording.metrics.views import ViewRule
from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, delta, metrics, provider

BASKETS = Metric(
    name="basket.value",
    kind="histogram",
    unit="{EUR}",
    description="What a basket is worth.",
    attributes=attributes({"country": 30}),
    buckets=(1.0, 10.0, 100.0),
)
ORDERS = Metric(name="orders", kind="counter", unit="{order}", description="Orders.", attributes=attributes({"country": 30}))
STOCK = Metric(name="stock", kind="gauge", unit="{item}", attributes=attributes({"item": 5}))
ANY = Metric(name="any", kind="counter")
CATALOGUE = Catalogue([BASKETS, ORDERS, STOCK, ANY])


class Shop:
    """A provider with a catalogue, and what its reader collects."""

    def __init__(self, *readers, **options):
        self.reader = cumulative()
        self.mishaps = Mishaps()
        self.provider = provider(self.reader, *readers, mishaps=self.mishaps, catalogue=CATALOGUE, **options)
        self.meter = self.provider.get_meter("shop")

    def metric(self, name):
        return metrics(self.reader)[name]

    def undeclared(self):
        """How many series began with attributes that are not declared, by metric."""
        own = cumulative()
        self.provider.report_undeclared(self.provider.get_meter("own"))
        self.provider.add_metric_reader(own)
        found = metrics(own).get(names.UNDECLARED_ATTRIBUTES)
        return {point.attributes["metric"]: point.value for point in found.data.data_points} if found else {}


@pytest.fixture
def shop():
    return Shop()


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "heliograph.recording"]


# What the catalogue adds


def test_an_instrument_gets_unit_description_and_buckets_from_its_row(shop):
    shop.meter.create_histogram("basket.value").record(5)
    found = shop.metric("basket.value")
    assert (found.unit, found.description) == ("{EUR}", "What a basket is worth.")
    assert found.data.data_points[0].explicit_bounds == (1.0, 10.0, 100.0)


def test_names_are_looked_up_without_case(shop):
    shop.meter.create_counter("Orders").add(1)
    assert shop.metric("orders").unit == "{order}"


def test_what_the_caller_says_wins(shop):
    advisory = [2.0, 4.0]
    made = shop.meter.create_histogram("basket.value", "{EUR}", "Mine.", explicit_bucket_boundaries_advisory=advisory)
    made.record(5)
    found = shop.metric("basket.value")
    assert (found.unit, found.description) == ("{EUR}", "Mine.")
    assert found.data.data_points[0].explicit_bounds == (2.0, 4.0)


def test_another_unit_stays_without_the_buckets_of_the_row_and_is_said_once(shop, caplog):
    shop.meter.create_histogram("basket.value", "{USD}").record(5)
    shop.provider.get_meter("another").create_histogram("basket.value", "{USD}")
    assert shop.metric("basket.value").unit == "{USD}"
    assert shop.metric("basket.value").data.data_points[0].explicit_bounds != (1.0, 10.0, 100.0)
    (text,) = said(caplog)
    assert text == (
        "instrument basket.value is made with unit '{USD}', which stays; the catalogue has it in '{EUR}'; use the same, "
        "another name, or a row of your own (metrics.catalogue)"
    )


def test_another_kind_is_made_as_asked_and_said_once(shop, caplog):
    gauge = shop.meter.create_gauge("orders")
    gauge.set(1, {"anything": 1})
    assert shop.metric("orders").unit == ""
    (text,) = said(caplog)
    assert "orders is made as gauge, the catalogue has it as counter, so its row is left aside" in text
    assert shop.undeclared() == {}


def test_instruments_with_and_without_what_the_row_says_are_one(shop):
    assert shop.meter.create_counter("orders") is shop.meter.create_counter("orders", "{order}", "Orders.")


def test_observable_instruments_get_the_same(shop):
    shop.meter.create_observable_gauge("stock", [lambda _options: [Observation(3, {"item": "lamp"})]])
    assert shop.metric("stock").unit == "{item}"


def test_without_a_catalogue_nothing_is_added():
    reader = cumulative()
    counter = provider(reader).get_meter("shop").create_counter("cache.hits")
    counter.add(1, {"anything": 1})
    assert metrics(reader)["cache.hits"].unit == ""


# Attributes that it does not declare


def test_declared_attributes_and_fewer_are_fine(shop, caplog):
    orders = shop.meter.create_counter("orders")
    orders.add(1, {"country": "de"})
    orders.add(1)
    shop.meter.create_counter("any").add(1, {"what": "ever"})
    shop.meter.create_counter("not.in.it").add(1, {"what": "ever"})
    assert (shop.undeclared(), said(caplog)) == ({}, [])


def test_an_undeclared_attribute_is_kept_counted_once_a_series_and_said_once(shop, caplog):
    orders = shop.meter.create_counter("orders")
    for till in (1, 1, 2, 2):
        orders.add(1, {"country": "de", "till": till})
    points = shop.metric("orders").data.data_points
    assert sorted((point.attributes["till"], point.value) for point in points) == [(1, 2), (2, 2)]
    assert shop.undeclared() == {"orders": 2}
    assert shop.mishaps.counts()["undeclared attributes"] == 2
    (text,) = said(caplog)
    assert text == (
        "metric orders is recorded with the attribute 'till', which its row in the catalogue does not declare; it is kept: "
        "add it to the row (metrics.catalogue), or take it away with a view"
    )


def test_attributes_that_find_no_shortcut_are_counted_once_a_series_too(shop):
    orders = shop.meter.create_counter("orders")
    for _ in range(3):
        orders.add(1, {"tills": [1, 2]})
    assert shop.undeclared() == {"orders": 1}


def test_each_attribute_is_said_by_itself(shop, caplog):
    orders = shop.meter.create_counter("orders")
    orders.add(1, {"till": 1, "shelf": 2})
    orders.add(1, {"till": 2})
    assert [text.split("attribute ")[1].split(",")[0] for text in said(caplog)] == ["'shelf'", "'till'"]


def test_a_bound_instrument_is_looked_at_too(shop, caplog):
    bound = shop.meter.create_counter("orders").bind(till=1)
    bound.add(1)
    assert shop.undeclared() == {"orders": 1}
    assert len(said(caplog)) == 1


def test_observations_are_looked_at_too(shop, caplog):
    shop.meter.create_observable_gauge("stock", [lambda _options: [Observation(3, {"shelf": "top"})]])
    for _ in range(3):
        assert shop.metric("stock").data.data_points[0].attributes == {"shelf": "top"}
    assert shop.undeclared()["stock"] >= 1
    assert len(said(caplog)) == 1


def test_an_observed_series_that_goes_on_is_counted_once():
    shop = Shop()
    shop.meter.create_observable_gauge("stock", [lambda _options: [Observation(3, {"shelf": "top"})]])
    for _ in range(5):
        shop.metric("stock")
    assert shop.mishaps.counts()["undeclared attributes"] == 1


def test_what_a_view_takes_away_needs_no_declaration(caplog):
    shop = Shop(views=[ViewRule(instrument_name="orders", exclude=frozenset({"till"}))])
    shop.meter.create_counter("orders").add(1, {"country": "de", "till": 1})
    assert (shop.undeclared(), said(caplog)) == ({}, [])


def test_two_readers_count_a_series_once():
    shop = Shop(delta())
    shop.meter.create_counter("orders").add(1, {"till": 1})
    assert shop.mishaps.counts()["undeclared attributes"] == 1


def test_nothing_is_logged_while_the_lock_of_all_recording_is_held(shop):
    """A handler that records, of another thread that holds a lock of its own, must find the lock free."""
    own = threading.Lock()
    entered, finished = threading.Event(), threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            entered.set()
            with own:
                pass
            finished.set()

    def record_under_lock():
        with own:
            entered.wait(10)
            shop.meter.create_counter("any").add(1, {"new": "series"})

    handler = Handler()
    logging.getLogger("heliograph.recording").addHandler(handler)
    other = threading.Thread(target=record_under_lock)
    try:
        with own:
            other.start()
        for make in (
            lambda: shop.meter.create_counter("orders").add(1, {"till": 1}),
            lambda: shop.meter.create_counter("orders").bind(shelf=1),
        ):
            make()
        assert finished.wait(10)
    finally:
        logging.getLogger("heliograph.recording").removeHandler(handler)
        other.join(10)
    assert not other.is_alive()


def test_made_up_keys_are_all_counted_but_not_said_for_ever(shop, caplog):
    orders = shop.meter.create_counter("orders")
    for number in range(1500):
        orders.add(1, {f"key{number}": 1})
    assert shop.mishaps.counts()["undeclared attributes"] == 1500
    assert len(said(caplog)) == 1000
