"""One run of a manager: what each section of the settings starts, and what happens when the outside does not play along."""

from __future__ import annotations

import logging
import socket
import threading
import time

import httpx
import pytest

from heliograph import ExportState, TelemetryManager
from tests.support.otlp_receiver import http_receiver
from tests.support.recorded import ABOUT_TELEMETRY, QUIET, RECORDERS, delivered, span_names, values
from tests.support.waiting import until


def our_threads():
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("heliograph")}


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


@pytest.fixture
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# Sections


def test_everything_on_records_every_signal_and_serves(start, recorder):
    telemetry = start(recorder=recorder)
    with telemetry.span("work"):
        telemetry.event("event")
    assert span_names(telemetry) == ["work"]
    assert [item.log_record.event_name for item in delivered(telemetry, "logs")] == ["event"]
    assert {"process.cpu.time", "health.status"} <= set(values(telemetry))
    assert httpx.get(f"{telemetry.endpoint_url}/health").status_code == 200
    assert "process_cpu_time" in httpx.get(f"{telemetry.endpoint_url}/metrics").text


@pytest.mark.parametrize(
    ("section", "signal"), [("tracing", "traces"), ("metrics", "metrics"), ("logs", "logs")]
)  # fmt: skip
def test_a_signal_switched_off_records_nothing_and_has_no_destination_while_the_others_do(start, section, signal, recorder):
    telemetry = start(**{**QUIET, "recorder": recorder, section: {"enabled": False, "exporters": ["memory"]}})
    with telemetry.span("work") as span:
        assert span.is_recording() is (section != "tracing")
        telemetry.event("event")
        telemetry.increment_counter("c")
    assert telemetry.force_flush()
    delivered_by_signal = {key[0]: counts.delivered for key, counts in telemetry.ledger().items()}
    assert set(delivered_by_signal) == {"traces", "metrics", "logs"} - {signal}
    assert {delivered_by_signal.get(name, 1) for name in ("traces", "logs")} == {1}
    assert signal == "metrics" or values(telemetry)["c"] == {(): 1}


def test_without_metrics_the_page_is_there_and_has_none_of_ours(start):
    telemetry = start(metrics={"enabled": False})
    telemetry.increment_counter("c")
    page = httpx.get(f"{telemetry.endpoint_url}/metrics")
    assert page.status_code == 200
    assert "target_info" not in page.text


def test_without_health_there_is_no_check_and_no_gauge(start):
    telemetry = start(health={"enabled": False})
    assert not telemetry.health.check_all().checks
    assert not [name for name in values(telemetry) if name.startswith("health.")]


def test_without_system_there_is_no_system_metric(start, recorder):
    telemetry = start(recorder=recorder, system={"enabled": False}, health={"enabled": False})
    telemetry.increment_counter("c")
    assert set(values(telemetry)) == {"c"}


def test_without_a_server_nothing_listens_and_the_applications_are_still_there(start):
    telemetry = start(server={"enabled": False})
    assert telemetry.endpoint_url is None
    assert "heliograph-endpoint" not in our_threads()
    transport = httpx.WSGITransport(telemetry.wsgi_app())
    assert httpx.Client(transport=transport, base_url="http://app").get("/health/live").status_code == 200


def test_without_anything_there_is_no_thread(start):
    before = our_threads()
    off = {"enabled": False}
    telemetry = start(tracing=off, metrics=off, logs=off, **QUIET)
    telemetry.increment_counter("c")
    assert our_threads() <= before
    assert (telemetry.ledger(), telemetry.export_status()) == ({}, {})
    assert telemetry.force_flush()


def test_a_disabled_manager_does_nothing_at_all(start):
    before = our_threads()
    telemetry = start(enabled=False)
    with telemetry.span("work") as span:
        assert not span.is_recording()
        telemetry.event("event")
    telemetry.counter("c").add(1)
    assert (telemetry.ledger(), telemetry.export_status(), telemetry.endpoint_url) == ({}, {}, None)
    assert not telemetry.health.check_all().checks
    assert our_threads() <= before
    assert start(enabled=False) is telemetry is TelemetryManager.current()
    assert telemetry.shutdown().is_complete


@pytest.mark.parametrize(("value", "is_enabled"), [("true", False), ("TRUE", False), ("false", True), ("1", True), ("", True)])
def test_the_environment_disables_with_true_only(value, is_enabled):
    telemetry = TelemetryManager(environ={"OTEL_SDK_DISABLED": value})
    assert telemetry.is_enabled is is_enabled


# The end


def test_a_shutdown_leaves_no_thread_and_frees_the_port(start, recorder):
    before = our_threads()
    telemetry = start(recorder=recorder)
    host, port = telemetry.endpoint_url.removeprefix("http://").split(":")
    with telemetry.span("work"):
        telemetry.event("event")
    assert {"heliograph-endpoint", "heliograph-scheduler", "heliograph-traces"} <= our_threads()
    telemetry.shutdown()
    assert until(lambda: our_threads() <= before)
    assert telemetry.endpoint_url is None
    with socket.socket() as other:
        other.bind((host, int(port)))


