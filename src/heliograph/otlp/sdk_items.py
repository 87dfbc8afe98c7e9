"""The SDK's collections, read without the copies and locks of their public side.

An ended span does not change any more, but its properties still copy each list under a lock and wrap each mapping twice, which
costs more than encoding what is in them. Where the SDK's own classes are found, their contents are read as they lie; anything
else is asked through its public surface. A test compares both for the SDK at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan, _Span
from opentelemetry.sdk.util import BoundedList

_SPANS: Final[frozenset[Any]] = frozenset({ReadableSpan, _Span})


class SpanParts(NamedTuple):
    """The collections of a span, each with the number of items that were dropped from it."""

    attributes: Mapping[Any, Any] | None
    dropped_attributes: int
    events: Collection[Any]
    dropped_events: int
    links: Collection[Any]
    dropped_links: int


def parts_of(span: Any) -> SpanParts | tuple[Any, int, Any, int, Any, int]:
    """The collections of ``span``, in the order of :class:`SpanParts`."""
    if span.__class__ not in _SPANS:  # a class of somebody else's may show something else than it holds
        return _public(span)
    try:
        attributes, events, links = span._attributes, span._events, span._links
        if attributes.__class__ is BoundedAttributes and events.__class__ is links.__class__ is BoundedList:
            return attributes._dict, attributes.dropped, events._dq, events.dropped, links._dq, links.dropped  # type: ignore[attr-defined]
    except AttributeError:
        pass  # another release of the SDK
    return _public(span)


def _public(span: Any) -> SpanParts:
    return SpanParts(
        span.attributes, span.dropped_attributes, span.events, span.dropped_events, span.links, span.dropped_links
    )


def plain(attributes: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """The mapping inside the SDK's mapping."""
    return attributes._dict if attributes.__class__ is BoundedAttributes else attributes
