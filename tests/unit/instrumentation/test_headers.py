"""The headers of a response in every shape in which instrumentation packages hand them over."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.instrumentation import propagators
from opentelemetry.instrumentation.asgi import asgi_setter
from opentelemetry.instrumentation.wsgi import default_response_propagation_setter

from heliograph.instrumentation.headers import ResponseHeaders, asked_with, set_response_headers
from tests.support.recorded import RecordedSpans

RECORDED = RecordedSpans()


def test_a_message_of_asgi_gets_them_once() -> None:
    start: dict[str, Any] = {"type": "http.response.start", "headers": ((b"a", b"b"),)}
    body: dict[str, Any] = {"type": "http.response.body"}
    with RECORDED.scope("x") as span, asked_with("r-1"):
        for message in (start, body):
            ResponseHeaders().inject(message, setter=asgi_setter)
    assert dict(start["headers"])[b"x-request-id"] == b"r-1"
    assert f"{span.get_span_context().span_id:016x}".encode() in dict(start["headers"])[b"traceresponse"]
    assert body == {"type": "http.response.body"}


def test_a_list_of_wsgi_gets_them_beside_what_the_application_says() -> None:
    headers = [("X-Request-ID", "mine")]
    with RECORDED.scope("x"):
        ResponseHeaders().inject(headers, setter=default_response_propagation_setter)
    assert [name.lower() for name, _value in headers] == ["x-request-id", "traceresponse"]


def test_a_mapping_gets_them() -> None:
    headers: dict[str, str] = {}
    with RECORDED.scope("x") as span:
        ResponseHeaders().inject(headers)
    assert headers["x-request-id"] == f"{span.get_span_context().trace_id:032x}"


def test_without_a_span_there_is_nothing_to_say() -> None:
    headers: dict[str, str] = {}
    ResponseHeaders().inject(headers)
    assert headers == {}


@pytest.mark.parametrize("carrier", [None, 7, {"type": "http.response.start", "headers": [7]}])
def test_a_response_of_an_odd_shape_raises_nothing(carrier: Any) -> None:
    with RECORDED.scope("x"):
        ResponseHeaders().inject(carrier, setter=asgi_setter)


def test_a_propagator_of_somebody_else_stays() -> None:
    theirs = propagators.TraceResponsePropagator()
    propagators.set_global_response_propagator(theirs)
    try:
        set_response_headers(is_on=True)
        set_response_headers(is_on=False)
        assert propagators.get_global_response_propagator() is theirs
    finally:
        propagators.set_global_response_propagator(None)
