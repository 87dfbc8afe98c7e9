"""A function of AWS Lambda has a span for each invocation, and has delivered everything when it returns."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from heliograph import TelemetryManager
from heliograph.integrations import aws_lambda
from tests.support.otlp_receiver import Answer, http_receiver

ABOUT = SimpleNamespace(function_name="thumbnails", aws_request_id="r-1", get_remaining_time_in_millis=lambda: 3000)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans(telemetry: TelemetryManager) -> list[Any]:
    return list(telemetry.exporter("traces", "memory").items())


def test_each_invocation_is_a_span_and_delivered_when_it_returns(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start()

    @aws_lambda.handler
    def handle(event: Any, context: Any) -> str:
        with telemetry.span("resize"):
            return f"made {event}"

    assert [handle(number, ABOUT) for number in range(2)] == ["made 0", "made 1"]
    resize, invocation, _second_resize, second = spans(telemetry)
    assert (invocation.name, invocation.kind) == ("thumbnails", SpanKind.SERVER)
    assert resize.parent.span_id == invocation.context.span_id
    assert dict(invocation.attributes) == {"faas.coldstart": True, "faas.invocation_id": "r-1"}
    assert second.attributes["faas.coldstart"] is False


@pytest.mark.parametrize("name", ["traceparent", "Traceparent"])
def test_an_http_event_that_names_its_caller_goes_on_below_it(start: Callable[..., TelemetryManager], name: str) -> None:
    telemetry = start()
    aws_lambda.handler(lambda event, context: None)({"headers": {name: PARENT, "Host": "example.org"}}, ABOUT)
    (span,) = spans(telemetry)
    assert f"{span.parent.trace_id:032x}-{span.parent.span_id:016x}" == PARENT[3:-3]


@pytest.mark.parametrize("event", [None, "text", {}, {"headers": None}, {"headers": {"traceparent": "nonsense"}}], ids=repr)
def test_any_other_event_begins_a_trace(start: Callable[..., TelemetryManager], event: Any) -> None:
    telemetry = start()
    aws_lambda.handler(lambda event, context: None)(event, ABOUT)
    assert [span.parent for span in spans(telemetry)] == [None]


def test_what_the_function_raises_is_recorded_delivered_and_raised(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start()

    @aws_lambda.handler
    def handle(event: Any, context: Any) -> None:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        handle({}, ABOUT)
    (span,) = spans(telemetry)
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


def test_without_a_context_as_in_a_test_it_works_as_well(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start()

    def resize(event: Any, context: Any) -> int:
        return 7

    assert aws_lambda.handler(resize)({}, None) == 7
    assert [span.name for span in spans(telemetry)] == ["resize"]


def test_a_collector_that_does_not_answer_takes_no_more_time_than_is_left(start: Callable[..., TelemetryManager]) -> None:
    about = SimpleNamespace(function_name="f", aws_request_id="r", get_remaining_time_in_millis=lambda: 450)
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=3.0)]
        telemetry = start(tracing={"exporters": [{"type": "otlp", "endpoint": receiver.url}]}, metrics={"exporters": []})
        before_s = time.monotonic()
        aws_lambda.handler(lambda event, context: None)({}, about)
        assert time.monotonic() - before_s < 1.0
        telemetry.shutdown(timeout_s=0.1)


def test_settings_with_a_fault_are_said_and_the_function_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOGRAPH_TRACING__SAMPLE_RATE", "often")
    with caplog.at_level(logging.WARNING):
        assert aws_lambda.handler(lambda event, context: event)(5, ABOUT) == 5
    assert "no telemetry in this function" in caplog.text
