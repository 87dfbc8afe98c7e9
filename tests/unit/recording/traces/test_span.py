"""The native span: what it records, what it refuses, what it never does."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from heliograph.recording import TracerProvider
from heliograph.recording.mishaps import Mishaps


class UnshowableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


class Recorded:
    def __init__(self, **options):
        self.ended = []
        self.mishaps = Mishaps()
        self.provider = TracerProvider(shutdown_on_exit=False, accept=self.ended.append, mishaps=self.mishaps, **options)
        self.tracer = self.provider.get_tracer("test")

    def start(self, name="work", **options):
        return self.tracer.start_span(name, **options)


@pytest.fixture
def recorded():
    return Recorded()


def link_to(number=1, **options):
    return SpanContext(number, number, is_remote=True, **options)


def test_a_span_is_one_of_the_api_and_says_so_of_the_sdk(recorded):
    span = recorded.start()
    assert isinstance(span, trace.Span)
    assert isinstance(span, SdkSpan)
    assert isinstance(span.get_span_context(), SpanContext)
    assert span.get_span_context() is span.context
    assert span == span  # noqa: PLR0124  # identity is what instrumentations ask for
    assert span != recorded.start()
    assert span != trace.INVALID_SPAN


def test_a_span_is_accepted_once_when_it_ends(recorded):
    span = recorded.start()
    assert span.is_recording()
    assert recorded.ended == []
    span.end()
    assert not span.is_recording()
    span.end()
    assert recorded.ended == [span]


def test_of_many_threads_that_end_a_span_one_does(recorded):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            span, start = recorded.start(), threading.Barrier(4)
            threads = [threading.Thread(target=lambda span=span, start=start: (start.wait(), span.end())) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(recorded.ended) == 50


def test_an_ended_span_does_not_change(recorded):
    span = recorded.start(attributes={"a": 1})
    span.end()
    span.set_attribute("b", 2)
    span.set_attributes({"c": 3})
    span.add_event("late")
    span.add_link(link_to())
    span.update_name("other")
    span.set_status(StatusCode.ERROR)
    span.record_exception(ValueError())
    assert (span.name, dict(span.attributes), span.events, span.links) == ("work", {"a": 1}, (), ())
    assert span.status.status_code is StatusCode.UNSET


def test_attributes_are_set_one_by_one_and_together(recorded):
    span = recorded.start(attributes={"a": 1})
    span.set_attribute("b", [1, 2])
    span.set_attributes({"c": {"d": None}, "a": 2, "e": None})
    assert dict(span.attributes) == {"a": 2, "b": (1, 2), "c": {"d": None}}


def test_the_mapping_that_a_span_starts_with_stays_the_applications(recorded):
    given = {"a": 1}
    span = recorded.start(attributes=given)
    given["b"] = 2
    span.set_attribute("c", 3)
    assert (given, dict(span.attributes)) == ({"a": 1, "b": 2}, {"a": 1, "c": 3})


def test_limits_drop_what_is_newest_and_count_it():
    recorded = Recorded(span_limits=SpanLimits(max_span_attributes=2, max_events=2, max_links=1, max_event_attributes=1))
    span = recorded.start(attributes={"a": 1, "b": 2, "c": 3}, links=[trace.Link(link_to(1)), trace.Link(link_to(2))])
    span.set_attribute("d", 4)
    span.set_attributes({"a": 5, "e": 5})
    for name in ("first", "second", "third"):
        span.add_event(name, {"x": 1, "y": 2})
    span.add_link(link_to(3))
    assert (dict(span.attributes), span.dropped_attributes) == ({"a": 5, "b": 2}, 3)
    assert ([event.name for event in span.events], span.dropped_events) == (["first", "second"], 1)
    assert [(dict(event.attributes), event.dropped_attributes) for event in span.events] == [({"x": 1}, 1)] * 2
    assert ([link.context.trace_id for link in span.links], span.dropped_links) == ([1], 2)


def test_long_texts_are_cut():
    recorded = Recorded(span_limits=SpanLimits(max_attribute_length=3))
    span = recorded.start(attributes={"a": "12345"})
    span.set_attribute("b", "12345")
    span.add_event("event", {"c": "12345"})
    assert (dict(span.attributes), dict(span.events[0].attributes)) == ({"a": "123", "b": "123"}, {"c": "123"})


def test_a_link_to_nowhere_is_kept_if_it_says_anything(recorded):
    span = recorded.start()
    span.add_link(INVALID_SPAN_CONTEXT)
    span.add_link(INVALID_SPAN_CONTEXT, {"why": "unknown"})
    span.add_link(link_to(trace_state=TraceState([("vendor", "x")])))
    assert [dict(link.attributes) for link in span.links] == [{"why": "unknown"}, {}]
    assert span.links[1].context.trace_state.get("vendor") == "x"


def test_what_is_no_link_is_left_out(recorded):
    span = recorded.start(links=[object()])
    span.add_link("nothing")
    assert span.links == ()
    assert recorded.mishaps.counts() == {"span.links": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(StatusCode.ERROR, "why")], (StatusCode.ERROR, "why")),
        ([(Status(StatusCode.ERROR, "why"),)], (StatusCode.ERROR, "why")),
        ([(StatusCode.OK,), (StatusCode.ERROR, "why")], (StatusCode.OK, None)),
        ([(StatusCode.ERROR, "why"), (StatusCode.OK,)], (StatusCode.OK, None)),
        ([(StatusCode.ERROR, "why"), (StatusCode.UNSET,)], (StatusCode.ERROR, "why")),
        ([(StatusCode.ERROR, "first"), (StatusCode.ERROR, "second")], (StatusCode.ERROR, "second")),
        ([("ERROR",)], (StatusCode.UNSET, None)),
    ],
)
def test_the_last_status_counts_unless_one_was_ok(recorded, given, expected):
    span = recorded.start()
    for status in given:
        span.set_status(*status)
    assert (span.status.status_code, span.status.description) == expected


def test_an_exception_is_an_event_with_its_type_message_and_trace(recorded):
    span = recorded.start()
    with pytest.raises(ValueError, match="why") as caught:
        raise ValueError("why")
    span.record_exception(caught.value, {"extra": 1}, timestamp=7)
    (event,) = span.events
    assert (event.name, event.timestamp) == ("exception", 7)
    attributes = dict(event.attributes)
    assert "test_an_exception_is_an_event" in attributes.pop("exception.stacktrace")
    assert attributes == {
        "exception.type": "ValueError",
        "exception.message": "why",
        "exception.escaped": "False",
        "extra": 1,
    }


def test_an_exception_that_cannot_be_shown_is_recorded_all_the_same(recorded):
    span = recorded.start()
    span.record_exception(UnshowableError())
    (event,) = span.events
    assert event.attributes["exception.type"].endswith("UnshowableError")
    assert event.attributes["exception.message"] == "<UnshowableError that cannot be shown>"


def test_a_span_used_as_a_context_manager_ends_and_fails_with_its_block(recorded):
    with pytest.raises(ValueError, match="why"), recorded.start() as span:
        raise ValueError("why")
    assert recorded.ended == [span]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: why")
    assert span.events[0].attributes["exception.escaped"] == "True"


def test_what_a_span_was_told_not_to_record_it_does_not(recorded):
    with pytest.raises(ValueError, match="why"), recorded.start(record_exception=False, set_status_on_exception=False) as span:
        raise ValueError("why")
    assert (span.events, span.status.status_code) == ((), StatusCode.UNSET)


def test_a_duration_does_not_depend_on_the_wall_clock(recorded, monkeypatch):
    span = recorded.start()
    monkeypatch.setattr("heliograph.recording.traces.span.time_ns", lambda: 0)  # set back by half a century
    span.end()
    assert 0 <= span.end_time - span.start_time < 10**10


def test_times_that_are_given_are_taken(recorded):
    span = recorded.start(start_time=1000)
    span.end(end_time=3000)
    assert (span.start_time, span.end_time) == (1000, 3000)


def test_a_span_never_ends_before_it_starts(recorded):
    span = recorded.start(start_time=1000)
    span.end(end_time=10)
    assert (span.start_time, span.end_time) == (1000, 1000)


@pytest.mark.parametrize("odd", ["noon", object(), float("nan"), float("inf")])
def test_times_that_are_none_are_replaced_by_now(recorded, odd):
    before = time.time_ns()
    span = recorded.start(start_time=odd)
    span.end(end_time=odd)
    assert before <= span.start_time <= span.end_time <= time.time_ns()


def test_a_start_that_was_given_ends_by_the_wall_clock(recorded):
    started_ns = time.time_ns() - 10**9
    span = recorded.start(start_time=started_ns)
    span.end()
    assert 10**9 <= span.end_time - started_ns < 10**10


def test_a_span_shows_what_it_started_with(recorded):
    span = recorded.start("work", kind=SpanKind.CLIENT)
    assert (span.name, span.kind, span.parent) == ("work", SpanKind.CLIENT, None)
    assert span.resource is recorded.provider.resource
    assert span.instrumentation_scope.name == "test"
    assert "work" in repr(span)


def test_recording_from_a_finaliser_and_a_signal_handler_does_not_lock(recorded):
    class Finalised:
        def __del__(self):
            recorded.start("finalised").end()

    def handle(number, frame):
        recorded.start("signalled").end()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            cycle = [Finalised()]
            cycle.append(cycle)
            del cycle
            with recorded.tracer.start_as_current_span("work") as span:
                span.set_attributes({"a": 1})
            gc.collect()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    names = [span.name for span in recorded.ended]
    assert {"finalised", "signalled", "work"} == set(names)
    assert names.count("finalised") >= names.count("work") - 1


def test_attributes_from_many_threads_all_arrive(recorded):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        span = recorded.start()
        threads = [
            threading.Thread(
                target=lambda n=n: [(span.set_attribute(f"{n}.{i}", i), span.add_event(f"{n}.{i}")) for i in range(30)]
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert (len(span.attributes), len(span.events), span.dropped_attributes) == (120, 120, 0)


def test_flags_of_a_trace_that_begins_here_say_that_its_id_is_random(recorded):
    assert recorded.start().context.trace_flags == TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
