"""The span builder: what a span starts with, step by step."""

from __future__ import annotations

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, set_span_in_context

from heliograph.recording.calls.builder import SpanBuilder
from tests.support.recorded import RECORDERS, RecordedSpans

REMOTE = SpanContext(0xA, 0xB, is_remote=True, trace_flags=TraceFlags(1))


@pytest.fixture(params=RECORDERS)
def recorded(request):
    return RecordedSpans(recorder=request.param)


def test_a_built_span_has_everything_that_was_given(recorded):
    builder = SpanBuilder(recorded.spans, "work").with_kind(SpanKind.PRODUCER).with_link(REMOTE, {"why": "batch"})
    builder.with_attribute("a", 1).with_attributes({"a": 2, "b.c": [1.5]}).start().end()
    span = recorded.named("work")
    assert (dict(span.attributes), span.kind) == ({"a": 2, "b.c": (1.5,)}, SpanKind.PRODUCER)
    assert [(link.context, dict(link.attributes)) for link in span.links] == [(REMOTE, {"why": "batch"})]


def test_a_built_span_is_not_made_current(recorded):
    span = SpanBuilder(recorded.spans, "work").start()
    assert trace.get_current_span() is not span
    span.end()


def test_without_a_parent_given_the_span_current_at_start_is_the_parent(recorded):
    builder = SpanBuilder(recorded.spans, "work")
    with recorded.scope("current"):
        builder.start().end()
    assert recorded.parent_of("work") == "current"


def test_parent_none_begins_a_new_trace(recorded):
    with recorded.scope("current"):
        SpanBuilder(recorded.spans, "work").with_parent(None).start().end()
    assert recorded.parent_of("work") is None
    assert recorded.named("work").context.trace_id != recorded.named("current").context.trace_id


def test_a_parent_may_be_a_span_that_is_not_current(recorded):
    parent = SpanBuilder(recorded.spans, "parent").start()
    with recorded.scope("current"):
        SpanBuilder(recorded.spans, "work").with_parent(parent).start().end()
    parent.end()
    assert recorded.parent_of("work") == "parent"


def test_a_parent_may_be_the_context_of_a_span_elsewhere(recorded):
    SpanBuilder(recorded.spans, "work").with_parent(REMOTE).start().end()
    span = recorded.named("work")
    assert (span.context.trace_id, span.parent.span_id, span.parent.is_remote) == (0xA, 0xB, True)


def test_a_parent_may_be_a_whole_context(recorded):
    parent = SpanBuilder(recorded.spans, "parent").start()
    context = baggage.set_baggage("tenant", "a", set_span_in_context(parent, Context()))
    SpanBuilder(recorded.spans, "work").with_parent(context).start().end()
    parent.end()
    assert recorded.parent_of("work") == "parent"


def test_the_last_parent_given_counts(recorded):
    SpanBuilder(recorded.spans, "work").with_parent(REMOTE).with_parent(None).start().end()
    assert recorded.parent_of("work") is None


@pytest.mark.parametrize("parent", [5, "parent", object()])
def test_a_parent_of_another_type_is_refused_with_what_was_expected(recorded, parent):
    with pytest.raises(TypeError, match="expected a Span, a SpanContext, a Context or None"):
        SpanBuilder(recorded.spans, "work").with_parent(parent)


def test_each_start_gives_a_new_span_with_what_was_set_by_then(recorded):
    builder = SpanBuilder(recorded.spans, "work").with_attribute("n", 1)
    first = builder.start()
    second = builder.with_attribute("n", 2).start()
    first.end()
    second.end()
    assert [span.attributes["n"] for span in recorded.finished] == [1, 2]
    assert len({span.context.span_id for span in recorded.finished}) == 2


def test_attributes_given_are_copied(recorded):
    given = {"a": 1}
    builder = SpanBuilder(recorded.spans, "work").with_attributes(given)
    given["a"] = 2
    builder.start().end()
    assert dict(recorded.named("work").attributes) == {"a": 1}
