"""``telemetry.span_builder(name)``: a span put together step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, set_span_in_context

from heliograph.recording.calls.spans import Spans


class SpanBuilder:
    """Collects what a span starts with; :meth:`start` may be called several times, each time for a new span."""

    def __init__(self, spans: Spans, name: str) -> None:
        self._spans = spans
        self._name = name
        self._attributes: dict[str, Any] = {}
        self._kind = SpanKind.INTERNAL
        self._links: list[Link] = []
        self._parent: Context | None = None

    def with_attribute(self, key: str, value: Any) -> SpanBuilder:
        """Set one attribute; ``value`` is a str, bool, int, float or bytes, or a sequence or mapping of them."""
        self._attributes[key] = value
        return self

    def with_attributes(self, attributes: Mapping[str, Any]) -> SpanBuilder:
        """Set several attributes."""
        self._attributes.update(self._spans.joined(attributes, {}))
        return self

    def with_parent(self, parent: Span | SpanContext | Context | None) -> SpanBuilder:
        """Make the span a child of ``parent``; None makes it the root of a new trace. Without this call, its parent is
        the span that is current when :meth:`start` runs."""
        if parent is None:
            self._parent = Context()
        elif isinstance(parent, SpanContext):
            self._parent = set_span_in_context(NonRecordingSpan(parent), Context())
        elif isinstance(parent, Span):
            self._parent = set_span_in_context(parent)
        elif isinstance(parent, Mapping):
            self._parent = Context(parent)
        else:
            raise TypeError(f"with_parent() was given {parent!r}, expected a Span, a SpanContext, a Context or None")
        return self

    def with_kind(self, kind: SpanKind) -> SpanBuilder:
        """Set the kind: INTERNAL (the default), SERVER, CLIENT, PRODUCER or CONSUMER."""
        self._kind = kind
        return self

    def with_link(self, linked: SpanContext, attributes: Mapping[str, Any] | None = None) -> SpanBuilder:
        """Link the span to another one that caused it without being its parent."""
        self._links.append(Link(linked, dict(attributes or {})))
        return self

    def start(self) -> Span:
        """Start the span and return it. It is not made current; the caller ends it with ``span.end()``."""
        return self._spans.start(
            self._name, attributes=self._attributes, kind=self._kind, links=self._links, parent=self._parent
        )
