"""Reading the SDK's items as they lie gives what its public side gives; anything else is asked through that side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext

from heliograph.otlp.sdk_items import laid_out, plain
from tests.support.items import NOW_NS, make_span

_CONTEXT = SpanContext(1, 2, is_remote=False)
_ATTRIBUTES = {"text": "a", "number": 1, "list": [1, 2], "mapping": {"inner": True}, "": "no key"}


class _Ended(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def _recorded(limit: int) -> tuple[Any, ReadableSpan]:
    """A span of the SDK's that lost some of everything, as its tracer made it and as it was handed over."""
    limits = SpanLimits(
        max_span_attributes=limit,
        max_events=limit,
        max_links=limit,
        max_event_attributes=limit,
        max_link_attributes=limit,
    )
    ended = _Ended()
    provider = TracerProvider(span_limits=limits, resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(ended)
    span = provider.get_tracer("test").start_span(
        "work", attributes=_ATTRIBUTES, links=[Link(_CONTEXT, _ATTRIBUTES), Link(_CONTEXT), Link(_CONTEXT)]
    )
    for number in range(3):
        span.set_attribute(f"key {number}", number)
        span.add_event(f"event {number}", _ATTRIBUTES)
    span.end()
    return span, ended.spans[0]


_SCALARS = ("context", "parent", "name", "kind", "status", "start_time", "end_time", "resource", "instrumentation_scope")


def _public(span: Any) -> tuple[Any, ...]:
    return (
        *(getattr(span, name) for name in _SCALARS),
        dict(span.attributes),
        span.dropped_attributes,
        list(span.events),
        span.dropped_events,
        list(span.links),
        span.dropped_links,
    )


def _read(span: Any) -> tuple[Any, ...]:
    read = laid_out(span)
    return (
        *(getattr(read, f"_{name}") for name in _SCALARS),
        dict(read._attributes._dict or {}),
        read._attributes.dropped,
        list(read._events._dq),
        read._events.dropped,
        list(read._links._dq),
        read._links.dropped,
    )


@pytest.mark.parametrize("limit", [0, 1, 2, 100])
def test_a_span_of_the_sdk_is_read_as_its_public_side_shows_it(limit: int) -> None:
    for span in _recorded(limit):
        assert _read(span) == _public(span)


@pytest.mark.parametrize("limit", [0, 1, 100])
def test_attributes_of_events_and_links_are_read_as_their_public_side_shows_them(limit: int) -> None:
    _, span = _recorded(limit)
    for part in [*span.events, *span.links]:
        assert dict(plain(part.attributes) or {}) == dict(part.attributes or {})


def test_what_the_sdk_recorded_is_read_without_a_copy() -> None:
    # Otherwise a new release of the SDK would make this slow without a test that says so.
    _, span = _recorded(100)
    assert laid_out(span) is span
    assert plain(span.events[0].attributes) is span.events[0].attributes._dict


@pytest.mark.parametrize(
    "span",
    [
        make_span(answer=42),
        ReadableSpan("bare", context=_CONTEXT, resource=Resource({})),
        ReadableSpan("mixed", resource=Resource({}), attributes=BoundedAttributes(1, {"a": 1, "b": 2})),
        ReadableSpan(
            "none", resource=Resource({}), attributes=None, events=[Event("e", None, NOW_NS)], links=[Link(_CONTEXT)]
        ),
    ],
    ids=lambda span: span.name,
)
def test_a_span_made_by_hand_is_asked_through_its_public_side(span: ReadableSpan) -> None:
    assert _read(span) == _public(span)


def test_a_span_class_that_hides_something_is_asked_through_its_public_side() -> None:
    class Redacted(ReadableSpan):
        """As an application writes one that must not let a secret out."""

        @property
        def attributes(self) -> Mapping[str, Any]:
            return {**super().attributes, "password": "***"}

    _, span = _recorded(100)
    hidden = Redacted(
        "work",
        context=span.context,
        resource=span.resource,
        attributes=BoundedAttributes(attributes={"password": "secret", "user": "ann"}),
        events=BoundedList(1),
        links=BoundedList(1),
    )
    assert _read(hidden) == _public(hidden)


def test_an_object_that_is_no_span_of_the_sdks_is_asked_through_its_public_side() -> None:
    class Other:
        context = parent = kind = status = resource = instrumentation_scope = None
        name = "theirs"
        start_time = end_time = NOW_NS
        attributes = {"a": 1}  # noqa: RUF012 - a span of somebody else's, never changed
        events = ()
        links = ()
        dropped_attributes = 1
        dropped_events = 2
        dropped_links = 3

    assert _read(Other()) == _public(Other())


@pytest.mark.parametrize("attributes", [None, {}, {"a": 1}, BoundedAttributes(attributes={"a": 1})])
def test_a_plain_mapping_stays_what_it_is(attributes: Any) -> None:
    assert plain(attributes) == (None if attributes is None else dict(attributes))
