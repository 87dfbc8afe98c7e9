"""The native LoggerProvider: the SDK's constructor and methods, and what the SDK's does not keep to."""

from __future__ import annotations

import gc
import inspect
import threading
import time
import weakref
from types import SimpleNamespace

import pytest
from opentelemetry import _logs as api
from opentelemetry._logs import NoOpLogger
from opentelemetry.sdk import _logs as sdk
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs._internal import ConcurrentMultiLogRecordProcessor, SynchronousMultiLogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

import heliograph.recording
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.mishaps import Mishaps
from tests.support.hostile import RaisingMapping
from tests.support.interpreter import run_script


class Processor(LogRecordProcessor):
    """Notes what it is asked, and takes its time."""

    def __init__(self, *, takes_s=0.0, answer=True, error=None):
        self._takes_s, self._answer, self._error = takes_s, answer, error
        self.calls = []
        self.timeouts_ms = []

    def _act(self, name):
        self.calls.append(name)
        time.sleep(self._takes_s)
        if self._error is not None:
            raise self._error

    def on_emit(self, log_record):
        self.calls.append("on_emit")

    def shutdown(self):
        self._act("shutdown")

    def force_flush(self, timeout_millis=30000):
        self.timeouts_ms.append(timeout_millis)
        self._act("force_flush")
        return self._answer


def provider_with(*processors, **options):
    provider = LoggerProvider(shutdown_on_exit=False, **options)
    for processor in processors:
        provider.add_log_record_processor(processor)
    return provider


def test_it_takes_every_argument_of_the_sdks_constructor_and_has_its_methods():
    ours, theirs = (inspect.signature(kind.__init__).parameters for kind in (LoggerProvider, sdk.LoggerProvider))
    assert list(ours)[:4] == list(theirs)[:4]
    assert set(theirs) <= set(ours)
    assert {name for name in vars(sdk.LoggerProvider) if not name.startswith("_")} <= set(dir(LoggerProvider))


def test_it_is_a_logger_provider_for_who_asks():
    provider = LoggerProvider(shutdown_on_exit=False)
    assert isinstance(provider, sdk.LoggerProvider)
    assert isinstance(provider, api.LoggerProvider)
    assert heliograph.recording.LoggerProvider is LoggerProvider


def test_it_works_alone_with_an_exporter_of_the_sdk():
    exporter = InMemoryLogRecordExporter()
    provider = provider_with(BatchLogRecordProcessor(exporter), resource=Resource({"service.name": "alone"}))
    provider.get_logger("app").emit(body="x", attributes={"a": 1})
    assert provider.force_flush()
    (record,) = exporter.get_finished_logs()
    assert (record.log_record.body, record.resource.attributes["service.name"]) == ("x", "alone")
    assert provider.shutdown()


def test_the_same_name_gives_the_same_logger_and_another_version_another():
    provider = LoggerProvider(shutdown_on_exit=False)
    logger = provider.get_logger("app", "1")
    assert provider.get_logger("app", "1") is logger
    others = [
        provider.get_logger("app", "2"),
        provider.get_logger("app", "1", "https://schema"),
        provider.get_logger("b", "1"),
    ]
    assert len({id(other) for other in (logger, *others)}) == 4


def test_a_logger_has_the_attributes_that_were_given():
    logger = LoggerProvider(shutdown_on_exit=False).get_logger("app", "1", "https://schema", {"a": 1})
    scope = logger.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url, dict(scope.attributes)) == ("app", "1", "https://schema", {"a": 1})


@pytest.mark.parametrize("name", [None, "", 5, ["app"], {}], ids=repr)
def test_a_logger_of_any_name_records(name):
    items = []
    LoggerProvider(shutdown_on_exit=False, accept=items.append).get_logger(name).emit(body="x")
    assert len(items) == 1


def test_attributes_of_a_logger_that_cannot_be_read_are_counted():
    items, mishaps = [], Mishaps()
    provider = LoggerProvider(shutdown_on_exit=False, accept=items.append, mishaps=mishaps)
    provider.get_logger("app", attributes=RaisingMapping()).emit(body="x")
    assert [item.instrumentation_scope.name for item in items] == ["app"]
    assert mishaps.counts() == {"get_logger": 1}


def test_many_names_are_not_kept_for_ever():
    provider = LoggerProvider(shutdown_on_exit=False)
    for number in range(5000):
        provider.get_logger(f"app.{number}")
    assert len(provider._loggers) <= 1024


@pytest.mark.parametrize(
    ("value", "is_disabled"), [("true", True), (" TRUE ", True), ("false", False), ("", False), ("1", False)]
)
def test_the_environment_switches_it_off(monkeypatch, value, is_disabled):
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)
    assert isinstance(LoggerProvider(shutdown_on_exit=False).get_logger("app"), NoOpLogger) is is_disabled


def test_a_configurator_switches_loggers_off_by_scope():
    items = []

    def configure(scope):
        if scope.name == "broken":
            raise RuntimeError("configurator")
        return SimpleNamespace(is_enabled=scope.name != "quiet")

    provider = LoggerProvider(shutdown_on_exit=False, accept=items.append, _logger_configurator=configure)
    for name in ("quiet", "loud", "broken"):
        provider.get_logger(name).emit(body=name)
        provider.get_logger(name).emit(api.LogRecord(body=name))
    assert [item.body for item in items] == ["loud", "loud", "broken", "broken"]
    assert not provider.get_logger("quiet").enabled()


