"""What a capture stands in for: everything that records or is asked for, and nothing afterwards."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from wsgiref.util import setup_testing_defaults

import flask
import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from heliograph import CallableHealthCheck, HealthStatus, NotStartedError, TelemetryManager, TelemetrySettings
from heliograph.testing import CapturedTelemetry, captured
from tests.support.interpreter import run_script

# As modules do, before anything has started.
EARLY_TRACER = trace.get_tracer("early")
EARLY_METER = metrics.get_meter("early")
EARLY_COUNTER = EARLY_METER.create_counter("early.count")
EARLY_LOGGER = _logs.get_logger("early")

Start = Callable[..., TelemetryManager]


def get(app: Any, path: str) -> tuple[str, str]:
    """Status and body of what ``app``, for WSGI, answers."""
    said: list[str] = []
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    body = b"".join(app(environ, lambda status, _headers: said.append(status)))
    return said[0], body.decode()


def test_the_current_manager_is_the_captured_one_and_nothing_is_left_running() -> None:
    with captured() as telemetry:
        assert TelemetryManager.current() is telemetry
        assert isinstance(telemetry, CapturedTelemetry)
    with pytest.raises(NotStartedError):
        TelemetryManager.current()


@pytest.mark.parametrize(
    "options", [{}, {"preset": "production"}, {"enabled": False}, {"recorder": "opentelemetry-sdk"}, {"server": {"port": 1}}]
)
def test_starting_with_any_settings_gives_the_captured_one(options: dict[str, Any]) -> None:
    with captured() as telemetry:
        assert TelemetryManager.start("shop", **options) is telemetry
        assert TelemetryManager.start("other", **options) is telemetry
        assert telemetry.endpoint_url is None


def test_a_manager_made_by_hand_records_there_too() -> None:
    made = TelemetryManager(TelemetrySettings(service_name="shop"))
    orders = made.counter("orders")
    with captured() as telemetry:
        assert made.initialize() is telemetry
        with made.span("work"):
            orders.add(2)
        made.event("done")
        assert telemetry.spans.names == ["work"]
        assert telemetry.counter("orders").total == 2
        assert telemetry.events.names == ["done"]
    assert not made.is_running


@pytest.mark.parametrize("enter", ["with", "shutdown"])
def test_code_that_shuts_its_manager_down_does_not_end_the_capture(enter: str) -> None:
    with captured() as telemetry:
        if enter == "with":
            with TelemetryManager(TelemetrySettings()) as made, made.span("first"):
                pass
        else:
            made = TelemetryManager.start()
            with made.span("first"):
                pass
            assert made.shutdown(timeout_s=1.0).is_complete
        with TelemetryManager.current().span("second"):
            pass
        assert telemetry.spans.names == ["first", "second"]


@pytest.mark.parametrize("turn", [1, 2])
def test_what_modules_asked_opentelemetry_for_before_records_in_each_capture(turn: int) -> None:
    with captured() as telemetry:
        with EARLY_TRACER.start_as_current_span("early"):
            EARLY_COUNTER.add(turn)
        EARLY_LOGGER.emit(body="said", severity_text="INFO")
        assert telemetry.spans.tree() == "early"
        assert telemetry.counter("early.count").total == turn
        assert telemetry.logs.bodies == ["said"]


def test_what_was_asked_for_in_one_capture_records_in_the_next() -> None:
    with captured() as first:
        tracer, counter = trace.get_tracer("module"), metrics.get_meter("module").create_counter("module.count")
        held = first.counter("held")
        bound = held.bind(kind="a")
        counter.add(1)
        bound.add(1)
    with captured() as telemetry:
        tracer.start_span("again").end()
        counter.add(5)
        bound.add(7)
        assert telemetry.spans.names == ["again"]
        assert telemetry.counter("module.count").total == 5
        assert telemetry.counter("held").where(kind="a").total == 7


def test_nothing_is_recorded_between_captures_and_nothing_of_it_is_seen() -> None:
    with captured() as telemetry:
        tracer, logger = telemetry.tracer, telemetry.logger
        left_open = telemetry.tracer.start_span("left open")
    tracer.start_span("in between").end()
    logger.emit(body="in between")
    telemetry.counter("orders").add(1)
    with captured() as telemetry:
        left_open.end()
        assert (telemetry.spans.names, telemetry.logs.bodies, telemetry.counter("orders").total) == ([], [], 0)


def test_each_capture_begins_at_the_same_time_with_the_same_ids() -> None:
    found = []
    for _ in range(2):
        with captured() as telemetry:
            telemetry.clock.advance(3)
            telemetry.clock.tick_s = 1
            with telemetry.span("outer"), telemetry.span("inner"):
                pass
            found.append([(span.trace_id, span.span_id, span.started_at_ns) for span in telemetry.spans])
    assert found[0] == found[1]
    assert [(trace_id, span_id) for trace_id, span_id, _ in found[0]] == [(1, 2), (1, 1)]


def test_the_running_manager_is_out_of_the_way_and_back_afterwards(start: Start) -> None:
    running = start()
    orders, tracer, handler = running.counter("orders"), trace.get_tracer("held"), running.logging_handler()
    logger = logging.getLogger("tests.capture")
    logger.addHandler(handler)
    try:
        with captured() as telemetry:
            orders.add(1)
            tracer.start_span("with a tracer that was there").end()
            with running.span("by the manager"):
                logger.warning("a line")
            assert TelemetryManager.current() is telemetry
            assert running.is_running
            assert telemetry.spans.names == ["with a tracer that was there", "by the manager"]
            assert telemetry.counter("orders").total == 1
            assert telemetry.logs.bodies == ["a line"]
    finally:
        logger.removeHandler(handler)
    assert TelemetryManager.current() is running
    tracer.start_span("after").end()
    orders.add(5)
    assert running.force_flush()
    assert [span.name for span in running.exporter("traces", "memory").items()] == ["after"]
    assert "\norders_total 5" in get(running.wsgi_app(), "/metrics")[1]


def test_a_manager_that_is_switched_off_is_captured_and_off_again(start: Start) -> None:
    running = start(enabled=False)
    orders = running.counter("orders")
    with captured() as telemetry:
        with running.span("work"):
            orders.add(1)
        assert telemetry.spans.names == ["work"]
        assert telemetry.counter("orders").total == 1
    orders.add(1)
    with running.span("off again") as span:
        assert not span.is_recording()
    assert telemetry.counter("orders").total == 1
    assert TelemetryManager.current() is running


def test_what_a_switched_off_manager_has_mounted_answers_for_the_capture(start: Start) -> None:
    running = start(enabled=False)
    running.health.add_check(CallableHealthCheck("database", lambda: False))
    mounted = running.wsgi_app()
    assert "orders_total" not in get(mounted, "/metrics")[1]
    with captured() as telemetry:
        running.counter("orders").add(3)
        assert "\norders_total 3" in get(mounted, "/metrics")[1]
        status, body = get(mounted, "/health")
        assert (status[:3], json.loads(body)["checks"].keys()) == ("503", {"database"})
        assert telemetry.health.check("database").status is HealthStatus.UNHEALTHY
    assert "orders_total" not in get(mounted, "/metrics")[1]


def test_health_checks_are_cached_on_the_clock_of_the_test_and_gone_afterwards() -> None:
    asked: list[int] = []
    with captured() as telemetry:
        telemetry.health.add_check(CallableHealthCheck("counted", lambda: asked.append(1)))
        telemetry.health.set_cache_ttl(60)
        telemetry.clock.set(datetime(2030, 5, 1, tzinfo=UTC))
        result = telemetry.health.check("counted")
        telemetry.clock.advance(59)
        telemetry.health.check("counted")
        assert (len(asked), result.timestamp) == (1, datetime(2030, 5, 1, tzinfo=UTC).timestamp())
        assert telemetry.health.age_s(result) == 59
        telemetry.clock.advance(1)
        telemetry.health.check("counted")
        assert len(asked) == 2
        assert telemetry.gauge("health.check.status").where({"health.check.name": "counted"}).value == 1
    with captured() as telemetry:
        assert telemetry.health.check_all().checks == {}


def test_the_checks_of_what_starts_are_there_unasked_and_those_of_the_machine_are_not() -> None:
    made = TelemetryManager(TelemetrySettings(health={"checks": ["memory", "disk_space"], "cache_ttl": "10s"}))
    made.health.add_check(CallableHealthCheck("queue", lambda: HealthStatus.WARNING), critical=False, groups=["live"])
    made.health.check_all()
    with captured() as telemetry:
        telemetry.health.add_check(CallableHealthCheck("cache", lambda: True))
        made.initialize()
        assert made.health is telemetry.health
        report = telemetry.health.check_all()
        assert {name: result.timestamp for name, result in report.checks.items()} == dict.fromkeys(
            ["cache", "queue"], telemetry.clock.time_ns() / 1e9
        )
        assert (report.status, list(telemetry.health.check_all("live").checks)) == (HealthStatus.WARNING, ["queue"])
    assert set(made.health.check_all().checks) == {"memory", "disk_space", "queue"}


def test_the_globals_of_opentelemetry_are_given_back() -> None:
    out, _ = run_script("""
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.trace import TracerProvider
        from heliograph.testing import captured
        before = trace.get_tracer_provider(), metrics.get_meter_provider()
        with captured() as telemetry:
            during = trace.get_tracer_provider()
            trace.set_tracer_provider(TracerProvider())  # refused: one is set
            assert trace.get_tracer_provider() is during
        assert (trace.get_tracer_provider(), metrics.get_meter_provider()) == before
        own = TracerProvider()
        trace.set_tracer_provider(own)
        with captured() as telemetry:
            trace.get_tracer("x").start_span("captured").end()
            assert telemetry.spans.names == ["captured"]
        assert trace.get_tracer_provider() is own
        print("ok")
    """)
    assert out == "ok\n"


def test_everything_is_as_before_after_the_block_failed() -> None:
    before = trace.get_tracer_provider()

    def fail() -> None:
        with captured():
            assert trace.get_tracer_provider() is not before
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert trace.get_tracer_provider() is before
    with pytest.raises(NotStartedError):
        TelemetryManager.current()


def test_a_capture_in_a_capture_is_the_same_one() -> None:
    with captured() as outer:
        with outer.span("before"), captured() as inner:
            assert inner is outer
            assert inner.clock.time_ns() == outer.clock.time_ns()
        with outer.span("after"):
            pass
        assert outer.spans.names == ["before", "after"]


def test_it_records_where_the_environment_keeps_others_quiet() -> None:
    script = """
        from opentelemetry import trace
        from heliograph import TelemetryManager
        from heliograph.testing import captured
        assert not TelemetryManager.start(**QUIET).is_enabled
        with captured() as telemetry:
            with TelemetryManager.current().span("a"), trace.get_tracer("x").start_as_current_span("b"):
                telemetry.counter("c").add(1)
                telemetry.event("d")
            print(telemetry.spans.names, telemetry.counter("c").total, telemetry.events.names)
    """
    out, _ = run_script(script, environ={"OTEL_SDK_DISABLED": "true"})
    assert out == "['b', 'a'] 1 ['d']\n"


def test_an_observed_metric_is_that_of_the_object_under_test() -> None:
    class Queue:
        def __init__(self, size: int) -> None:
            self.size = size
            meter = metrics.get_meter("queue")
            meter.create_observable_gauge("queue.size", [lambda _options: [metrics.Observation(self.size)]])

    for size in (3, 4):
        with captured() as telemetry:
            queue = Queue(size)
            assert telemetry.gauge("queue.size").value == size
            queue.size += 10
            telemetry.clear()
            assert telemetry.gauge("queue.size").value == size + 10
    with captured() as telemetry:
        assert telemetry.gauge("queue.size").value is None


def test_processors_and_readers_that_the_code_attaches_see_their_test_alone() -> None:
    exporter, records, reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
    with captured() as telemetry:
        tracers, loggers, meters = trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider()
        tracers.add_span_processor(SimpleSpanProcessor(exporter))
        loggers.add_log_record_processor(SimpleLogRecordProcessor(records))
        meters.add_metric_reader(reader)
        with telemetry.span("seen"):
            telemetry.event("seen")
            telemetry.counter("seen").add(1)
        assert [span.name for span in exporter.get_finished_spans()] == telemetry.spans.names == ["seen"]
        assert len(records.get_finished_logs()) == 1
        scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
        names = {metric.name for scope in scopes for metric in scope.metrics}
        assert "seen" in names
    with captured() as telemetry, telemetry.span("not seen"):
        telemetry.event("not seen")
    assert [span.name for span in exporter.get_finished_spans()] == ["seen"]
    assert len(records.get_finished_logs()) == 1


def test_what_the_test_instruments_is_captured_and_taken_off_again() -> None:
    for _ in range(2):
        application = flask.Flask("shop")
        application.add_url_rule("/orders/<int:number>", view_func=lambda number: f"order {number}")
        with captured() as telemetry:
            assert telemetry.instrument(flask=application) == ("flask",)
            assert application.test_client().get("/orders/7").text == "order 7"
            assert telemetry.spans.names == ["GET /orders/<int:number>"]
            # The first that instruments in a process chooses the name, which may have been another test.
            names = ("http.server.request.duration", "http.server.duration")
            assert sum(telemetry.histogram(name).count for name in names) == 1
        with captured() as telemetry:
            assert application.test_client().get("/orders/7").text == "order 7"
            assert telemetry.spans == []


def test_a_fork_in_a_test_records_for_itself() -> None:
    out, _ = run_script("""
        import os
        from heliograph import TelemetryManager
        from heliograph.testing import captured
        with captured() as telemetry:
            with telemetry.span("parent"):
                child = os.fork()
                if child == 0:
                    with TelemetryManager.current().span("child"):
                        pass
                    os._exit(0 if telemetry.spans.names == ["child"] else 1)
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            print(telemetry.spans.names)
    """)
    assert out == "0\n['parent']\n"


def test_work_on_other_threads_is_captured() -> None:
    with captured() as telemetry:

        def work() -> None:
            with EARLY_TRACER.start_as_current_span("work"):
                telemetry.counter("done").add(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(telemetry.spans.named("work")) == telemetry.counter("done").total == 8
        assert sorted(span.span_id for span in telemetry.spans) == list(range(1, 9))
