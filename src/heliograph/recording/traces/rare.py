"""What few spans have: events, links, and counts of what did not get in. Made for a span when it is first needed."""

from __future__ import annotations

from typing import Any, NamedTuple

from opentelemetry.trace import SpanContext


class RecordedEvent(NamedTuple):
    """An event, its time in ns since the epoch."""

    name: Any
    timestamp: int
    attributes: dict[str, Any]
    dropped_attributes: int


class RecordedLink(NamedTuple):
    """A link to another span."""

    context: SpanContext
    attributes: dict[str, Any]
    dropped_attributes: int


class Rare:
    """What few spans have."""

    __slots__ = ("dropped_attributes", "dropped_events", "dropped_links", "events", "links")

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self.links: list[RecordedLink] = []
        self.dropped_attributes = self.dropped_events = self.dropped_links = 0
