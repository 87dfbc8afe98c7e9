"""What an OTLP receiver got, as a test wants to read it: traces as outlines, logs with their span, metrics by attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.otlp_receiver import OtlpReceiver


class Received(NamedTuple):
    """One item, and the attributes of the resource that sent it."""

    resource: dict[str, Any]
    item: Any


def plain(attributes: Any) -> dict[str, Any]:
    """OTLP attributes as a dictionary, of scalars."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes if pair.value.WhichOneof("value")
    }


def spans(receiver: OtlpReceiver) -> list[Received]:
    return [
        Received(resource, span)
        for resource, part in _parts(receiver, "traces", "resource_spans")
        for scope in part.scope_spans
        for span in scope.spans
    ]


def named(receiver: OtlpReceiver, name: str) -> list[dict[str, Any]]:
    """The attributes of each span of that name."""
    return [plain(span.attributes) for _resource, span in spans(receiver) if span.name == name]


def outline(receiver: OtlpReceiver) -> list[str]:
    """A line for each span, ``service: name KIND`` and ``ERROR`` where it failed, below its parent, in the order of their
    beginnings. A span whose parent did not arrive is marked with ``?``."""
    found = sorted(spans(receiver), key=lambda received: received.item.start_time_unix_nano)
    ids = {span.span_id for _resource, span in found}
    assert len(ids) == len(found), "a span arrived twice"
    return [line for received in found if received.item.parent_span_id not in ids for line in _lines(received, found, depth=0)]


def _lines(received: Received, all_spans: list[Received], depth: int) -> Iterator[str]:
    resource, span = received
    orphan = "?" if depth == 0 and span.parent_span_id else ""
    failed = " ERROR" if span.status.code == Status.STATUS_CODE_ERROR else ""
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    yield f"{'  ' * depth}{orphan}{resource['service.name']}: {span.name} {kind}{failed}"
    for child in all_spans:
        if child.item.parent_span_id == span.span_id:
            yield from _lines(child, all_spans, depth + 1)


def logs(receiver: OtlpReceiver, logger: str) -> list[tuple[str, str, str | None]]:
    """Severity, text, and the name of the span that each log record of ``logger`` was written in."""
    names = {span.span_id: span.name for _resource, span in spans(receiver)}
    return [
        (record.severity_text, record.body.string_value, names.get(record.span_id))
        for _resource, part in _parts(receiver, "logs", "resource_logs")
        for scope in part.scope_logs
        if scope.scope.name == logger
        for record in scope.log_records
    ]


def points(receiver: OtlpReceiver, name: str) -> list[tuple[dict[str, Any], float]]:
    """Attributes and value of each point of a sum or gauge that arrived."""
    return [
        (plain(point.attributes), getattr(point, point.WhichOneof("value")))
        for _resource, part in _parts(receiver, "metrics", "resource_metrics")
        for scope in part.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in getattr(metric, metric.WhichOneof("data")).data_points
    ]


def trace_ids(receiver: OtlpReceiver) -> list[str]:
    """The id of each trace, in the order of their beginnings."""
    found = sorted(spans(receiver), key=lambda received: received.item.start_time_unix_nano)
    return list(dict.fromkeys(span.trace_id.hex() for _resource, span in found))


def instances(receiver: OtlpReceiver) -> set[str]:
    """The ``service.instance.id`` of each process that sent spans."""
    return {resource["service.instance.id"] for resource, _span in spans(receiver)}


def _parts(receiver: OtlpReceiver, signal: str, field: str) -> Iterator[tuple[dict[str, Any], Any]]:
    for kind, _headers, message in list(receiver.requests):
        if kind == signal:
            for part in getattr(message, field):
                yield plain(part.resource.attributes), part
