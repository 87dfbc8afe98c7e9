"""The life of a TelemetryManager: start, shutdown, flush, and again."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import threading
import time

import pytest
from opentelemetry import trace

from heliograph import (
    AlreadyStartedError,
    CallableHealthCheck,
    NotStartedError,
    SettingsError,
    TelemetryManager,
    TelemetrySettings,
)
from tests.support.otlp_receiver import Answer, http_receiver
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names, values

MEMORY = {"exporters": ["memory"]}
ALL_MEMORY = {"tracing": MEMORY, "metrics": MEMORY, "logs": MEMORY}
TIMEOUTS_S = [0, -1, 1e-9, math.inf, math.nan, 1e300, sys.maxsize, 10**400]


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


def settings(**options):
    return TelemetrySettings(**{"service_name": "under-test", **ALL_MEMORY, **QUIET, **options})


def record_everything(telemetry):
    """One item of each signal through every call that there is."""
    with telemetry.span("work"):
        telemetry.event("event")
    telemetry.span_builder("built").start().end()
    telemetry.trace(lambda: None)()
    telemetry.increment_counter("c")
    telemetry.set_gauge("g", 1)
    telemetry.record_histogram("h", 1)
    telemetry.up_down_counter("u").add(-1)


# Start


def test_start_gives_the_running_manager_which_is_the_current_one(start):
    telemetry = start(**QUIET)
    assert TelemetryManager.current() is TelemetryManager.get_instance() is telemetry
    assert telemetry.is_running
    assert telemetry.is_enabled


def test_there_is_no_current_manager_before_a_start_and_after_a_shutdown(start):
    with pytest.raises(NotStartedError, match=r"call TelemetryManager.start\(\.\.\.\) first"):
        TelemetryManager.current()
    start(**QUIET).shutdown()
    with pytest.raises(LookupError):
        TelemetryManager.get_instance()


def test_two_steps_do_the_same_as_one():
    telemetry = TelemetryManager(settings())
    assert not telemetry.is_running
    with pytest.raises(NotStartedError):
        TelemetryManager.current()
    assert telemetry.initialize() is telemetry
    assert TelemetryManager.current() is telemetry
    assert telemetry.initialize() is telemetry


def test_start_takes_the_fields_of_the_settings():
    telemetry = TelemetryManager.start("shop", environment="test", **ALL_MEMORY, **QUIET)
    assert (telemetry.settings.service_name, telemetry.settings.environment) == ("shop", "test")


def test_a_second_start_with_the_same_settings_returns_the_running_manager_and_starts_nothing(start):
    telemetry = start()
    threads, url = threading.active_count(), telemetry.endpoint_url
    assert start() is telemetry
    assert TelemetryManager.start(settings=telemetry.settings) is telemetry
    assert (threading.active_count(), telemetry.endpoint_url) == (threads, url)


def test_a_second_start_with_other_settings_names_each_difference_and_changes_nothing(start):
    telemetry = start(**QUIET)
    with pytest.raises(AlreadyStartedError) as error:
        start(**QUIET, service_name="other", delivery={"queue_size": 7}, environment="production")
    paths = [difference.split(":")[0] for difference in error.value.differences]
    assert paths == ["service_name", "environment", "delivery.queue_size"]
    for part in (
        "'under-test' is running, 'other' was asked for",
        "2048 is running, 7 was asked for",
        "call shutdown() on it first",
    ):
        assert part in str(error.value)
    assert TelemetryManager.current() is telemetry
    with telemetry.span("still records"):
        pass
    assert span_names(telemetry) == ["still records"]


def test_differences_do_not_show_the_secrets_in_headers():
    def otlp(token):
        return {"exporters": [{"type": "otlp", "endpoint": "http://127.0.0.1:9", "headers": {"authorization": token}}]}

    TelemetryManager.start(settings=settings(tracing=otlp("token-one")))
    with pytest.raises(AlreadyStartedError) as error:
        TelemetryManager.start(settings=settings(tracing=otlp("token-two")))
    assert "tracing.exporters" in str(error.value)
    assert "token" not in str(error.value)


def test_faulty_settings_raise_at_once_and_nothing_runs():
    with pytest.raises(SettingsError, match="2 faults"):
        TelemetryManager.start("", metrics={"collection_interval": "-1s"})
    with pytest.raises(NotStartedError):
        TelemetryManager.current()


@pytest.mark.parametrize("options", [{"service_name": "x"}, {"environment": "x"}])
def test_settings_and_single_fields_together_are_refused(options):
    with pytest.raises(TypeError, match=f"given settings and also {next(iter(options))}"):
        TelemetryManager.start(settings=settings(), **options)


def test_many_threads_that_start_at_once_get_one_manager():
    together, got = threading.Barrier(8), []

    def work():
        together.wait(5)
        got.append(TelemetryManager.start(settings=settings()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert set(got) == {TelemetryManager.current()}


def test_a_second_object_with_the_same_settings_records_through_the_running_manager(recorder):
    first, second = TelemetryManager(settings(recorder=recorder)).initialize(), TelemetryManager(settings(recorder=recorder))
    counter = second.counter("c")
    assert second.initialize() is first
    with second.span("of the second"):
        counter.add(2)
    assert span_names(first) == ["of the second"]
    assert values(first)["c"] == {(): 2}
    assert second.is_running
    second.shutdown()
    assert not first.is_running
    record_everything(first)
    record_everything(second)


# Blocks


def test_a_with_block_runs_the_manager_and_shuts_it_down():
    with TelemetryManager(settings()) as telemetry:
        assert TelemetryManager.current() is telemetry
    assert not telemetry.is_running


def test_an_async_with_block_runs_the_manager_and_keeps_the_loop_free_while_it_shuts_down():
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    async def work(url):
        ticking = asyncio.create_task(tick())
        async with TelemetryManager(settings(tracing={"exporters": [{"type": "otlp", "endpoint": url}]})) as telemetry:
            async with telemetry.span("work"):
                pass
            before = len(ticks)
        ticking.cancel()
        return len(ticks) - before

    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=0.3)]
        assert asyncio.run(work(receiver.url)) > 5
        assert [span.name for span in receiver.spans()] == ["work"]


def test_a_block_that_raises_is_shut_down_and_the_exception_goes_on():
    manager = TelemetryManager(settings())
    with pytest.raises(KeyError), manager:
        raise KeyError
    assert not manager.is_running


def test_a_block_of_a_second_object_leaves_the_running_manager_running():
    first = TelemetryManager(settings()).initialize()
    with TelemetryManager(settings()) as telemetry:
        assert telemetry is first
    assert first.is_running


# Shutdown and flush


def test_a_shutdown_delivers_everything_and_says_so(start, recorder):
    telemetry = start(**QUIET, recorder=recorder)
    record_everything(telemetry)
    exporter = telemetry.exporter("traces", "memory")
    report = telemetry.shutdown()
    assert report.is_complete
    assert len(exporter.items()) == 3
    assert report.ledger["traces", "memory"].delivered == 3
    assert report.ledger["logs", "memory"].delivered == 1
    metrics = report.ledger["metrics", "memory"]
    assert metrics.delivered == metrics.accepted >= 4
    assert 0 <= report.duration_s < 5


def test_a_second_shutdown_returns_the_report_of_the_first(start):
    telemetry = start(**QUIET)
    assert telemetry.shutdown() is telemetry.shutdown(timeout_s=0.1)


def test_a_shutdown_without_a_start_does_nothing():
    report = TelemetryManager(settings()).shutdown()
    assert (report.is_complete, dict(report.ledger)) == (True, {})


def test_what_is_not_delivered_in_time_is_counted_as_dropped(start, recorder):
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=503)] * 1000
        telemetry = start(**QUIET, recorder=recorder, tracing={"exporters": [{"type": "otlp", "endpoint": receiver.url}]})
        for _ in range(5):
            with telemetry.span("work"):
                pass
        began = time.monotonic()
        report = telemetry.shutdown(timeout_s=0.5)
        assert time.monotonic() - began < 1.5
    assert not report.is_complete
    counts = report.ledger["traces", "otlp"]
    assert (counts.accepted, counts.delivered, counts.dropped, counts.pending) == (5, 0, {"shutdown": 5}, 0)


def test_every_call_after_a_shutdown_does_nothing_and_does_not_raise(start, recorder):
    telemetry = start(**QUIET, recorder=recorder)
    counter = telemetry.counter("kept")
    traced = telemetry.trace(lambda: 5)
    report = telemetry.shutdown()
    record_everything(telemetry)
    counter.add(1)
    assert traced() == 5
    assert telemetry.force_flush()
    assert telemetry.ledger() == report.ledger


@pytest.mark.parametrize("timeout_s", [*TIMEOUTS_S, None], ids=lambda timeout_s: str(timeout_s)[:9])
def test_a_shutdown_takes_any_timeout_and_accounts_for_every_item(start, timeout_s, recorder):
    telemetry = start(**QUIET, recorder=recorder)
    record_everything(telemetry)
    report = telemetry.shutdown(timeout_s=timeout_s)
    assert all(counts.pending == 0 for counts in report.ledger.values())
    assert not telemetry.is_running


@pytest.mark.parametrize("timeout_s", TIMEOUTS_S, ids=lambda timeout_s: str(timeout_s)[:9])
def test_a_flush_takes_any_timeout_and_is_true_only_when_everything_was_delivered(start, timeout_s, recorder):
    telemetry = start(**QUIET, recorder=recorder)
    record_everything(telemetry)
    is_delivered = telemetry.force_flush(timeout_s=timeout_s)
    assert isinstance(is_delivered, bool)
    if is_delivered:
        assert all(counts.pending == 0 for counts in telemetry.ledger().values())
    if timeout_s > 1:
        assert is_delivered


def test_a_flush_is_false_while_a_destination_does_not_take_what_it_is_given(start, recorder):
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=503)] * 1000
        telemetry = start(
            **QUIET, recorder=recorder, tracing={"exporters": [{"type": "otlp", "endpoint": receiver.url}, "memory"]}
        )
        with telemetry.span("work"):
            pass
        assert not telemetry.force_flush(timeout_s=0.3)
        assert [span.name for span in telemetry.exporter("traces", "memory").items()] == ["work"]
        receiver.answers = []
        assert telemetry.force_flush(timeout_s=5)
        assert [span.name for span in receiver.spans()] == ["work"]


def test_threads_that_shut_down_at_once_get_the_same_report(start):
    telemetry, reports = start(**QUIET), []
    threads = [threading.Thread(target=lambda: reports.append(telemetry.shutdown())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(reports) == 6
    assert len(set(map(id, reports))) == 1


# Again


def test_a_manager_runs_again_after_its_shutdown_with_instruments_decorators_and_checks_of_before(start, recorder):
    telemetry = start(recorder=recorder)
    counter, traced, handler = telemetry.counter("c"), telemetry.span("traced")(lambda: None), telemetry.logging_handler()
    telemetry.health.add_check(CallableHealthCheck("mine", lambda: True))
    counter.add(1)
    traced()
    telemetry.shutdown()
    assert telemetry.initialize() is telemetry is TelemetryManager.current()
    counter.add(5)
    traced()
    handler.handle(logging.makeLogRecord({"name": "app", "msg": "hello", "levelno": logging.ERROR}))
    assert values(telemetry)["c"] == {(): 5}
    assert span_names(telemetry) == ["traced"]
    assert [item.log_record.body for item in delivered(telemetry, "logs")] == ["hello"]
    assert "mine" in telemetry.health.check_all().checks
    page = telemetry._surface.exposition.render("text/plain")[0].decode().splitlines()
    assert [line for line in page if line.startswith("c_total")] == ["c_total 5.0"]


def test_another_manager_starts_after_a_shutdown_with_other_settings(start, recorder):
    start(**QUIET).shutdown()
    second = start(**QUIET, service_name="other", recorder=recorder)
    with trace.get_tracer("library").start_as_current_span("through the global API"):
        pass
    (span,) = delivered(second, "traces")
    assert span.resource.attributes["service.name"] == "other"


def test_a_start_while_the_shutdown_before_is_still_going_on_records_and_delivers(recorder):
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=0.6)]
        otlp = {"exporters": [{"type": "otlp", "endpoint": receiver.url}]}
        telemetry = TelemetryManager(settings(tracing=otlp, recorder=recorder)).initialize()
        counter = telemetry.counter("c")
        with telemetry.span("first run"):
            pass
        closing = threading.Thread(target=telemetry.shutdown)
        closing.start()
        while receiver.attempts == 0:
            time.sleep(0.01)
        telemetry.initialize()
        closing.join(10)
        assert telemetry.is_running
        counter.add(3)
        with telemetry.span("second run"):
            pass
        assert values(telemetry)["c"] == {(): 3}
        telemetry.shutdown()
        assert sorted(span.name for span in receiver.spans()) == ["first run", "second run"]


@pytest.mark.parametrize("settings", [{"service_name": "x"}, "x", 5, True])
def test_settings_of_another_type_are_refused_with_what_to_do(settings):
    with pytest.raises(TypeError, match=r"expected TelemetrySettings; build them with"):
        TelemetryManager(settings)