def test_a_callback_that_raises_costs_only_its_own_metric_also_at_the_end(start, recorder):
    telemetry = start(**QUIET, recorder=recorder)

    def broken(_options):
        raise RuntimeError("broken")

    telemetry.meter.create_observable_gauge("broken", [broken])
    telemetry.increment_counter("c")
    exporter = telemetry.exporter("metrics", "memory")
    assert telemetry.shutdown().is_complete
    (data,) = exporter.items()
    names = {metric.name for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics}
    assert {name for name in names if not name.startswith(ABOUT_TELEMETRY)} == {"c"}


# The outside does not play along


def test_a_port_that_is_taken_gives_one_warning_and_everything_else_goes_on(start, caplog, taken_port):
    telemetry = start(server={"port": taken_port})
    (warning,) = warnings_of(caplog)
    assert f"cannot listen on 127.0.0.1:{taken_port} (Address already in use)" in warning
    assert "set server.port to a free port" in warning
    assert telemetry.endpoint_url is None
    with telemetry.span("work"):
        pass
    assert span_names(telemetry) == ["work"]
    assert telemetry.shutdown().is_complete


def test_the_next_free_port_is_taken_where_that_is_asked_for(start, caplog, taken_port):
    telemetry = start(server={"port": taken_port, "when_taken": "next"})
    port = int(telemetry.endpoint_url.rsplit(":", 1)[1])
    assert taken_port < port <= taken_port + 100
    assert warnings_of(caplog) == [f"port {taken_port} is taken: the telemetry endpoint is at {telemetry.endpoint_url}"]
    assert httpx.get(f"{telemetry.endpoint_url}/health/live").status_code == 200


@pytest.mark.parametrize("host", ["192.0.2.1", "x" * 64 + ".invalid", "a..b"])
def test_a_host_that_cannot_be_had_gives_one_warning_and_everything_else_goes_on(start, caplog, host):
    before = our_threads()
    telemetry = start(server={"host": host, "port": 0, "allow_unauthenticated": True})
    assert len(warnings_of(caplog)) == 1
    assert telemetry.endpoint_url is None
    telemetry.shutdown()
    assert until(lambda: our_threads() <= before)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("collector", ["refuses", "does not answer"])
def test_a_start_with_an_unreachable_collector_takes_less_than_a_second_and_shows(start, protocol, collector, taken_port):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1] if collector == "refuses" else taken_port
        endpoint = f"http://127.0.0.1:{port}"
        otlp = {"exporters": [{"type": "otlp", "endpoint": endpoint, "protocol": protocol, "timeout": "200ms"}]}
        began = time.monotonic()
        telemetry = start(**QUIET, tracing=otlp, metrics=otlp, logs=otlp)
        assert time.monotonic() - began < 1.0
        began = time.monotonic()
        with telemetry.span("work"):
            telemetry.event("event")
        assert time.monotonic() - began < 0.5
        assert not telemetry.force_flush(timeout_s=0.1)
        status = until(lambda: (found := telemetry.export_status()["otlp"]).state is not ExportState.HEALTHY and found)
        assert status.state is ExportState.DEGRADED
        assert status.reason
        assert status.counts["traces"].pending == 1
        began = time.monotonic()
        assert not telemetry.shutdown(timeout_s=0.5).is_complete
        assert time.monotonic() - began < 1.5


def test_a_start_after_one_that_failed_works(start):
    with pytest.raises(TypeError):
        TelemetryManager.start(settings=start(**QUIET).settings, service_name="x")
    TelemetryManager.current().shutdown()
    assert start(**QUIET, service_name="again").is_running


def test_a_destination_that_fails_does_not_cost_its_siblings_anything(start, recorder):
    with http_receiver() as receiver:
        exporters = [
            {"type": "otlp", "name": "dead", "endpoint": "http://127.0.0.1:9"},
            {"type": "otlp", "endpoint": receiver.url},
        ]
        telemetry = start(**QUIET, recorder=recorder, tracing={"exporters": [*exporters, "memory"]})
        with telemetry.span("work"):
            pass
        assert not telemetry.force_flush(timeout_s=1)
        assert [span.name for span in receiver.spans()] == ["work"]
        assert [span.name for span in telemetry.exporter("traces", "memory").items()] == ["work"]
        states = {name: status.state for name, status in telemetry.export_status().items()}
        assert states == {"dead": ExportState.DEGRADED, "otlp": ExportState.HEALTHY, "memory": ExportState.HEALTHY}
        telemetry.shutdown(timeout_s=0.2)


def test_our_own_exports_make_no_telemetry(start, recorder):
    # urllib3's log and an instrumented client would otherwise feed each export into the next one.
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    root = logging.getLogger()
    with http_receiver() as receiver:
        otlp = {"exporters": [{"type": "otlp", "endpoint": receiver.url}]}
        telemetry = start(**QUIET, recorder=recorder, tracing=otlp, logs={**otlp, "level": "DEBUG"})
        handler = telemetry.logging_handler()
        root.addHandler(handler)
        try:
            with telemetry.span("work"):
                pass
            assert telemetry.force_flush()
            assert telemetry.force_flush()
            assert receiver.log_records() == []
        finally:
            root.removeHandler(handler)
            logging.getLogger("urllib3").setLevel(logging.NOTSET)
