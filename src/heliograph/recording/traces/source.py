"""What all spans of one tracer share: who sends them, their limits, and where they go when they end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from heliograph.recording.mishaps import Mishaps
from heliograph.recording.recorder import nowhere

if TYPE_CHECKING:
    from heliograph.recording.traces.processors import Processors
    from heliograph.recording.traces.span import Span


class Limits(Protocol):
    """The part of the SDK's ``SpanLimits`` that is read here; None means no limit, lengths are in characters."""

    max_events: int | None
    max_links: int | None
    max_span_attributes: int | None
    max_event_attributes: int | None
    max_link_attributes: int | None
    max_attribute_length: int | None
    max_span_attribute_length: int | None


class Source:
    """Read on every call, written by the provider only. ``accept`` takes each ended span that is sampled, or every ended one
    with ``is_all_taken``. ``processors`` is None while there are none, which costs nothing then. ``most_simple`` is how many
    attributes a span may start with that are taken as they are."""

    __slots__ = (
        "__weakref__",
        "accept",
        "is_all_taken",
        "limits",
        "mishaps",
        "most_simple",
        "processors",
        "resource",
        "scope",
    )

    def __init__(
        self,
        resource: Resource,
        scope: InstrumentationScope,
        limits: Limits,
        mishaps: Mishaps,
        accept: Callable[[Span], None],
        *,
        is_all_taken: bool,
        processors: Processors | None,
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.mishaps = mishaps
        self.accept = accept
        self.is_all_taken = is_all_taken
        self.processors = processors
        most = limits.max_span_attributes
        self.most_simple = -1 if limits.max_span_attribute_length is not None else sys.maxsize if most is None else most

    def close(self) -> None:
        """Let nothing through any more: the spans that a forked child finds open are its parent's."""
        self.accept = nowhere
        self.processors = None
