"""What a test recorded: spans on a tracer provider of their own, and readings of a running manager's memory exporters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.trace import Link, SpanKind, Tracer

from heliograph import TelemetryManager
from heliograph.recording import TracerProvider
from heliograph.recording.calls.spans import Spans, SpanScope
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.handoff import SpanHandoff

RECORDERS = ("native", "opentelemetry-sdk")

# Settings under which a manager starts nothing that a test of recording does not need.
QUIET: Mapping[str, Any] = {"server": {"enabled": False}, "health": {"enabled": False}, "system": {"enabled": False}}


# What the names of metrics about telemetry itself begin with.
ABOUT_TELEMETRY = ("heliograph.items.", "heliograph.spool.", "heliograph.traces.", "otel.sdk.")


class RecordedSpans:
    """Spans of either recorder that are kept when they end, with look-ups by name; each name is used once."""

    def __init__(self, *processors: SpanProcessor, recorder: str = "native") -> None:
        self.finished: list[Any] = []
        self.mishaps = Mishaps()
        self._provider: Any
        if recorder == "native":
            self._provider = TracerProvider(shutdown_on_exit=False, accept=self.finished.append, mishaps=self.mishaps)
        else:
            self._provider = SdkTracerProvider(shutdown_on_exit=False)
            processors = (*processors, SpanHandoff(self.finished.append))
        for processor in processors:
            self._provider.add_span_processor(processor)
        self.spans = Spans(lambda: self.tracer, self.mishaps)

    @property
    def tracer(self) -> Tracer:
        return self._provider.get_tracer("test")

    def scope(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
    ) -> SpanScope:
        return SpanScope(self.spans, name, attributes or {}, kind, links)

    def names(self) -> list[str]:
        """In the order in which they ended."""
        return [span.name for span in self.finished]

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.finished if span.name == name]
        return found

    def parent_of(self, name: str) -> str | None:
        return parent_name(self.finished, self.named(name))

    def parents(self) -> dict[str, str | None]:
        return {span.name: parent_name(self.finished, span) for span in self.finished}


def parent_name(spans: Sequence[ReadableSpan], child: ReadableSpan) -> str | None:
    if child.parent is None:
        return None
    (found,) = [span.name for span in spans if span.context.span_id == child.parent.span_id]
    return found


def delivered(telemetry: TelemetryManager, signal: str) -> list[Any]:
    """Everything of one signal that the manager's memory exporter has, after a flush."""
    assert telemetry.force_flush()
    return telemetry.exporter(signal, "memory").items()


def span_names(telemetry: TelemetryManager) -> list[str]:
    return [span.name for span in delivered(telemetry, "traces")]


def points_of(data: Any) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
    """One collection as {metric name: {sorted attributes: data point}}."""
    return {
        metric.name: {_key(point.attributes or {}): point for point in metric.data.data_points}
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def _key(attributes: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    plain = (str, bytes, bool, int, float, type(None))
    return tuple(sorted((name, value if isinstance(value, plain) else repr(value)) for name, value in attributes.items()))


def values(telemetry: TelemetryManager) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
    """The latest collection of a running manager: {metric name: {sorted attributes: value}}, sums for histograms; without
    the metrics about telemetry itself, which every manager has."""
    collections = delivered(telemetry, "metrics")
    if not collections:
        return {}
    return {
        name: {attributes: getattr(point, "value", getattr(point, "sum", None)) for attributes, point in points.items()}
        for name, points in points_of(collections[-1]).items()
        if not name.startswith(ABOUT_TELEMETRY)
    }
