"""Spans: the bytes say what the official encoder says, and no span costs another."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from heliograph.otlp.traces import TraceEncoder
from tests.support.hostile import BEYOND_REPAIR, Colour, RaisesAlways, what_fails
from tests.support.items import NOW_NS, make_span
from tests.support.otlp_oracle import (
    ATTRIBUTES,
    SPAN_IDS,
    TEXTS,
    TIMES_NS,
    TRACE_IDS,
    assert_same,
    each_alone,
    parts,
    plain_value,
    resources,
    scopes,
    without_empty_attributes,
)

_REMOTE_KNOWN, _REMOTE = 0x100, 0x200

_STATE_KEYS = st.from_regex(r"[a-z][_0-9a-z\-\*\/]{0,10}|[a-z0-9][_0-9a-z]{0,5}@[a-z][_0-9a-z]{0,5}", fullmatch=True)
_STATE_VALUES = st.from_regex(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,10}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", fullmatch=True)
_STATES = st.one_of(
    st.none(),
    st.builds(TraceState, st.lists(st.tuples(_STATE_KEYS, _STATE_VALUES), max_size=4, unique_by=lambda pair: pair[0])),
)
_FLAGS = st.builds(TraceFlags, st.integers(0, 255))
_CONTEXTS = st.builds(SpanContext, TRACE_IDS, SPAN_IDS, st.booleans(), _FLAGS, _STATES)
_EVENTS = st.lists(st.builds(Event, TEXTS, ATTRIBUTES, TIMES_NS), max_size=3)
_LINKS = st.lists(st.builds(Link, _CONTEXTS, ATTRIBUTES), max_size=3)
_STATUSES = st.one_of(
    st.sampled_from([Status(), Status(StatusCode.OK), None]), st.builds(Status, st.just(StatusCode.ERROR), TEXTS)
)


def _kept(items: list[Any], most: int | None) -> Any:
    """As a user gives a list, or as the SDK keeps it, with a count of what was dropped."""
    return items if most is None else BoundedList.from_seq(most, items)


_SPANS = st.builds(
    ReadableSpan,
    name=TEXTS,
    context=_CONTEXTS,
    parent=st.one_of(st.none(), _CONTEXTS),
    attributes=ATTRIBUTES,
    events=st.builds(_kept, _EVENTS, st.sampled_from([None, 0, 1, 128])),
    links=st.builds(_kept, _LINKS, st.sampled_from([None, 0, 1, 128])),
    kind=st.sampled_from(SpanKind),
    status=_STATUSES,
    start_time=st.one_of(st.none(), TIMES_NS),
    end_time=st.one_of(st.none(), TIMES_NS),
    resource=st.just(Resource({})),
)


@st.composite
def _batches(draw: st.DrawFn) -> list[ReadableSpan]:
    """Spans from several resources and scopes, mixed."""
    spans = draw(st.lists(_SPANS, max_size=5))
    places = draw(resources()), [None, *draw(scopes())]
    for span in spans:
        span._resource, span._instrumentation_scope = (draw(st.sampled_from(place)) for place in places)
    return spans


def _read(body: bytes) -> Any:
    return ExportTraceServiceRequest.FromString(body)


def _spans(body: bytes) -> list[Any]:
    return [part for part in parts(_read(body)) if isinstance(part, SpanMessage)]


def _only(span: Any) -> Any:
    """What a receiver reads of one span."""
    body, broken = TraceEncoder().encode([span])
    assert broken == 0
    (read,) = _spans(body)
    return read


def _without_what_is_ours(message: Any) -> Any:
    """Take out what the official encoder leaves out: the W3C flags of spans and links, and the links' state."""
    for part in parts(message):
        if isinstance(part, (SpanMessage, SpanMessage.Link)):
            part.flags &= ~0xFF
        if isinstance(part, SpanMessage.Link):
            part.ClearField("trace_state")
    return message


@given(_batches())
@settings(max_examples=150, deadline=None)
def test_a_batch_says_what_the_official_encoder_says_of_it(spans: list[ReadableSpan]) -> None:
    encoder = TraceEncoder()
    official = without_empty_attributes(encode_spans(spans))
    for _ in range(2):  # first with nothing known, then with everything
        body, broken = encoder.encode(spans)
        assert broken == 0
        assert_same(_without_what_is_ours(_read(body)), official)
    assert encoder.repaired == 0


