"""Flask, Django, FastAPI, Starlette, and ASGI without a framework."""

from __future__ import annotations

from typing import Any

import pytest

from tests.instrumentations.comparison import RECORDERS, equal_on_both
from tests.instrumentations.normal import Recorded
from tests.instrumentations.servers import FOREIGN_CALLER

BUILT_IN = dict.fromkeys(RECORDERS, "built in")

# The scenario, the span of an order, and that of a page that is not there.
FRAMEWORKS = [
    ("flask_application", "GET /orders/<int:number>", "GET /nowhere"),
    ("django_over_wsgi", "GET orders/<int:number>", "GET"),
    ("django_over_asgi", "GET orders/<int:number>", "GET"),
    ("fastapi_application", "GET /orders/{number}", "GET"),
    ("starlette_application", "GET /orders/{number:int}", "GET"),
    ("asgi_application", "GET /orders/7", "GET /nowhere"),
]
BY_NAME = pytest.mark.parametrize(("scenario", "order", "nowhere"), FRAMEWORKS, ids=[row[0] for row in FRAMEWORKS])


def failing(recorded: Recorded) -> dict[str, Any]:
    (found,) = [span for span in recorded.spans if span["status"][0] == "ERROR"]
    return found


@BY_NAME
def test_each_request_has_a_server_span_with_what_was_asked_and_answered(scenario: str, order: str, nowhere: str) -> None:
    recorded = equal_on_both(scenario)
    assert recorded.facts["statuses"][:3] == [200, 500, 404]
    assert all(span["kind"] == "SERVER" for span in recorded.spans)
    assert {order, nowhere, failing(recorded)["name"]} <= {span["name"] for span in recorded.spans}
    asked = recorded.attributes(order, "SERVER")
    assert (asked["http.method"], asked["http.target"], asked["http.status_code"]) == ("GET", "/orders/7", 200)
    assert asked["http.user_agent"] == "plain"
    assert recorded.attributes(nowhere, "SERVER")["http.status_code"] == 404


@BY_NAME
def test_the_span_of_a_request_is_a_child_of_the_callers(scenario: str, order: str, nowhere: str) -> None:
    recorded = equal_on_both(scenario)
    called = recorded.span(order, "SERVER")
    _version, trace_id, span_id, _flags = FOREIGN_CALLER["traceparent"].split("-")
    assert called["foreign_parent"] == f"{trace_id}-{span_id}"
    assert called["state"] == FOREIGN_CALLER["tracestate"]
    assert recorded.span(nowhere, "SERVER")["foreign_parent"] is None


@BY_NAME
def test_what_a_view_does_is_below_the_span_of_its_request(scenario: str, order: str, nowhere: str) -> None:
    below = equal_on_both(scenario).span(order, "SERVER")["children"]
    (looking_up,) = [span for span in below if span["name"] == "look up" and span["attributes"]["number"] == 7]
    assert looking_up["scope"]["name"] == "app"
    assert looking_up["state"] == FOREIGN_CALLER["tracestate"]


@BY_NAME
def test_an_exception_of_a_view_is_on_the_failed_span(scenario: str, order: str, nowhere: str) -> None:
    failed = failing(equal_on_both(scenario))
    assert failed["events"], failed
    attributes = failed["events"][0]["attributes"]
    assert (attributes["exception.type"], attributes["exception.message"]) == ("LookupError", "no such order")
    assert attributes["exception.stacktrace"][-1] == "LookupError: no such order"
    assert any(frame.endswith((" fail", " application")) for frame in attributes["exception.stacktrace"][:-1])


@BY_NAME
def test_requests_are_measured_with_the_trace_of_each(scenario: str, order: str, nowhere: str) -> None:
    recorded = equal_on_both(scenario)
    assert recorded.counted("http.server.duration") == len(recorded.facts["statuses"])
    assert recorded.metrics["http.server.duration"]["unit"] == "ms"
    (active,) = recorded.metrics["http.server.active_requests"]["points"]
    assert (active["value"], recorded.metrics["http.server.active_requests"]["monotonic"]) == (0, False)
    measured = recorded.metrics["http.server.duration"]["points"]
    assert {point["has_exemplars"] for point in measured} == {True}


def test_headers_that_are_asked_for_are_on_server_spans() -> None:
    recorded = equal_on_both(
        "flask_application",
        environ={
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "user-agent",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "content-type",
        },
    )
    asked = recorded.attributes("GET /orders/<int:number>")
    assert asked["http.request.header.user_agent"] == ["plain"]
    assert asked["http.response.header.content_type"] == ["application/json"]


def test_starlette_has_the_messages_of_a_request_below_its_span() -> None:
    below = equal_on_both("starlette_application").span("GET /orders/{number:int}", "SERVER")["children"]
    sent = [span["attributes"]["asgi.event.type"] for span in below if "asgi.event.type" in span["attributes"]]
    assert sorted(sent) == ["http.response.body", "http.response.start"]
    assert [span["attributes"]["number"] for span in below if span["name"] == "look up"] == [7, 8]


def test_fastapi_has_background_tasks_below_the_request_that_asked_for_them() -> None:
    below = equal_on_both("fastapi_application").span("GET /orders/{number}", "SERVER")["children"]
    (task,) = [span for span in below if span["name"] == "BackgroundTask look_up"]
    assert [span["attributes"] for span in task["children"]] == [{"number": 8}]


def test_the_telemetry_that_fastapi_has_built_in_works_without_the_package() -> None:
    recorded = equal_on_both("fastapi_application", arguments=BUILT_IN)
    assert recorded.scopes() == {"app", "fastapi"}
    assert recorded.outline() == [
        "GET /fail SERVER ERROR",
        "  fastapi.endpoint INTERNAL ERROR",
        "  fastapi.dependencies INTERNAL",
        "GET /orders/{number} SERVER",
        "  fastapi.dependencies INTERNAL",
        "  fastapi.serialization INTERNAL",
        "  fastapi.endpoint INTERNAL",
        "    look up INTERNAL",
        "  fastapi.background_task INTERNAL",
        "    look up INTERNAL",
        "GET SERVER",
    ]
    assert recorded.counted("http.server.request.duration") == 3
    (log,) = recorded.logs
    assert (log["body"], log["span"]) == ("Unhandled exception in FastAPI request", "GET /fail")
    assert log["attributes"]["exception.message"] == "no such order"
