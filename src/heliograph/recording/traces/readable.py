"""Native spans as the SDK's: what attached span processors and exporters of the SDK are given.

Built when it is asked for, on the thread that asks: a batch processor's worker, mostly, not the application's call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link

from heliograph.text import shown

if TYPE_CHECKING:
    from heliograph.recording.traces.span import Span


class SpanView(ReadableSpan):
    """An ended span. Each field is built at its first use, and kept."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __getattr__(self, name: str) -> Any:
        build = _FIELDS.get(name)
        if build is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = self.__dict__[name] = build(self._span)
        return value


def view(span: Span) -> ReadableSpan:
    """``span`` with the surface of the SDK's ``ReadableSpan``."""
    return SpanView(span)


def events(span: Span) -> tuple[Event, ...]:
    """The events so far."""
    rare = span._rare
    if rare is None:
        return ()
    return tuple(
        Event(event.name, _bounded(event.attributes, event.dropped_attributes), event.timestamp) for event in list(rare.events)
    )


def links(span: Span) -> tuple[Link, ...]:
    """The links so far."""
    rare = span._rare
    if rare is None:
        return ()
    return tuple(Link(link.context, _bounded(link.attributes, link.dropped_attributes)) for link in list(rare.links))


def named(attributes: dict[Any, Any]) -> dict[str, Any]:
    """``attributes`` with text for keys: their values were checked when they were recorded, keys that are no text were not."""
    if all(type(key) is str for key in list(attributes)):
        return attributes
    return {shown(key): value for key, value in list(attributes.items())}


def _bounded(attributes: dict[str, Any], dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(immutable=False)
    bounded._dict = named(attributes)
    bounded.dropped = dropped
    bounded._immutable = True
    return bounded


def _list(items: Sequence[Any], dropped: int) -> BoundedList[Any]:
    bounded = BoundedList.from_seq(None, items)
    bounded.dropped = dropped
    return bounded


_FIELDS: Final[dict[str, Callable[[Span], Any]]] = {
    "_name": lambda span: span._name,
    "_context": lambda span: span.get_span_context(),
    "_kind": lambda span: span._kind,
    "_parent": lambda span: span._parent,
    "_start_time": lambda span: span._start_time,
    "_end_time": lambda span: span._end_time,
    "_status": lambda span: span._status,
    "_resource": lambda span: span._source.resource,
    "_instrumentation_scope": lambda span: span._source.scope,
    "_instrumentation_info": lambda span: None,
    "_attributes": lambda span: _bounded(span._attributes, span.dropped_attributes),
    "_events": lambda span: _list(events(span), span.dropped_events),
    "_links": lambda span: _list(links(span), span.dropped_links),
}
