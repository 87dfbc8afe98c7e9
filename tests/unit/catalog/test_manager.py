"""The catalogue behind a manager's calls, with either recorder."""

from __future__ import annotations

import re
import urllib.request

import pytest
from opentelemetry import metrics as api

from heliograph import names
from heliograph.errors import InstrumentError
from tests.support.recorded import QUIET, RECORDERS, delivered

OWN = {"name": "basket.value", "kind": "histogram", "unit": "{EUR}", "attributes": ["country"], "buckets": [1, 10, 100]}


@pytest.fixture(params=RECORDERS)
def telemetry(start, request):
    return start(**{**QUIET, "metrics": {"exporters": ["memory"], "catalogue": [OWN]}, "recorder": request.param})


def collected(telemetry):
    """The latest of each metric, by name."""
    return {
        metric.name: metric
        for collection in delivered(telemetry, "metrics")
        for resource in collection.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_calls_by_name_make_instruments_as_the_catalogue_has_them(telemetry):
    telemetry.increment_counter("llm.cost.usd", 0.25)
    telemetry.set_gauge("cache.size", 5)
    telemetry.record_histogram("basket.value", 5)
    found = collected(telemetry)
    assert {name: found[name].unit for name in ("llm.cost.usd", "cache.size", "basket.value")} == {
        "llm.cost.usd": "{USD}",
        "cache.size": "By",
        "basket.value": "{EUR}",
    }
    assert found["basket.value"].data.data_points[0].explicit_bounds == (1, 10, 100)


def test_instruments_asked_for_do_too_and_opentelemetrys_own(telemetry):
    telemetry.counter("llm.cost.usd").add(1)
    api.get_meter("library").create_gauge("cache.size").set(5)
    api.get_meter("library").create_histogram("basket.value").record(5)
    found = collected(telemetry)
    assert [found[name].unit for name in ("llm.cost.usd", "cache.size", "basket.value")] == ["{USD}", "By", "{EUR}"]
    assert found["llm.cost.usd"].description == "Cost of calls, in US dollars."


def test_one_instrument_may_be_asked_for_with_and_without_what_the_catalogue_says(telemetry):
    counter = telemetry.counter("llm.cost.usd")
    assert telemetry.counter("llm.cost.usd", "{USD}") is counter
    assert telemetry.histogram("basket.value", "{EUR}") is telemetry.histogram("basket.value")
    with pytest.raises(InstrumentError, match="asked for with unit 's'"):
        telemetry.counter("llm.cost.usd", "s")


def test_another_unit_wins_and_the_bare_name_is_the_same_instrument_then(telemetry, caplog):
    counter = telemetry.counter("llm.cost.usd", "{EUR}")
    assert telemetry.counter("llm.cost.usd") is counter
    counter.add(1)
    telemetry.increment_counter("llm.cost.usd", 1)
    assert collected(telemetry)["llm.cost.usd"].unit == "{EUR}"
    assert caplog.text.count("llm.cost.usd is made with unit '{EUR}', which stays") == 1


def test_undeclared_attributes_are_on_metrics(start):
    telemetry = start(**{**QUIET, "server": {"port": 0}, "metrics": {"exporters": ["prometheus"], "catalogue": [OWN]}})
    telemetry.record_histogram("basket.value", 5, {"country": "de", "till": 4})
    with urllib.request.urlopen(f"{telemetry.endpoint_url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert re.search(r'^heliograph_metrics_undeclared_attributes_total\{metric="basket.value"\} 1.0$', text, re.MULTILINE)
    assert 'basket_value_count{country="de",till="4"} 1.0' in text


def test_nothing_undeclared_leaves_no_trace(start):
    telemetry = start(**{**QUIET, "metrics": {"exporters": ["memory"], "catalogue": [OWN]}})
    telemetry.record_histogram("basket.value", 5, {"country": "de"})
    assert names.UNDECLARED_ATTRIBUTES not in collected(telemetry)