def test_the_records_are_counted_where_the_environment_asks_for_it(monkeypatch):
    reader, items = InMemoryMetricReader(), []
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    meters = MeterProvider([reader], shutdown_on_exit=False)
    provider = LoggerProvider(shutdown_on_exit=False, accept=items.append, meter_provider=meters)
    for _ in range(3):
        provider.get_logger("app").emit(body="x")
    (resource,) = reader.get_metrics_data().resource_metrics
    (metric,) = resource.scope_metrics[0].metrics
    assert (metric.name, metric.data.data_points[0].value, len(items)) == ("otel.sdk.log.created", 3, 3)


@pytest.mark.parametrize("kind", [SynchronousMultiLogRecordProcessor, ConcurrentMultiLogRecordProcessor])
def test_a_multi_processor_of_the_sdk_gets_the_records_and_the_processors_that_are_added(kind):
    exporter, multi = InMemoryLogRecordExporter(), kind()
    provider = LoggerProvider(None, False, multi)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("app").emit(body="x")
    assert [record.log_record.body for record in exporter.get_finished_logs()] == ["x"]
    assert len(multi._log_record_processors) == 1
    assert provider.force_flush()
    provider.shutdown()
    if kind is ConcurrentMultiLogRecordProcessor:
        multi._executor.shutdown()


def test_a_processor_that_is_added_later_sees_what_comes_later():
    first, second = Processor(), Processor()
    provider = provider_with(first)
    logger = provider.get_logger("app")
    logger.emit(body="x")
    provider.add_log_record_processor(second)
    logger.emit(body="y")
    assert (first.calls, second.calls) == (["on_emit"] * 2, ["on_emit"])


def test_a_flush_without_processors_is_done():
    assert LoggerProvider(shutdown_on_exit=False).force_flush(0)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({}, True),
        ({"answer": None}, True),
        ({"answer": False}, False),
        ({"error": RuntimeError()}, False),
        ({"error": SystemExit()}, False),
    ],
    ids=str,
)
def test_a_flush_says_whether_each_processor_did(odd, expected):
    processors = [Processor(), Processor(**odd), Processor()]
    assert provider_with(*processors).force_flush() is expected
    assert [processor.calls for processor in processors] == [["force_flush"]] * 3


def test_a_flush_ends_at_one_deadline_for_all_and_says_that_it_was_not_done():
    processors = [Processor(takes_s=5), Processor(takes_s=5), Processor()]
    started = time.monotonic()
    assert not provider_with(*processors).force_flush(timeout_millis=200)
    assert time.monotonic() - started < 2
    assert processors[2].calls == ["force_flush"]
    assert processors[0].timeouts_ms == [200]


def test_a_shutdown_closes_each_processor_although_another_raises():
    mishaps = Mishaps()
    processors = [Processor(error=RuntimeError("first")), Processor(), Processor(error=ValueError("last"))]
    assert not provider_with(*processors, mishaps=mishaps).shutdown()
    assert [processor.calls for processor in processors] == [["shutdown"]] * 3
    assert mishaps.counts() == {"log processor": 2}


def test_a_shutdown_ends_at_one_deadline_for_all():
    processors = [Processor(takes_s=5), Processor()]
    started = time.monotonic()
    assert not provider_with(*processors).shutdown(timeout_millis=200)
    assert time.monotonic() - started < 2
    assert processors[1].calls == ["shutdown"]


def test_a_second_shutdown_does_nothing():
    processor = Processor()
    provider = provider_with(processor)
    assert provider.shutdown()
    assert provider.shutdown()
    assert processor.calls == ["shutdown"]


def test_processors_can_be_added_from_many_threads():
    provider, processors = LoggerProvider(shutdown_on_exit=False), [Processor() for _ in range(40)]
    threads = [threading.Thread(target=provider.add_log_record_processor, args=(processor,)) for processor in processors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    provider.get_logger("app").emit(body="x")
    assert [processor.calls for processor in processors] == [["on_emit"]] * 40


def test_a_provider_that_was_dropped_is_gone():
    provider = LoggerProvider(shutdown_on_exit=False)
    outlet = weakref.ref(provider._outlet)
    del provider
    gc.collect()
    assert outlet() is None


def test_a_provider_is_shut_down_at_exit_although_only_its_logger_is_kept():
    out, _err = run_script(
        """
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
        from heliograph.recording import LoggerProvider
        def logger():
            provider = LoggerProvider()
            exporter = ConsoleLogRecordExporter(formatter=lambda record: record.log_record.body + "\\n")
            provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
            return provider.get_logger("app")
        kept = logger()
        kept.emit(body="delivered at exit")
        """
    )
    assert out == "delivered at exit\n"


def test_a_forked_child_is_another_instance_and_records_on_although_a_lock_was_held():
    out, _err = run_script(
        """
        import os, threading
        from opentelemetry.sdk.resources import Resource
        from heliograph.recording import LoggerProvider
        items = []
        provider = LoggerProvider(shutdown_on_exit=False, accept=items.append)
        chosen = LoggerProvider(Resource({"service.instance.id": "mine"}), shutdown_on_exit=False, accept=items.append)
        loggers = [provider.get_logger("app"), chosen.get_logger("app")]
        for logger in loggers:
            logger.emit(body="parent")
        held, done = threading.Event(), threading.Event()
        def hold():
            with provider._outlet.lock:
                held.set()
                done.wait(20)
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(20)
        child = os.fork()
        if child == 0:
            for logger in loggers:
                logger.emit(body="child")
            provider.shutdown()
            ids = [item.resource.attributes.get("service.instance.id") for item in items]
            os._exit(0 if ids[0] != ids[2] and ids[1] == ids[3] == "mine" else 1)
        done.set()
        thread.join()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(items))
        """
    )
    assert out == "0 2\n"
