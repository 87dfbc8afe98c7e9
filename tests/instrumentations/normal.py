"""What a receiver got, without what differs from run to run: the form in which two recorders are compared.

Called by ``comparison.py`` and, for its readings, by the tests. Spans become trees, so that ids are replaced by what they
stand for: a child stands below its parent, a log record and a link name the span that they belong to. On the way it is checked
what must hold for every recorder: one trace id a tree, an end after its start, no attribute twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from heliograph import names
from tests.instrumentations.scrubbing import attributes_of, scrubbed

# Metrics about telemetry itself: they count batches and deliveries, which depend on timing.
_ABOUT_TELEMETRY: Final = {names.PIPELINE_SCOPE}

# The resource may say who recorded: that is the point of `telemetry.sdk.*`.
_NAMES_THE_RECORDER: Final = ("telemetry.sdk.name", "telemetry.sdk.version")

# Units of metrics whose values are durations: of these only the number of measurements is the same in two runs.
_TIME_UNITS: Final = ("s", "seconds", "ms")

_KINDS: Final = {number: name.removeprefix("SPAN_KIND_") for name, number in Span.SpanKind.items()}
_STATUSES: Final = {number: name.removeprefix("STATUS_CODE_") for name, number in Status.StatusCode.items()}
_SPAN_ID: Final = re.compile(r"\b[0-9a-f]{16}\b")
_TRACE_ID: Final = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a scenario gave. ``spans`` are the roots, each with its ``children``; ``metrics`` by name."""

    resource: dict[str, Any]
    spans: list[dict[str, Any]]
    metrics: dict[str, dict[str, Any]]
    logs: list[dict[str, Any]]
    facts: Any

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def outline(self) -> list[str]:
        """One line a span, ``name KIND``, indented below its parent; with `` ERROR`` when it failed."""
        return [line for span in self.spans for line in _outline(span, "")]

    def span(self, name: str, kind: str | None = None) -> dict[str, Any]:
        """The only span of this name, or the first of several equal ones."""
        found = [span for span in _walk(self.spans) if span["name"] == name and kind in (None, span["kind"])]
        assert found, f"no span {name!r} among {[span['name'] for span in _walk(self.spans)]}"
        return found[0]

    def attributes(self, name: str, kind: str | None = None) -> dict[str, Any]:
        attributes: dict[str, Any] = self.span(name, kind)["attributes"]
        return attributes

    def scopes(self) -> set[str]:
        """The names of the scopes that the spans are of."""
        return {span["scope"]["name"] for span in _walk(self.spans)}

    def metric_shapes(self) -> dict[str, tuple[str, str]]:
        """{metric name: (kind, unit)}."""
        return {name: (metric["kind"], metric["unit"]) for name, metric in self.metrics.items()}

    def counted(self, name: str) -> int:
        """How many measurements a histogram has, all attribute sets together."""
        return sum(point["count"] for point in self.metrics[name]["points"])


def normal(requests: Sequence[tuple[str, Any]], facts: Any) -> Recorded:
    """Normalise all OTLP requests of a run, given with their signal in the order of arrival."""
    spans = [found for signal, message in requests if signal == "traces" for found in _spans(message)]
    named = {span.span_id.hex(): scrubbed(span.name) for span, _scope in spans}
    known = {*named, *(span.parent_span_id.hex() for span, _scope in spans)}
    traces = {span.trace_id.hex() for span, _scope in spans}
    return Recorded(
        resource=_resource(requests),
        spans=_forest(spans, named),
        metrics=_by_name(item for signal, message in requests if signal == "metrics" for item in _metrics(message, known)),
        logs=_sorted(found for signal, message in requests if signal == "logs" for found in _logs(message, named)),
        facts=_without_ids(facts, named, traces),
    )


