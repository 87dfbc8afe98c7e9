"""The SDK's items, read without the properties, copies and locks of their public side.

An ended span does not change any more, but its properties still copy each list under a lock and wrap each mapping twice,
and asking for one costs as much as encoding it. Where the SDK's own classes are found, their contents are read as they lie;
anything else is asked through its public surface. A test compares both for the SDK at hand.
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

    _COLLECTIONS = ("attributes", "events", "links")
    _REST = ("context", "parent", "name", "kind", "status", "start_time", "end_time", "resource", "instrumentation_scope")

    __slots__ = tuple(f"_{name}" for name in (*_COLLECTIONS, *_REST))

    def __init__(self, span: Any) -> None:
        for name in self._COLLECTIONS:
            setattr(self, f"_{name}", _Collection(getattr(span, name), getattr(span, f"dropped_{name}")))
        for name in self._REST:
            setattr(self, f"_{name}", getattr(span, name))


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
