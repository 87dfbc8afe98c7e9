"""The native tracer: parents, samplers, ids, whoever made them."""

from __future__ import annotations

import threading

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState, set_span_in_context

from heliograph.recording import TracerProvider
from heliograph.recording.mishaps import Mishaps


class Asked(sampling.Sampler):
    """Remembers what it was asked; answers ``decision`` with more attributes and another trace state."""

    def __init__(self, decision):
        self.decision = decision
        self.asked = []

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        self.asked.append((name, kind, attributes, links, trace_state))
        return sampling.SamplingResult(self.decision, {"sampler": "asked"}, TraceState([("asked", "1")]))

    def get_description(self):
        return "Asked"


class Raising(sampling.Sampler):
    def should_sample(self, *args, **kwargs):
        raise RuntimeError("no decision")

    def get_description(self):
        return "Raising"


class Counting(IdGenerator):
    def __init__(self):
        self.number = 0

    def generate_trace_id(self):
        self.number += 1
        return self.number

    generate_span_id = generate_trace_id


class Broken(IdGenerator):
    def __init__(self, answer):
        self.answer = answer

    def generate_trace_id(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    generate_span_id = generate_trace_id


class Recorded:
    def __init__(self, **options):
        self.ended = []
        self.mishaps = Mishaps()
        self.provider = TracerProvider(shutdown_on_exit=False, accept=self.ended.append, mishaps=self.mishaps, **options)
        self.tracer = self.provider.get_tracer("test")


def remote(*, is_sampled=True, trace_id=7, span_id=8, state=None):
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(is_sampled)), trace_state=state)


def under(parent):
    return set_span_in_context(NonRecordingSpan(parent))


def test_a_span_is_the_child_of_the_current_one():
    tracer = Recorded().tracer
    with tracer.start_as_current_span("parent") as parent:
        child = tracer.start_span("child")
    assert child.parent is parent.context
    assert child.context.trace_id == parent.context.trace_id
    assert tracer.start_span("other").parent is None


def test_an_empty_context_makes_a_root_whatever_is_current():
    tracer = Recorded().tracer
    with tracer.start_as_current_span("parent"):
        assert tracer.start_span("root", context=context.Context()).parent is None


def test_a_span_that_came_over_the_network_is_a_parent_with_all_that_it_carries():
    recorded, parent = Recorded(), remote(state=TraceState([("vendor", "x")]))
    span = recorded.tracer.start_span("work", context=under(parent))
    assert span.parent is parent
    assert (span.context.trace_id, span.context.trace_state) == (7, parent.trace_state)
    assert span.context.trace_flags == TraceFlags(1)  # nobody said that the id is random
    assert not span.context.is_remote


@pytest.mark.parametrize(
    "parent", [SpanContext(0, 8, is_remote=True), SpanContext(7, 0, is_remote=True), SpanContext(1 << 128, 8, True)]
)
def test_a_parent_that_is_none_is_ignored(parent):
    span = Recorded().tracer.start_span("work", context=under(parent))
    assert span.parent is None
    assert span.context.is_valid


def test_something_else_in_the_place_of_a_span_is_ignored():
    span = Recorded().tracer.start_span("work", context=context.set_value(trace.propagation._SPAN_KEY, object()))
    assert span.parent is None


def test_spans_of_the_sdk_and_ours_are_parents_of_each_other():
    ours, sdk = Recorded().tracer, SdkTracerProvider(shutdown_on_exit=False).get_tracer("sdk")
    with ours.start_as_current_span("ours") as first, sdk.start_as_current_span("sdk") as second:
        third = ours.start_span("ours again")
    assert second.parent == first.context
    assert third.parent == second.context


@pytest.mark.parametrize("sampler", [sampling.ALWAYS_OFF, sampling.ParentBased(sampling.ALWAYS_OFF)])
def test_what_is_not_sampled_is_not_recorded_but_carries_the_decision_on(sampler):
    recorded = Recorded(sampler=sampler)
    with recorded.tracer.start_as_current_span("root") as root:
        child = recorded.tracer.start_span("child")
    assert isinstance(root, NonRecordingSpan)
    assert not root.is_recording()
    assert root.get_span_context() is root.get_span_context()
    assert root.get_span_context().is_valid
    assert not root.get_span_context().trace_flags.sampled
    assert child.get_span_context().trace_id == root.get_span_context().trace_id
    assert child.get_span_context().span_id != root.get_span_context().span_id
    assert recorded.ended == []
    root.set_attribute("a", 1)
    root.add_event("b")
    root.end()