@given(st.lists(_SPANS, max_size=6))
@settings(max_examples=80, deadline=None)
def test_what_an_encoder_has_seen_never_changes_what_it_writes(spans: list[ReadableSpan]) -> None:
    encoder = TraceEncoder()
    assert [encoder.encode([span])[0] for span in spans] == each_alone(TraceEncoder, spans)


@given(_CONTEXTS, st.one_of(st.none(), _CONTEXTS))
@settings(max_examples=80, deadline=None)
def test_the_flags_say_the_traces_own_and_whether_the_parent_is_remote(
    context: SpanContext, parent: SpanContext | None
) -> None:
    read = _only(ReadableSpan("work", context, parent, Resource({})))
    is_remote = parent is not None and parent.is_remote
    assert read.flags == context.trace_flags | _REMOTE_KNOWN | (_REMOTE if is_remote else 0)


@given(_CONTEXTS)
@settings(max_examples=80, deadline=None)
def test_a_link_says_the_state_and_the_flags_of_what_it_points_to(context: SpanContext) -> None:
    (link,) = _only(ReadableSpan("work", SpanContext(1, 1, False), links=[Link(context)], resource=Resource({}))).links
    assert link.trace_state == ",".join(f"{key}={value}" for key, value in context.trace_state.items())
    assert link.flags == context.trace_flags | _REMOTE_KNOWN | (_REMOTE if context.is_remote else 0)


def test_an_attribute_of_none_is_no_attribute() -> None:
    read = _only(make_span(nothing=None, something=1))
    assert [attribute.key for attribute in read.attributes] == ["something"]


def test_a_span_without_a_kind_is_an_internal_one() -> None:
    span = make_span()
    span._kind = None
    assert _only(span).kind == SpanMessage.SPAN_KIND_INTERNAL


def test_equal_names_of_different_kinds_are_not_mixed_up() -> None:
    encoder = TraceEncoder()
    for kind in [*SpanKind, *SpanKind]:
        span = ReadableSpan("same", SpanContext(1, 1, False), kind=kind, resource=Resource({}))
        (read,) = _spans(encoder.encode([span])[0])
        assert (read.name, read.kind) == ("same", kind.value + 1)


def test_a_name_of_a_class_derived_from_str_is_written_as_its_own_text() -> None:
    encoder = TraceEncoder()
    names = [span.name for span in _spans(encoder.encode([make_span(Colour.RED), make_span("red")])[0])]
    assert (names, encoder.repaired) == (["red", "red"], 0)


def _context(**fields: Any) -> SpanContext:
    """A context that was not checked by its constructor."""
    plain = {"trace_id": 1, "span_id": 1, "is_remote": False, "trace_flags": 1, "trace_state": TraceState(), "is_valid": True}
    return tuple.__new__(SpanContext, {**plain, **fields}.values())


def _span(**fields: Any) -> ReadableSpan:
    return ReadableSpan(**{"name": "odd", "context": _context(), "resource": Resource({}), **fields})


# Where a value of the user's, or of a broken instrumentation, can stand in a span.
_PLACES: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: _span(name=value),
    "kind": lambda value: _span(kind=value),
    "status": lambda value: _span(status=value),
    "status code": lambda value: _span(status=Status(value)),
    "start": lambda value: _span(start_time=value),
    "end": lambda value: _span(end_time=value),
    "attribute": lambda value: _span(attributes={"key": value}),
    "kept attribute": lambda value: _span(attributes=_uncleaned(value), events=BoundedList(1), links=BoundedList(1)),
    "attributes": lambda value: _span(attributes=value),
    "events": lambda value: _span(events=[value]),
    "links": lambda value: _span(links=[value]),
    "event name": lambda value: _span(events=[Event(value, {}, 1)]),
    "event time": lambda value: _span(events=[Event("e", {}, value)]),
    "event attribute": lambda value: _span(events=[Event("e", {"key": value}, 1)]),
    "link attribute": lambda value: _span(links=[Link(_context(), {"key": value})]),
    "link context": lambda value: _span(links=[Link(value)]),
    "link id": lambda value: _span(links=[Link(_context(trace_id=value))]),
    "context": lambda value: _span(context=value),
    "trace id": lambda value: _span(context=_context(trace_id=value)),
    "span id": lambda value: _span(context=_context(span_id=value)),
    "flags": lambda value: _span(context=_context(trace_flags=value)),
    "state": lambda value: _span(context=_context(trace_state=value)),
    "state value": lambda value: _span(context=_context(trace_state={"key": value})),
    "parent": lambda value: _span(parent=value),
    "parent id": lambda value: _span(parent=_context(span_id=value)),
    "the span itself": lambda value: value,
}


