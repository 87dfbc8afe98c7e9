"""What the variables say is what a running manager does."""

from __future__ import annotations

import logging
import socket

import pytest

from heliograph import TelemetryManager
from heliograph.settings.loading.load import load
from heliograph.settings.loading.opentelemetry_reading import VARIABLES
from tests.support.interpreter import run_script
from tests.support.otlp_receiver import Answer, grpc_receiver, http_receiver
from tests.support.raw_server import raw_server, read_request


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", "/"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/in?tenant=1", "/in?tenant=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "/in/", "/in/v1/traces"),
    ],
)
def test_a_request_goes_to_the_url_of_the_variable(name: str, path: str, expected: str):
    requests: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(talk) as url:
        options = {"metrics": {"enabled": False}, "logs": {"enabled": False}, "server": {"enabled": False}}
        environ = {name: url + path, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b"}
        with TelemetryManager(load(options, environ=environ).settings) as telemetry:
            with telemetry.span("one"):
                pass
            assert telemetry.force_flush()
    head = requests[0].partition(b"\r\n\r\n")[0].decode().lower().splitlines()
    assert head[0] == f"post {expected} http/1.1"
    assert "api-key: a b" in head


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_all_signals_arrive_when_the_environment_alone_says_where(protocol: str):
    with (grpc_receiver if protocol == "grpc" else http_receiver)() as receiver:
        environ = {
            "HELIOGRAPH_SERVER__ENABLED": "false",
            "HELIOGRAPH_ENABLED": "true",
            "OTEL_SERVICE_NAME": "checkout",
            "OTEL_RESOURCE_ATTRIBUTES": "team=pay%2Cments",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "only=metrics",
        }
        with TelemetryManager.start(environ=environ) as telemetry:
            with telemetry.span("one"):
                telemetry.event("order.placed")
            telemetry.increment_counter("orders", 1)
            assert telemetry.force_flush()
        received = {signal: (headers, request) for signal, headers, request in receiver.requests}
    assert set(received) == {"traces", "metrics", "logs"}
    assert [signal for signal, (headers, _) in received.items() if headers.get("only") == "metrics"] == ["metrics"]
    resource = received["traces"][1].resource_spans[0].resource
    attributes = {each.key: each.value.string_value for each in resource.attributes}
    assert (attributes["service.name"], attributes["team"]) == ("checkout", "pay,ments")


def test_the_level_of_what_is_logged_about_telemetry_is_that_of_the_variable():
    loggers = [logging.getLogger(name) for name in ("heliograph", "opentelemetry")]
    before = [logger.level for logger in loggers]
    try:
        with TelemetryManager(load({"server": {"enabled": False}}, environ={"OTEL_LOG_LEVEL": "error"}).settings):
            assert [logger.level for logger in loggers] == [logging.ERROR, logging.ERROR]
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def test_an_attempt_to_push_metrics_takes_as_long_as_the_variable_says():
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=3.0)]
        environ = {
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_METRIC_EXPORT_TIMEOUT": "200",
        }
        options = {"server": {"enabled": False}, "tracing": {"enabled": False}, "logs": {"enabled": False}}
        with TelemetryManager(load(options, environ=environ).settings) as telemetry:
            telemetry.increment_counter("orders", 1)
            assert telemetry.force_flush(2.5)  # by the second attempt: the first one would wait longer than this


SCRIPT = """
from heliograph import TelemetryManager

for recorder in ("native", "opentelemetry-sdk"):
    options = {"tracing": {"exporters": ["memory"]}, "logs": {"exporters": ["memory"]}, "server": {"enabled": False}}
    with TelemetryManager.start(recorder=recorder, **options) as telemetry:
        with telemetry.span("one", key="value" * 100):
            telemetry.event("order.placed", key="value")
        assert telemetry.force_flush()
        (span,) = telemetry.exporter("traces", "memory").items()
        print(span.name, len(span.attributes["key"]))
"""


def test_values_that_the_official_sdk_raises_for_do_not_fail_a_start():
    limits = [row.name for row in VARIABLES if row.group == "Limits" and row.name != "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"]
    environ = dict.fromkeys([*limits, "OTEL_METRICS_EXEMPLAR_FILTER", "OTEL_BSP_SCHEDULE_DELAY"], "nonsense")
    out, err = run_script(SCRIPT, environ={"HELIOGRAPH_ENABLED": "true", **environ})
    assert out == "one 500\none 500\n"
    assert all(err.count(f"{name} is ignored") == 2 for name in environ)