@pytest.mark.parametrize("is_sampled", [True, False])
def test_who_asks_no_parent_decides_for_children_too(is_sampled):
    recorded = Recorded(sampler=sampling.ALWAYS_ON if is_sampled else sampling.ALWAYS_OFF)
    span = recorded.tracer.start_span("work", context=under(remote(is_sampled=not is_sampled)))
    assert span.get_span_context().trace_flags.sampled == is_sampled


def test_a_sampler_is_asked_with_everything_and_its_answer_counts():
    sampler = Asked(sampling.Decision.RECORD_AND_SAMPLE)
    recorded, parent = Recorded(sampler=sampler), remote(state=TraceState([("vendor", "x")]))
    links = [trace.Link(remote())]
    span = recorded.tracer.start_span("work", under(parent), SpanKind.SERVER, {"a": 1}, links)
    assert sampler.asked == [("work", SpanKind.SERVER, {"a": 1}, links, parent.trace_state)]
    assert dict(span.attributes) == {"sampler": "asked"}
    assert span.context.trace_state.get("asked") == "1"


def test_what_is_recorded_only_is_seen_by_processors_and_not_accepted():
    recorded = Recorded(sampler=Asked(sampling.Decision.RECORD_ONLY))
    span = recorded.tracer.start_span("work")
    assert span.is_recording()
    assert not span.context.trace_flags.sampled
    span.end()
    assert recorded.ended == []


@pytest.mark.parametrize("is_sampled", [True, False, None])
def test_a_sampler_that_raises_costs_nothing(is_sampled):
    recorded = Recorded(sampler=Raising())
    parent = context.Context() if is_sampled is None else under(remote(is_sampled=is_sampled))
    recorded.tracer.start_span("work", parent, attributes={"a": 1}).end()
    assert [dict(span.attributes) for span in recorded.ended] == [{"a": 1}] * (is_sampled is not False)
    assert recorded.mishaps.counts() == {"sampler": 1}


def test_ids_come_from_who_was_given():
    tracer = Recorded(id_generator=Counting()).tracer
    with tracer.start_as_current_span("root") as root:
        child = tracer.start_span("child")
    assert (root.context.trace_id, root.context.span_id) == (1, 2)
    assert (child.context.trace_id, child.context.span_id) == (1, 3)
    assert root.context.trace_flags == TraceFlags(1)  # a counter is not random


@pytest.mark.parametrize("answer", [RuntimeError("no id"), 0, -1, "7", 1 << 128, None])
def test_ids_that_are_none_are_replaced(answer):
    recorded = Recorded(id_generator=Broken(answer))
    span = recorded.tracer.start_span("work")
    assert span.context.is_valid
    assert recorded.mishaps.counts() == {"id generator": 1}


def test_ids_do_not_repeat():
    tracer = Recorded().tracer
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.extend(tracer.start_span("work").context.span_id for _ in range(2000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000


def test_a_tracer_can_be_switched_off_and_on():
    class Config:
        is_enabled = False

    recorded = Recorded(_tracer_configurator=lambda scope: Config)
    with recorded.tracer.start_as_current_span("off") as off:
        assert not off.is_recording()
    Config.is_enabled = True
    recorded.provider._set_tracer_configurator(tracer_configurator=lambda scope: Config)
    recorded.tracer.start_span("on").end()
    assert [span.name for span in recorded.ended] == ["on"]


@pytest.mark.parametrize("attributes", [None, {}, {"a": 1}, {"a": [1]}, {"": 1}, {1: 2}, "text", 7, [("a", 1)]])
@pytest.mark.parametrize("name", ["work", "", None, 7, b"bytes"])
@pytest.mark.parametrize("kind", [SpanKind.SERVER, None, "server"])
def test_whatever_is_given_a_span_is_recorded(name, kind, attributes):
    recorded = Recorded()
    with recorded.tracer.start_as_current_span(name, kind=kind, attributes=attributes):
        pass
    assert len(recorded.ended) == 1
