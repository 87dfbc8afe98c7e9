"""The SDK's collections, read without the copies and locks of their public side.

An ended span does not change any more, but its properties still copy each list under a lock and wrap each mapping twice, which
costs more than encoding what is in them. Where the SDK's own classes are found, their contents are read as they lie; anything
else is asked through its public surface. A test compares both for the SDK at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.util import BoundedList


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
    try:
        events: Any
        links: Any
        attributes, events, links = span._attributes, span._events, span._links
        if attributes.__class__ is BoundedAttributes and events.__class__ is links.__class__ is BoundedList:
            return attributes._dict, attributes.dropped, events._dq, events.dropped, links._dq, links.dropped  # type: ignore[attr-defined]
    except AttributeError:
        pass  # no span of the SDK's
    return SpanParts(
        span.attributes, span.dropped_attributes, span.events, span.dropped_events, span.links, span.dropped_links
    )


def plain(attributes: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """The mapping inside the SDK's mapping."""
    return attributes._dict if attributes.__class__ is BoundedAttributes else attributes
