"""gRPC, plain and asynchronous."""

from __future__ import annotations

import pytest

from tests.instrumentations.comparison import equal_on_both

ANSWERS = ["order 7", "7", "8", "NOT_FOUND", "order 8", "NOT_FOUND"]


def test_a_call_has_a_span_on_each_side() -> None:
    recorded = equal_on_both("grpc_calls")
    assert recorded.facts["answers"] == ANSWERS
    get = ["  /shop.Orders/Get CLIENT", "    /shop.Orders/Get SERVER", "      look up INTERNAL"]
    fail = ["  /shop.Orders/Fail CLIENT ERROR", "    /shop.Orders/Fail SERVER"]
    stream = ["  /shop.Orders/List CLIENT", "    /shop.Orders/List SERVER"]
    assert recorded.outline() == ["async work INTERNAL", *get, *fail, "work INTERNAL", *get, *stream, *fail]


@pytest.mark.parametrize("root", ["work", "async work"])
def test_a_call_that_fails_says_its_status(root: str) -> None:
    below = equal_on_both("grpc_calls").span(root)["children"]
    codes = {(span["name"], span["attributes"]["rpc.grpc.status_code"]) for span in below}
    assert {("/shop.Orders/Get", 0), ("/shop.Orders/Fail", 5)} <= codes
    (failed,) = [span for span in below if span["name"] == "/shop.Orders/Fail"]
    (on_server,) = failed["children"]
    assert on_server["attributes"]["rpc.grpc.status_code"] == 5
    assert on_server["attributes"]["rpc.service"] == "shop.Orders"
    assert {event["name"] for event in on_server["events"]} == {"exception"}
