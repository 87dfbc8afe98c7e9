"""The comparison itself: it sees what differs, and does not see what may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.instrumentations.comparison import RECORDERS, equal_on_both
from tests.instrumentations.normal import normal


def arguments(*values: Any) -> dict[str, str]:
    return dict(zip(RECORDERS, map(json.dumps, values), strict=True))


def request(*spans: Span) -> tuple[str, Any]:
    return "traces", ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def span(name: str, number: int, parent: int = 0, *, trace: int = 1, **fields: Any) -> Span:
    return Span(
        name=name,
        trace_id=trace.to_bytes(16),
        span_id=number.to_bytes(8),
        parent_span_id=parent.to_bytes(8) if parent else b"",
        **{"start_time_unix_nano": 1, "end_time_unix_nano": 2, **fields},
    )


def pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def test_what_both_record_alike_is_given_to_the_test() -> None:
    recorded = equal_on_both("differing", arguments=arguments(7, 7))
    assert recorded.outline() == ["outer INTERNAL", "  inner INTERNAL"]
    assert recorded.attributes("inner") == {"value": 7}
    assert [point["value"] for point in recorded.metrics["count"]["points"]] == [1]


@pytest.mark.parametrize(("left", "right"), [(1, 2), (1, True), (1, 1.0), ("1", 1), ([1], [1, 1])])
def test_an_attribute_that_differs_in_value_or_type_is_seen(left: Any, right: Any) -> None:
    with pytest.raises(AssertionError, match="the recorders differ"):
        equal_on_both("differing", arguments=arguments(left, right))


def test_a_scenario_that_fails_fails_its_test() -> None:
    with pytest.raises(AssertionError, match="told to fail"):
        equal_on_both("differing", arguments=arguments(1, "fail"))


def test_ids_and_the_order_of_arrival_make_no_difference() -> None:
    one = normal([request(span("child", 2, 1)), request(span("root", 1))], None)
    other = normal([request(span("root", 8, trace=5), span("child", 9, 8, trace=5))], None)
    assert one == other
    assert one.outline() == ["root UNSPECIFIED", "  child UNSPECIFIED"]


def test_another_parent_makes_a_difference() -> None:
    nested = normal([request(span("a", 1), span("b", 2, 1), span("c", 3, 2))], None)
    flat = normal([request(span("a", 1), span("b", 2, 1), span("c", 3, 1))], None)
    assert nested != flat


@pytest.mark.parametrize(
    "faulty",
    [
        [span("a", 1), span("b", 2, 1, trace=2)],
        [span("a", 1), span("b", 1)],
        [span("a", 1, start_time_unix_nano=3)],
        [span("a", 1, start_time_unix_nano=0)],
        [span("a", 1, attributes=[pair("key", int_value=1), pair("key", int_value=2)])],
    ],
    ids=["two traces", "one id twice", "ends first", "no start", "one key twice"],
)
def test_what_no_recorder_may_send_is_refused(faulty: list[Span]) -> None:
    with pytest.raises(AssertionError):
        normal([request(*faulty)], None)


def test_ports_and_ids_in_texts_are_taken_out_and_other_numbers_stay() -> None:
    attributes = [
        pair("url", string_value="http://127.0.0.1:8123/orders/7?n=8123"),
        pair("net.peer.port", int_value=8123),
        pair("count", int_value=8123),
    ]
    (found,) = normal([request(span("a", 1, attributes=attributes))], None).spans
    assert found["attributes"] == {
        "url": "http://127.0.0.1:PORT/orders/7?n=8123",
        "net.peer.port": "PORT as int",
        "count": 8123,
    }


def test_ids_in_facts_become_the_names_of_their_spans() -> None:
    recorded = normal([request(span("a", 0xA1))], [f"00-{1:032x}-{0xA1:016x}-01", f"00-{2:032x}-{0xB2:016x}-01"])
    assert recorded.facts == ["00-TRACE-a-01", f"00-{2:032x}-{0xB2:016x}-01"]
