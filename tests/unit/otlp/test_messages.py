"""Encoding batches: one broken item never costs a sibling, whatever is broken about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.otlp.messages import SIGNALS
from tests.support.items import BROKEN, GOOD, NOW_NS, collect, make_log, make_metric, make_span

SURROGATE = "\ud800"


def _nested(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value]
    return value


def _names(message: Any) -> list[str]:
    """What the items of a request are called."""
    found: list[str] = []
    for resource in getattr(message, "resource_spans", ()):
        found += [span.name for scope in resource.scope_spans for span in scope.spans]
    for resource in getattr(message, "resource_metrics", ()):
        found += [metric.name for scope in resource.scope_metrics for metric in scope.metrics]
    for resource in getattr(message, "resource_logs", ()):
        found += [record.body.string_value for scope in resource.scope_logs for record in scope.log_records]
    return found


def _encode(signal: str, items: list[Any]) -> tuple[list[str], int]:
    """The names that a receiver reads, and how many items were left out."""
    message, broken = _received(signal, items)
    return _names(message), broken


def _received(signal: str, items: list[Any]) -> tuple[Any, int]:
    """What a receiver reads, and how many items were left out."""
    body, broken = SIGNALS[signal].encoder().encode(items)
    return SIGNALS[signal].request.FromString(body), broken


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_batch_of_good_items_is_encoded_whole_and_in_order(signal: str) -> None:
    names, broken = _encode(signal, [GOOD[signal](number) for number in range(1, 6)])
    assert (len(names), broken) == (5, 0)
    assert [name[-1] for name in names] == list("12345")


@pytest.mark.parametrize("signal", SIGNALS)
@given(pattern=st.lists(st.booleans(), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_broken_items_anywhere_in_a_batch_never_lose_a_good_one(signal: str, pattern: list[bool]) -> None:
    items = [GOOD[signal](number) if is_good else BROKEN[signal]() for number, is_good in enumerate(pattern, start=1)]
    names, broken = _encode(signal, items)
    expected = [_encode(signal, [item])[0][0] for item, is_good in zip(items, pattern, strict=True) if is_good]
    assert (names, broken) == (expected, pattern.count(False))


@pytest.mark.parametrize(
    "make_broken",
    [
        lambda: make_span(SURROGATE),
        lambda: make_span(start_ns=-1),
        lambda: make_span(start_ns=2**64),
        lambda: make_span(number=2**128),
        lambda: make_span(None),
        object,
        lambda: None,
    ],
)
def test_a_span_broken_in_any_way_costs_only_itself(make_broken: Callable[[], Any]) -> None:
    names, broken = _encode("traces", [make_span("first"), make_broken(), make_span("last")])
    assert [name for name in names if name in ("first", "last")] == ["first", "last"]
    assert len(names) + broken == 3


@pytest.mark.parametrize(
    "make_broken",
    [
        lambda: make_log(SURROGATE),
        lambda: make_log(object()),
        lambda: make_log(2**63),
        lambda: make_log(time_ns=-1),
        lambda: make_log(_nested(60)),
        lambda: make_log(_nested(5000)),
        lambda: make_log(severity_text=SURROGATE),
    ],
)
def test_a_log_record_broken_in_any_way_costs_only_itself(make_broken: Callable[[], Any]) -> None:
    names, broken = _encode("logs", [make_log("first"), make_broken(), make_log("last")])
    assert (names[0], names[-1], len(names) + broken) == ("first", "last", 3)


@given(st.integers(1, 80))
@settings(max_examples=25, deadline=None)
def test_a_body_of_any_depth_never_makes_a_request_that_no_receiver_can_read(depth: int) -> None:
    names, broken = _encode("logs", [make_log("first"), make_log(_nested(depth)), make_log("last")])
    assert (names[0], names[-1], len(names) + broken) == ("first", "last", 3)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "many", None])
@pytest.mark.parametrize("is_sum", [True, False])
def test_one_broken_metric_never_loses_a_sibling_of_its_collection(value: Any, is_sum: bool) -> None:
    broken = make_metric("broken", [value], is_sum=is_sum)
    names, _broken = _encode("metrics", [collect(make_metric("first"), broken, make_metric("last"))])
    assert [name for name in names if name != "broken"] == ["first", "last"]


def test_a_data_point_beyond_64_bits_is_rounded_and_costs_no_sibling() -> None:
    message, broken = _received("metrics", [collect(make_metric("sizes", [1, 2**63, 3]))])
    points = [
        point.as_int or point.as_double
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.sum.data_points
    ]
    assert (points, broken) == ([1, 2.0**63, 3], 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 2**63 - 1, -(2**63)])
def test_extreme_numbers_are_no_broken_ones(value: float) -> None:
    assert _encode("metrics", [collect(make_metric("extreme", [value]))]) == (["extreme"], 0)
    assert _encode("traces", [make_span("extreme", value=value)]) == (["extreme"], 0)


def test_a_broken_attribute_is_repaired_and_costs_no_other() -> None:
    message, broken = _received("traces", [make_span(bad=SURROGATE, good="kept")])
    (span,) = message.resource_spans[0].scope_spans[0].spans
    values = {attribute.key: attribute.value.string_value for attribute in span.attributes}
    assert (broken, values) == (0, {"bad": "\ufffd", "good": "kept"})


def test_collections_that_leave_together_are_all_in_the_request() -> None:
    names, broken = _encode("metrics", [collect(make_metric("a"), make_metric("b")), collect(make_metric("c"))])
    assert (names, broken) == (["a", "b", "c"], 0)


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_has_its_path_its_method_and_its_count_of_refused_items(signal: str) -> None:
    messages = SIGNALS[signal]
    assert messages.http_path == f"/v1/{signal}"
    assert f".{signal.removesuffix('s') if signal == 'traces' else signal}.v1." in messages.grpc_method
    assert messages.grpc_method.endswith("Service/Export")
    assert getattr(messages.response().partial_success, messages.rejected) == 0


def test_ids_and_times_arrive_as_they_are() -> None:
    message, _broken = _received("traces", [make_span(number=0xABC)])
    (span,) = message.resource_spans[0].scope_spans[0].spans
    assert (span.trace_id.hex(), span.span_id.hex()) == (f"{0xABC:032x}", f"{0xABC:016x}")
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (NOW_NS, NOW_NS + 2_000_000)
