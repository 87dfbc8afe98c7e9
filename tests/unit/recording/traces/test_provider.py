"""The native TracerProvider in the place of the official one."""

from __future__ import annotations

import inspect
import os
import time

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer

from heliograph.recording import TracerProvider
from heliograph.recording.mishaps import Mishaps
from tests.support.interpreter import run_script


class Noting(SpanProcessor):
    def __init__(self, name, notes, error=None, takes_s=0.0, answer=True):
        self.name, self.notes, self.error, self.takes_s, self.answer = name, notes, error, takes_s, answer

    def _note(self, what):
        self.notes.append((self.name, what))
        time.sleep(self.takes_s)
        if self.error is not None:
            raise self.error

    def on_start(self, span, parent_context=None):
        self._note("start")

    def _on_ending(self, span):
        self._note("ending")

    def on_end(self, span):
        self._note("end")

    def shutdown(self):
        self._note("shutdown")

    def force_flush(self, timeout_millis=30000):
        self._note("flush")
        return self.answer


def test_it_takes_every_argument_of_the_official_one_and_has_its_methods():
    official = inspect.signature(SdkTracerProvider.__init__).parameters
    ours = inspect.signature(TracerProvider.__init__).parameters
    for name, parameter in official.items():
        assert ours[name].kind == parameter.kind, name
    assert list(ours)[: len(official) - 2] == list(official)[: len(official) - 2]
    methods = {name for name, member in vars(SdkTracerProvider).items() if not name.startswith("_") and callable(member)}
    assert methods <= set(dir(TracerProvider))
    assert isinstance(TracerProvider(shutdown_on_exit=False), SdkTracerProvider)


def test_a_tracer_is_the_same_for_the_same_scope():
    provider = TracerProvider(shutdown_on_exit=False)
    assert provider.get_tracer("a", "1") is provider.get_tracer("a", "1")
    assert provider.get_tracer("a", "1") is not provider.get_tracer("a", "2")
    assert provider.get_tracer("a", attributes={"x": 1}) is not provider.get_tracer("a", attributes={"x": 2})


def test_a_tracer_without_a_name_records(caplog):
    ended = []
    TracerProvider(shutdown_on_exit=False, accept=ended.append).get_tracer("").start_span("work").end()
    assert ended[0].instrumentation_scope.name == ""
    assert "no name" in caplog.text


def test_the_environment_switches_it_off(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "TRUE")
    assert isinstance(TracerProvider(shutdown_on_exit=False).get_tracer("a"), NoOpTracer)


def test_the_environment_sets_sampler_and_limits(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "1")
    provider = TracerProvider(shutdown_on_exit=False)
    assert not provider.get_tracer("a").start_span("work").is_recording()
    assert provider._limits.max_events == 1


@pytest.mark.parametrize("make", [SimpleSpanProcessor, BatchSpanProcessor])
def test_exporters_of_the_sdk_get_spans_of_the_sdk(make):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "a"}), shutdown_on_exit=False)
    provider.add_span_processor(make(exporter))
    with provider.get_tracer("test", "1").start_as_current_span("work", attributes={"a": 1}) as span:
        span.add_event("event", {"b": 2})
    assert provider.force_flush()
    (found,) = exporter.get_finished_spans()
    assert (found.name, dict(found.attributes), found.events[0].name) == ("work", {"a": 1}, "event")
    assert found.resource.attributes["service.name"] == "a"
    assert found.context == span.context
    provider.shutdown()


def test_processors_are_called_in_their_order_and_see_a_span_that_changes_until_its_end():
    class Changing(SpanProcessor):
        def on_start(self, span, parent_context=None):
            span.set_attribute("started", 1)

        def on_end(self, span):
            seen.append(dict(span.attributes))

    notes, seen, ended = [], [], []
    provider = TracerProvider(shutdown_on_exit=False, accept=ended.append)
    tracer = provider.get_tracer("test")
    for processor in (Noting("first", notes), Changing(), Noting("second", notes)):
        provider.add_span_processor(processor)
    tracer.start_span("work", attributes={"a": 1}).end()
    assert notes == [(name, what) for what in ("start", "ending", "end") for name in ("first", "second")]
    assert seen == [{"a": 1, "started": 1}]
    assert dict(ended[0].attributes) == {"a": 1, "started": 1}


