"""The SDK's items, read without the properties, copies and locks of their public side.

An ended span does not change any more, but its properties still copy each list under a lock and wrap each mapping twice, and
asking for one costs as much as encoding it. Where the SDK's own classes are found, their contents are read as they lie; anything
else is asked through its public surface. A test compares both for the SDK at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util import BoundedList


class _Collection:
    """A collection with the number of items that were dropped from it, laid out as the SDK's mappings and lists are."""

    __slots__ = ("_dict", "_dq", "dropped")

    def __init__(self, items: Any, dropped: Any) -> None:
        self._dict = self._dq = items
        self.dropped = dropped


class _LaidOut:
    """What the public side of a span shows, laid out as the SDK's spans are. Nothing of it is checked."""

    __slots__ = (
        "_attributes",
        "_context",
        "_end_time",
        "_events",
        "_instrumentation_scope",
        "_kind",
        "_links",
        "_name",
        "_parent",
        "_resource",
        "_start_time",
        "_status",
    )

    def __init__(self, span: Any) -> None:
        for name in self.__slots__[3:]:
            setattr(self, name, getattr(span, name[1:]))
        self._attributes = _Collection(span.attributes, span.dropped_attributes)
        self._events = _Collection(span.events, span.dropped_events)
        self._links = _Collection(span.links, span.dropped_links)


def laid_out(span: Any) -> Any:
    """``span`` if it is the SDK's with the SDK's collections, else what its public side shows in the same layout."""
    try:
        # A class of somebody else's may show something else than it holds.
        if (
            type(span) is ReadableSpan
            and type(span._attributes) is BoundedAttributes
            and type(span._events) is BoundedList
            and type(span._links) is BoundedList
        ):
            return span
    except AttributeError:
        pass  # another release of the SDK
    return _LaidOut(span)


def plain(attributes: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """The mapping inside the SDK's mapping."""
    return attributes._dict if type(attributes) is BoundedAttributes else attributes
