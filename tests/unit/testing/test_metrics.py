"""What was measured, as a test asks for it: totals, values and distributions, of all attributes or of some."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import metrics

from heliograph import InstrumentError, TelemetryManager
from heliograph.testing import CapturedTelemetry, captured


@pytest.fixture
def telemetry() -> Iterator[CapturedTelemetry]:
    with captured() as found:
        yield found


def test_a_counter_says_its_total_of_all_attributes_and_of_some(telemetry: CapturedTelemetry) -> None:
    orders = telemetry.counter("orders")
    orders.add(1, {"shop": "a", "paid": True})
    orders.add(2, {"shop": "b", "paid": True})
    orders.bind(shop="b").add(4)
    telemetry.increment_counter("orders", 8)
    assert orders.total == telemetry.counter("orders").total == 15
    assert orders.where(shop="b").total == 6
    assert orders.where(shop="b").where({"paid": True}).total == 2
    assert orders.where({"shop": "c"}).total == 0
    assert max((series.value or 0, dict(series.attributes)) for series in orders.series) == (8, {})


def test_attributes_that_are_lists_are_asked_for_as_they_were_given(telemetry: CapturedTelemetry) -> None:
    orders = telemetry.counter("orders")
    orders.add(1, {"tags": ["a", "b"]})
    assert orders.where(tags=["a", "b"]).where().total == orders.where(tags=("a", "b")).total == 1
    assert orders.where(tags=["a"]).total == 0


def test_what_was_measured_with_other_attributes_is_shown(telemetry: CapturedTelemetry) -> None:
    telemetry.increment_counter("orders", 2, {"shop": "a"})
    shown = repr(telemetry.counter("orders").where(shop="b"))
    assert shown == "<counter orders shop='b': nothing measured; measured with other attributes: 2 shop='a'>"


def test_an_up_down_counter_says_its_total(telemetry: CapturedTelemetry) -> None:
    open_orders = telemetry.up_down_counter("open.orders")
    open_orders.add(3)
    open_orders.add(-1)
    assert (open_orders.total, telemetry.up_down_counter("open.orders").where(a=1).total) == (2, 0)


def test_a_gauge_says_its_last_value(telemetry: CapturedTelemetry) -> None:
    level = telemetry.gauge("level")
    assert level.value is None
    telemetry.set_gauge("level", 1.5)
    telemetry.set_gauge("level", 2.5)
    assert level.value == 2.5


def test_a_gauge_with_several_attributes_is_asked_for_one(telemetry: CapturedTelemetry) -> None:
    level = telemetry.gauge("level")
    level.set(1, {"tank": "a"})
    level.set(2, {"tank": "b"})
    with pytest.raises(LookupError, match=r"has 2 values; take one with where\(attribute=\.\.\.\)"):
        level.value  # noqa: B018  # it is the asking that is refused
    assert level.where(tank="b").value == 2


def test_a_histogram_says_count_sum_and_extremes(telemetry: CapturedTelemetry) -> None:
    latency = telemetry.histogram("latency", unit="s", buckets=(1, 2))
    for value in (0.5, 1.5, 4):
        latency.record(value, {"route": "/a"})
    telemetry.record_histogram("latency", 10, {"route": "/b"})
    assert (latency.count, latency.sum, latency.min, latency.max) == (4, 16, 0.5, 10)
    part = latency.where(route="/a")
    assert (part.count, part.sum, part.min, part.max) == (3, 6, 0.5, 4)
    assert (latency.where(route="/c").count, latency.where(route="/c").max) == (0, None)


def test_instruments_of_opentelemetry_are_read_by_name(telemetry: CapturedTelemetry) -> None:
    meter = metrics.get_meter("somewhere.else", "1.2")
    meter.create_counter("http.requests", unit="1").add(3, {"route": "/"})
    meter.create_histogram("http.duration", unit="s").record(0.5)
    meter.create_observable_counter("ticks", [lambda _options: [metrics.Observation(7, {"a": 1})]])
    meter.create_observable_gauge("temperature", [lambda _options: [metrics.Observation(21.5)]])
    assert telemetry.counter("http.requests").where(route="/").total == 3
    assert telemetry.histogram("http.duration").sum == 0.5
    assert telemetry.counter("ticks").where(a=1).total == 7
    assert telemetry.gauge("temperature").value == 21.5


def test_those_that_code_under_test_made_are_the_same(telemetry: CapturedTelemetry) -> None:
    made = TelemetryManager.current().histogram("latency", unit="s", buckets=(1, 2))
    made.record(1)
    assert telemetry.histogram("latency") is made
    assert telemetry.histogram("latency").count == 1
    with pytest.raises(InstrumentError, match="'latency' is a histogram already"):
        telemetry.counter("latency")


def test_an_instrument_shows_what_was_measured_or_what_else_was(telemetry: CapturedTelemetry) -> None:
    telemetry.counter("orders").add(3, {"shop": "a"})
    telemetry.histogram("latency").record(2)
    assert repr(telemetry.counter("orders")) == "<counter orders: 3 shop='a'>"
    assert repr(telemetry.histogram("latency")) == "<histogram latency: 1 measured, sum 2>"
    assert repr(telemetry.counter("ordres")) == "<counter ordres: nothing measured; measured metrics: latency, orders>"
    assert repr(telemetry.counter("orders").where(shop="b")).startswith("<counter orders shop='b': nothing measured")


def test_counts_of_one_test_are_not_those_of_the_next() -> None:
    for _ in range(2):
        with captured() as telemetry:
            telemetry.counter("orders", unit="{order}").add(1)
            telemetry.gauge("level").set(1)
            assert (telemetry.counter("orders").total, telemetry.gauge("level").value) == (1, 1)
    with captured() as telemetry:
        assert (telemetry.counter("orders").total, telemetry.gauge("level").value) == (0, None)
    with captured() as telemetry:
        telemetry.histogram("orders").record(1)  # the name is free again
        assert telemetry.histogram("orders").count == 1


def test_clearing_forgets_what_was_recorded_and_goes_on(telemetry: CapturedTelemetry) -> None:
    bound = telemetry.counter("orders").bind(shop="a")
    bound.add(5)
    telemetry.histogram("latency").record(1)
    telemetry.event("early")
    with telemetry.span("early"):
        pass
    telemetry.clock.advance(1)
    before_ns = telemetry.clock.time_ns()
    telemetry.clear()
    assert (telemetry.counter("orders").total, telemetry.histogram("latency").count) == (0, 0)
    assert (telemetry.events, telemetry.spans) == ([], [])
    bound.add(2)
    with telemetry.span("late"):
        pass
    assert telemetry.counter("orders").where(shop="a").total == 2
    assert (telemetry.spans["late"].span_id, telemetry.clock.time_ns()) == (2, before_ns)
