"""What processors and exporters of the SDK are shown of a span, as plain values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.util import ns_to_iso_str

from tests.differential.otlp_view import in_order, when, without_foreign_frames


def surface(span: ReadableSpan) -> dict[str, Any]:
    """Everything that ``span`` shows."""
    assert span.start_time is not None
    assert span.end_time is not None
    scope = span.instrumentation_scope
    assert scope is not None
    return {
        "contexts": (span.context, span.get_span_context(), span.parent),
        "name": (type(span.name), span.name),
        "kind": span.kind,
        "times": (when(span.start_time), when(max(span.start_time, span.end_time))),
        "in order": in_order([span.start_time, *(event.timestamp for event in span.events), span.end_time]),
        "attributes": _attributes(span.attributes),
        "events": [
            (event.name, when(event.timestamp), _attributes(event.attributes), event.dropped_attributes)
            for event in span.events
        ],
        "links": [(link.context, _attributes(link.attributes), link.dropped_attributes) for link in span.links],
        "status": (span.status.status_code, span.status.description, span.status.is_ok, span.status.is_unset),
        "resource": (_attributes(span.resource.attributes), span.resource.schema_url),
        "scope": (scope.name, scope.version, scope.schema_url, _attributes(scope.attributes)),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "json": _said(lambda: _json(span)),
    }


def _attributes(attributes: Mapping[str, Any] | None) -> list[Any]:
    return sorted(((key, _value(value)) for key, value in (attributes or {}).items() if value is not None), key=repr)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return without_foreign_frames(value)
    if isinstance(value, Mapping):
        return "mapping", sorted(((key, _value(item)) for key, item in value.items()), key=repr)
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_value(item) for item in value]
    return repr(value)


def _json(span: ReadableSpan) -> Any:
    shown = json.loads(span.to_json())
    times = (shown.pop("start_time"), shown.pop("end_time"))
    assert times == (
        ns_to_iso_str(span.start_time) if span.start_time else None,
        ns_to_iso_str(span.end_time) if span.end_time else None,
    )
    for event, found in zip(shown["events"], span.events, strict=True):
        assert event.pop("timestamp") == ns_to_iso_str(found.timestamp)
    for part in (shown, *shown["events"], *shown["links"]):
        part["attributes"] = _attributes(part["attributes"])
    return shown


def _said(ask: Callable[[], Any]) -> Any:
    """What ``ask`` gives, or the error that it raises: JSON has no bytes."""
    try:
        return ask()
    except TypeError as error:
        return str(error)


class Watcher(SpanProcessor):
    """Keeps what each of its calls was shown."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.set_attribute("started", "seen")
        self.shown.append(("start", span.name, span.is_recording(), span.get_span_context(), parent_context is None))

    def _on_ending(self, span: Span) -> None:
        self.shown.append(("ending", span.name, span.get_span_context().span_id))

    def on_end(self, span: ReadableSpan) -> None:
        self.shown.append(("end", surface(span)))
