"""A real Prometheus scrapes both formats for a minute: no fault, what the client sent, exemplars that lead to its spans."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.trace import format_trace_id, get_current_span

from heliograph import TelemetryManager
from tests.support.processes import get
from tests.support.prometheus_server import TEXT, asking_for, prometheus_server
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

JOBS = {"text", "openmetrics"}


@dataclass
class Sent:
    """What the client did."""

    orders: Counter[str] = field(default_factory=Counter)
    durations_s: dict[str, float] = field(default_factory=dict)  # by the hexadecimal id of the trace


@contextmanager
def _client(telemetry: TelemetryManager) -> Iterator[Sent]:
    """Orders and their durations, some hundreds a second, each in a span of its own, until the block ends."""
    sent, is_over, dice = Sent(), threading.Event(), random.Random(5)
    orders = telemetry.counter("shop.orders", unit="{order}", description="Orders taken.")
    durations = telemetry.histogram("shop.order.duration", unit="s", description="Time that an order takes.")

    def send() -> None:
        while not is_over.wait(0.003):
            country, amount, duration_s = dice.choice(("de", "fr", "it")), dice.randint(1, 5), dice.expovariate(5)
            with telemetry.span("order"):
                orders.add(amount, {"country": country})
                durations.record(duration_s)
                sent.durations_s[format_trace_id(get_current_span().get_span_context().trace_id)] = duration_s
            sent.orders[country] += amount

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        is_over.set()
        thread.join(10)


def test_a_minute_of_scrapes_in_both_formats_stores_what_the_client_sent(
    start: Callable[..., TelemetryManager], recorder: str, tmp_path: Path
) -> None:
    duration_s = {"native": 60, "opentelemetry-sdk": 6}[recorder]  # the default is watched for longer
    telemetry = start(
        recorder=recorder, tracing={"exporters": []}, logs={"exporters": []}, metrics={"exporters": ["prometheus"]}
    )
    url = telemetry.endpoint_url
    assert url is not None
    assert get(f"{url}/metrics")[0] == 200
    with (
        asking_for(TEXT, url) as as_text,
        prometheus_server(tmp_path, {"text": as_text.url, "openmetrics": url}, features=["exemplar-storage"]) as server,
    ):
        with _client(telemetry) as sent:
            until(lambda: set(server.values("up", by="job")) == JOBS)
            until(
                lambda: server.value('count_over_time(up{job="text"}[5m])') >= duration_s,
                timeout_s=duration_s + 30,
                every_s=0.5,
            )
        expected = sum(sent.orders.values())
        until(lambda: set(server.values("sum by (job) (shop_orders_total)", by="job").values()) == {expected}, timeout_s=5)

        for job in JOBS:
            assert server.values(f'shop_orders_total{{job="{job}"}}', by="country") == sent.orders
            assert server.value(f'shop_order_duration_seconds_count{{job="{job}"}}') == len(sent.durations_s)
            total_s = server.value(f'shop_order_duration_seconds_sum{{job="{job}"}}')
            assert total_s == pytest.approx(sum(sent.durations_s.values()))
            for le in (0.1, 0.5, 1.0):
                in_bucket = server.value(f'shop_order_duration_seconds_bucket{{job="{job}",le=~"{le}"}}')
                assert in_bucket == sum(taken_s <= le for taken_s in sent.durations_s.values())

        # No scrape failed, none was empty, and Prometheus took every sample and every exemplar.
        assert as_text.problems == []
        assert as_text.content_types == {"text/plain; version=0.0.4; charset=utf-8"}
        assert server.values("min_over_time(up[5m])", by="job") == dict.fromkeys(JOBS, 1)
        assert all(count >= duration_s - 2 for count in server.values("count_over_time(up[5m])", by="job").values())
        assert all(count > 50 for count in server.values("min_over_time(scrape_samples_scraped[5m])", by="job").values())
        assert {job: target["lastError"] for job, target in server.targets().items()} == dict.fromkeys(JOBS, "")
        wrong = server.what_went_wrong()
        assert wrong.pop("counters") > 5
        assert wrong == {}
        assert server.values("count by (job) (shop_orders_created)", by="job") == {"openmetrics": 3}

        found = server.exemplars("shop_order_duration_seconds_bucket")
        assert {exemplar["series"]["job"] for exemplar in found} == {"openmetrics"}
        assert len(found) > duration_s
        for exemplar in found:
            assert re.fullmatch("[0-9a-f]{32}", exemplar["labels"]["trace_id"])
            assert re.fullmatch("[0-9a-f]{16}", exemplar["labels"]["span_id"])
            assert float(exemplar["value"]) == pytest.approx(sent.durations_s[exemplar["labels"]["trace_id"]])
        assert {exemplar["labels"]["trace_id"] for exemplar in server.exemplars("shop_orders_total")} <= set(sent.durations_s)
        assert server.exemplars("shop_orders_total") != []


def test_prometheus_that_takes_native_histograms_gets_them_and_everything_else(
    start: Callable[..., TelemetryManager], recorder: str, tmp_path: Path
) -> None:
    views = [{"instrument": "checkout.*", "exponential": True}]
    telemetry = start(recorder=recorder, metrics={"exporters": ["prometheus"], "views": views})
    durations, orders = telemetry.histogram("checkout.duration", "s"), telemetry.counter("orders.placed")
    url = telemetry.endpoint_url
    assert url is not None
    with prometheus_server(tmp_path, {"shop": url}, features=["native-histograms"]) as server:
        for number in range(1, 101):
            durations.record(number / 100, {"kind": "card"})
            orders.add(1)
        until(lambda: server.results("orders_placed_total") and server.value("orders_placed_total") == 100)
        assert server.value("histogram_count(checkout_duration_seconds)") == 100
        assert server.value("histogram_sum(checkout_duration_seconds)") == pytest.approx(50.5)
        assert server.value("histogram_quantile(0.5, checkout_duration_seconds)") == pytest.approx(0.5, rel=0.02)
        assert server.results("checkout_duration_seconds_bucket") == []
        assert server.value("up") == 1
