"""Instrumented calls of a running manager with values that nobody should give: none raises, and the others still record."""

from __future__ import annotations

import asyncio
import math

import httpx
import pytest
from opentelemetry.trace import SpanKind

from tests.support.otlp_receiver import http_receiver
from tests.support.recorded import QUIET, delivered, span_names, values
from tests.support.waiting import until


class Unshowable:
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


class Unreadable(dict):
    """A mapping whose values cannot be had."""

    def items(self):
        raise RuntimeError("cannot be read")

    __iter__ = keys = values = items
    __getitem__ = get = lambda self, *_arguments: self.items()


NAMES = [None, 5, b"work", "", "\ud800", "x" * 10_000, "a\x00b", ["work"], Unshowable()]
ATTRIBUTES = [
    5, "text", [1], [("a", 1)], True, {"a": object()}, {"a": Unshowable()}, {Unshowable(): 1}, {None: 1}, {5: 1}, {"": 1},
    {"a": []}, {"a": [[1], {"b": 2}]}, {"a": {1, 2}}, {"\ud800": "\ud800"}, {"a": math.nan}, {"a": 10**5000}, {"a": None},
    {"a": [1, "x", None]}, {"a": "x" * 1_000_000}, Unreadable(a=1),
]  # fmt: skip
VALUES = ["x", None, [], 1j, Unshowable(), math.nan, math.inf, 10**400, 10**5000, -(10**5000)]


@pytest.fixture
def telemetry(start):
    return start(**QUIET)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_of_any_kind_does_not_raise_and_the_block_runs(telemetry, name):
    ran = []
    with telemetry.span(name):
        ran.append("span")
    ran.append(asyncio.run(telemetry.trace_async(name, lambda: "trace_async")))
    telemetry.span_builder(name).start().end()
    telemetry.event(name)
    telemetry.increment_counter(name)
    telemetry.increment_counter_with_attributes(name, 1, {})
    telemetry.set_gauge(name, 1)
    telemetry.record_histogram(name, 1)
    with telemetry.span("after"):
        pass
    assert ran == ["span", "trace_async"]
    assert "after" in span_names(telemetry)


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=range(len(ATTRIBUTES)))
def test_attributes_of_any_kind_do_not_raise_and_the_block_runs(telemetry, attributes):
    ran = []
    with telemetry.span("work", attributes):
        ran.append("span")
    ran.append(asyncio.run(telemetry.trace_async("work", lambda: "trace_async", attributes)))
    telemetry.span_builder("work").with_attributes(attributes).start().end()
    telemetry.event("e", payload=attributes)
    telemetry.increment_counter("c", 1, attributes)
    telemetry.set_gauge("g", 1, attributes)
    telemetry.record_histogram("h", 1, attributes)
    telemetry.increment_counter("after")
    assert ran == ["span", "trace_async"]
    assert span_names(telemetry) == ["work"] * 3
    assert values(telemetry)["after"][()] == 1


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_value_of_any_kind_does_not_raise_and_changes_no_other_metric(telemetry, value):
    telemetry.increment_counter("c", value)
    telemetry.set_gauge("g", value)
    telemetry.record_histogram("h", value)
    telemetry.up_down_counter("u").add(value)
    telemetry.up_down_counter("u").bind(a=1).add(value)
    telemetry.increment_counter("after")
    assert values(telemetry)["after"] == {(): 1}


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "SERVER"},
        {"kind": None},
        {"links": [5]},
        {"links": None},
        {"links": 5},
        {"kind": SpanKind.CLIENT, "links": [None]},
    ],
    ids=range(6),
)
def test_a_kind_or_link_of_any_type_does_not_raise_and_the_block_runs(telemetry, options):
    ran = []
    with telemetry.span("work", **options):
        ran.append(1)
    assert ran == [1]


@pytest.mark.parametrize("body", [5, b"x", "\ud800", object(), Unshowable(), {"a": [1]}], ids=range(6))
def test_an_event_with_a_body_of_any_kind_does_not_raise(telemetry, body):
    telemetry.event("odd", body=body)
    telemetry.event("after")
    assert "after" in [item.log_record.event_name for item in delivered(telemetry, "logs")]


@pytest.mark.parametrize(
    "attributes", [{"a": "\ud800"}, {"\ud800": 1}, {"a": 10**5000}, {"a": object()}, {"a": 'x\ny"\\'}], ids=range(5)
)
@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_one_odd_attribute_does_not_cost_a_scrape_the_other_metrics(start, attributes, accept):
    telemetry = start(**{**QUIET, "server": {"port": 0}})
    telemetry.increment_counter("odd", 1, attributes)
    telemetry.increment_counter("good", 2)
    answer = httpx.get(f"{telemetry.endpoint_url}/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert "good_total 2.0" in answer.text.splitlines()


def test_a_sum_beyond_every_float_does_not_cost_a_scrape_the_other_metrics(start):
    telemetry = start(**{**QUIET, "server": {"port": 0}})
    for _ in range(2):
        telemetry.increment_counter("huge", 10**308)
    telemetry.increment_counter("good", 2)
    answer = httpx.get(f"{telemetry.endpoint_url}/metrics")
    assert answer.status_code == 200
    assert "good_total 2.0" in answer.text.splitlines()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda telemetry: telemetry.increment_counter("odd", 2**63),
        lambda telemetry: telemetry.set_gauge("odd", -(2**64)),
        lambda telemetry: telemetry.increment_counter("odd", 1, {"a": "\ud800"}),
        lambda telemetry: telemetry.increment_counter("odd", 1, {"a": 2**63}),
        lambda telemetry: telemetry.record_histogram("odd", 10**308) or telemetry.record_histogram("odd", 10**308),
    ],
    ids=[
        "count beyond 64 bits",
        "gauge beyond 64 bits",
        "lone surrogate",
        "attribute beyond 64 bits",
        "sum beyond every float",
    ],
)
def test_one_odd_metric_does_not_cost_a_push_the_other_metrics(start, spoil):
    with http_receiver() as receiver:
        telemetry = start(**QUIET, metrics={"exporters": [{"type": "otlp", "endpoint": receiver.url}]})
        spoil(telemetry)
        telemetry.increment_counter("good", 2)
        telemetry.force_flush(timeout_s=5)
        assert until(lambda: "good" in receiver.metric_names(), timeout_s=2)


@pytest.mark.parametrize("attributes", [{"a": "\ud800"}, {"a": 2**63}, {"a": 10**5000}], ids=range(3))
def test_one_odd_span_or_event_does_not_cost_its_batch_the_others_and_is_counted(start, attributes):
    with http_receiver() as receiver:
        otlp = {"exporters": [{"type": "otlp", "endpoint": receiver.url}]}
        telemetry = start(**QUIET, tracing=otlp, logs=otlp)
        for name, given in (("before", {}), ("odd", attributes), ("after", {})):
            with telemetry.span(name, given):
                telemetry.event(name, **given)
        telemetry.force_flush(timeout_s=5)
        assert [span.name for span in receiver.spans() if span.name != "odd"] == ["before", "after"]
        assert [record.event_name for record in receiver.log_records() if record.event_name != "odd"] == ["before", "after"]
        for counts in telemetry.ledger().values():
            assert counts.accepted == counts.delivered + sum(counts.dropped.values()) + counts.pending