def test_a_processor_that_raises_costs_nothing_but_itself():
    notes, mishaps, ended = [], Mishaps(), []
    provider = TracerProvider(shutdown_on_exit=False, accept=ended.append, mishaps=mishaps)
    provider.add_span_processor(Noting("bad", notes, error=RuntimeError("no")))
    provider.add_span_processor(Noting("good", notes))
    provider.get_tracer("test").start_span("work").end()
    assert [what for name, what in notes if name == "good"] == ["start", "ending", "end"]
    assert len(ended) == 1
    assert mishaps.counts() == {"span processor": 3}
    assert not provider.force_flush()
    provider.shutdown()
    assert ("good", "shutdown") in notes


@pytest.mark.parametrize("answer", [True, None, False])
def test_a_flush_says_what_the_processors_said(answer):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Noting("a", [], answer=answer))
    assert provider.force_flush() is (answer is not False)


def test_a_flush_ends_at_its_time_whatever_a_processor_does():
    notes = []
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Noting("slow", notes, takes_s=3))
    provider.add_span_processor(Noting("quick", notes))
    before = time.monotonic()
    assert not provider.force_flush(200)
    assert time.monotonic() - before < 2
    assert ("quick", "flush") in notes


@pytest.mark.parametrize("make", [SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor])
def test_a_given_active_processor_is_the_one(make):
    notes, active = [], make()
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=active)
    provider.add_span_processor(Noting("a", notes))
    provider.get_tracer("test").start_span("work").end()
    assert [what for _name, what in notes] == ["start", "ending", "end"]
    provider.shutdown()


def test_it_is_shut_down_when_the_interpreter_exits_and_delivers_on_its_own():
    out, _err = run_script(
        """
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
        from heliograph.recording import TracerProvider
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
        with provider.get_tracer("test").start_as_current_span("delivered"):
            pass
        """
    )
    assert '"name": "delivered"' in out


def test_limits_of_the_sdk_hold():
    ended = []
    limits = SpanLimits(max_span_attributes=1)
    provider = TracerProvider(shutdown_on_exit=False, span_limits=limits, accept=ended.append)
    provider.get_tracer("test").start_span("work", attributes={"a": 1, "b": 2}).end()
    assert (dict(ended[0].attributes), ended[0].dropped_attributes) == ({"a": 1}, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_is_another_instance_and_reports_its_own_spans_once():
    run_script(
        """
        import os
        from heliograph.recording import TracerProvider
        ended = []
        provider = TracerProvider(accept=ended.append, shutdown_on_exit=False)
        tracer = provider.get_tracer("test")
        inherited = tracer.start_span("inherited")
        parent_id, first = provider.resource.attributes["service.instance.id"], tracer.start_span("x").context.span_id
        pid = os.fork()
        if pid == 0:
            inherited.end()
            assert ended == [], ended
            with tracer.start_as_current_span("own") as own:
                pass
            assert [span.name for span in ended] == ["own"]
            assert own.resource.attributes["service.instance.id"] != parent_id
            assert own.resource is provider.resource
            os._exit(own.context.span_id % 251)
        status = os.waitpid(pid, 0)[1]
        assert os.WIFEXITED(status)
        own = tracer.start_span("parent's")
        assert own.resource.attributes["service.instance.id"] == parent_id
        assert own.context.span_id % 251 != os.WEXITSTATUS(status) or own.context.span_id == first  # other random numbers
        inherited.end()
        assert [span.name for span in ended] == ["inherited"]
        """
    )