def _resource(requests: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    seen = [
        attributes_of(part.resource.attributes)
        for _signal, message in requests
        for _field, parts in message.ListFields()
        for part in parts
    ]
    assert all(resource == seen[0] for resource in seen), "every request is of the same resource"
    return {key: value for key, value in seen[0].items() if key not in _NAMES_THE_RECORDER} if seen else {}


# Spans


def _spans(message: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    for resource in message.resource_spans:
        for part in resource.scope_spans:
            for span in part.spans:
                yield span, _scope(part)


def _scope(part: Any) -> dict[str, Any]:
    scope = part.scope
    return {
        "name": scope.name,
        "version": scope.version,
        "schema": part.schema_url,
        "attributes": attributes_of(scope.attributes),
    }


def _forest(spans: list[tuple[Any, dict[str, Any]]], named: dict[str, str]) -> list[dict[str, Any]]:
    below: dict[bytes, list[tuple[Any, dict[str, Any]]]] = {}
    for span, scope in spans:
        below.setdefault(span.parent_span_id if span.parent_span_id.hex() in named else b"", []).append((span, scope))

    def tree(span: Any, scope: dict[str, Any]) -> dict[str, Any]:
        children = below.get(span.span_id, [])
        assert all(child.trace_id == span.trace_id for child, _scope in children), f"children of {span.name} are of its trace"
        return {**_span(span, named), "scope": scope, "children": _sorted(tree(*child) for child in children)}

    assert len(named) == len(spans), "every span has an id of its own"
    return _sorted(tree(*root) for root in below.get(b"", []))


def _span(span: Any, named: dict[str, str]) -> dict[str, Any]:
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, f"{span.name} ends after it started"
    assert (len(span.trace_id), len(span.span_id)) == (16, 8)
    # A parent that is not here is of another process, in which nothing was recorded.
    has_foreign_parent = bool(span.parent_span_id) and span.parent_span_id.hex() not in named
    return {
        "name": scrubbed(span.name),
        "kind": _KINDS[span.kind],
        "foreign_parent": f"{span.trace_id.hex()}-{span.parent_span_id.hex()}" if has_foreign_parent else None,
        "state": span.trace_state,
        "flags": span.flags,
        "attributes": attributes_of(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [_link(link, named) for link in span.links],
        "status": (_STATUSES[span.status.code], scrubbed(span.status.message)),
        "dropped": (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
    }


def _event(event: Any) -> dict[str, Any]:
    assert event.time_unix_nano > 0
    return {"name": event.name, "attributes": attributes_of(event.attributes), "dropped": event.dropped_attributes_count}


def _link(link: Any, named: dict[str, str]) -> dict[str, Any]:
    return {
        "to": named.get(link.span_id.hex(), "elsewhere"),
        "state": link.trace_state,
        "flags": link.flags,
        "attributes": attributes_of(link.attributes),
    }


# Metrics


def _by_name(metrics: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """A later collection has the same sums and newer, so the last one of each name stands."""
    found: dict[str, dict[str, Any]] = {}
    for name, metric in metrics:
        assert found.get(name, metric)["scope"] == metric["scope"], f"{name} is of one scope"
        found[name] = metric
    return found


def _metrics(message: Any, known: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in message.resource_metrics:
        for part in resource.scope_metrics:
            if part.scope.name in _ABOUT_TELEMETRY:
                continue
            for metric in part.metrics:
                yield metric.name, {"scope": _scope(part), **_metric(metric, known)}


def _metric(metric: Any, known: set[str]) -> dict[str, Any]:
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    return {
        "kind": kind,
        "unit": metric.unit,
        "description": metric.description,
        "temporality": getattr(data, "aggregation_temporality", None),
        "monotonic": getattr(data, "is_monotonic", None),
        "points": _sorted(_point(point, metric.unit, known) for point in data.data_points),
    }


def _point(point: Any, unit: str, known: set[str]) -> dict[str, Any]:
    assert point.time_unix_nano >= point.start_time_unix_nano
    assert {exemplar.span_id.hex() for exemplar in point.exemplars} <= known, "an exemplar names a span of this run"
    common = {
        "attributes": attributes_of(point.attributes),
        "flags": point.flags,
        "has_exemplars": bool(point.exemplars),  # how many there are is a matter of chance and of timing
    }
    if not hasattr(point, "bucket_counts"):
        value = point.WhichOneof("value")
        return {**common, "type": value, "value": getattr(point, value)}
    histogram = {**common, "count": point.count, "bounds": list(point.explicit_bounds), "buckets": len(point.bucket_counts)}
    assert sum(point.bucket_counts) == point.count
    if unit in _TIME_UNITS:
        return histogram
    return {**histogram, "sum": point.sum, "min": point.min, "max": point.max, "bucket_counts": list(point.bucket_counts)}


# Logs


def _logs(message: Any, named: dict[str, str]) -> Iterator[dict[str, Any]]:
    for resource in message.resource_logs:
        for part in resource.scope_logs:
            for record in part.log_records:
                yield {"scope": _scope(part), **_log(record, named)}


def _log(record: Any, named: dict[str, str]) -> dict[str, Any]:
    assert record.observed_time_unix_nano > 0
    return {
        "has_time": record.time_unix_nano > 0,
        "severity": (record.severity_number, record.severity_text),
        "body": scrubbed(record.body.string_value),
        "attributes": _without_ids(attributes_of(record.attributes), named, {record.trace_id.hex()}),
        "event": record.event_name,
        "span": named.get(record.span_id.hex(), "elsewhere") if record.span_id else None,
        "flags": record.flags,
        "dropped": record.dropped_attributes_count,
    }


def _without_ids(value: Any, named: dict[str, str], traces: set[str]) -> Any:
    """``value`` with the ids in its texts replaced by the names of their spans; ids that nobody recorded stay."""
    if isinstance(value, dict):
        return {key: _without_ids(each, named, traces) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_ids(each, named, traces) for each in value]
    if not isinstance(value, str):
        return value
    value = _TRACE_ID.sub(lambda found: "TRACE" if found[0] in traces else found[0], value)
    return scrubbed(_SPAN_ID.sub(lambda found: named.get(found[0], found[0]), value))


def _sorted(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _walk(spans: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for span in spans:
        yield span
        yield from _walk(span["children"])


def _outline(span: dict[str, Any], indent: str) -> Iterator[str]:
    failed = " ERROR" if span["status"][0] == "ERROR" else ""
    yield f"{indent}{span['name']} {span['kind']}{failed}"
    for child in span["children"]:
        yield from _outline(child, f"{indent}  ")