def _uncleaned(value: Any) -> BoundedAttributes:
    """The SDK's mapping with a value that went around its cleaning."""
    attributes = BoundedAttributes()
    attributes._dict["key"] = value
    return attributes


def _check_siblings(make: Callable[[], Any]) -> None:
    """The item between two good ones costs neither; it is there or counted."""
    encoder = TraceEncoder()
    first, last = make_span("first", text="a", number=7), make_span("last", text="a", fraction=2.5)
    for _ in range(2):
        body, broken = encoder.encode([first, make(), last])
        read = {span.name: span for span in _spans(body)}
        assert len(_spans(body)) + broken == 3
        assert_same(read["first"], _only(first))
        assert_same(read["last"], _only(last))


@pytest.mark.parametrize("place", _PLACES)
def test_a_hostile_value_anywhere_in_a_span_costs_no_sibling(place: str) -> None:
    assert what_fails(_PLACES[place], _check_siblings) == {}


@pytest.mark.parametrize("number", [-1, 2**64, 2**128, 2**200, -(2**200), 1.5, float("nan"), float("inf"), None, "1", True])
@pytest.mark.parametrize(
    "place", ["start", "end", "event time", "trace id", "span id", "link id", "parent id", "flags", "kind"]
)
def test_a_number_out_of_range_anywhere_in_a_span_costs_no_sibling(place: str, number: Any) -> None:
    _check_siblings(lambda: _PLACES[place](number))


@pytest.mark.parametrize("name", BEYOND_REPAIR)
def test_a_hostile_attribute_costs_no_attribute_beside_it_and_is_counted(name: str) -> None:
    encoder = TraceEncoder()
    attributes = {"before": 1, "key": BEYOND_REPAIR[name](), "after": 2}
    body, broken = encoder.encode([_span(attributes=attributes)])
    (read,) = _spans(body)
    found = {attribute.key: plain_value(attribute.value) for attribute in read.attributes}
    assert (found.get("before"), found.get("after"), broken) == (1, 2, 0)
    assert encoder.repaired


@pytest.mark.parametrize("time_ns", [-1, None, float("nan"), "soon", object(), RaisesAlways()])
def test_a_time_that_is_none_is_written_as_unknown(time_ns: Any) -> None:
    read = _only(_span(start_time=time_ns, end_time=NOW_NS))
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (0, NOW_NS)


def test_a_time_of_fractions_or_beyond_the_wire_is_brought_into_it() -> None:
    read = _only(_span(start_time=1.9, end_time=2**70))
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (1, 2**64 - 1)


def test_a_generator_of_spans_is_encoded_like_a_list() -> None:
    spans = [make_span(str(number)) for number in range(3)]
    assert TraceEncoder().encode(iter(spans)) == TraceEncoder().encode(spans)


def test_many_names_and_states_do_not_grow_beyond_those_that_are_kept() -> None:
    encoder, resource, scope = TraceEncoder(), Resource({}), InstrumentationScope("scope")

    def flood(count: int) -> None:
        for number in range(count):
            context = SpanContext(1, 1, False, trace_state=TraceState([("k", str(number))]))
            span = ReadableSpan(f"name {number}", context, resource=resource, instrumentation_scope=scope)
            encoder.encode([span])

    tracemalloc.start()
    try:
        flood(12_000)
        assert tracemalloc.get_traced_memory()[0] < 4_000_000
    finally:
        tracemalloc.stop()
