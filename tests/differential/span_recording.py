"""What a recorder makes of a program about spans: the OTLP that it gives, and what the program saw meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import SpanContext

from heliograph.otlp.traces import TraceEncoder
from tests.differential.otlp_view import in_order, plain, when, without_foreign_frames
from tests.differential.samplers import SAMPLERS, NumberedIds
from tests.differential.span_interpreter import SpanInterpreter
from tests.differential.span_steps import SpanProgram

Span = dict[str, Any]


@dataclass
class SpanRecording:
    """``request`` is one export of everything, ``observed`` what the program saw, ``asked`` what its sampler was asked."""

    request: Span
    observed: list[Any]
    asked: list[Any]

    def spans(self) -> list[Span]:
        return [
            span
            for resource in self.request.get("resource_spans", [])
            for scope in resource["scope_spans"]
            for span in scope["spans"]
        ]


def record(make_provider: Callable[..., Any], program: SpanProgram, limits: SpanLimits, *, unique: bool) -> SpanRecording:
    """Run ``program`` on a new provider under ``limits``; with ``unique`` no attribute key is used twice."""
    ended: list[Any] = []
    sampler = SAMPLERS[program.sampler]()
    provider = make_provider(ended.append, **provider_arguments(program, sampler, limits))
    observed = run_program(provider, program, unique=unique)
    body, broken = TraceEncoder().encode(ended)
    assert broken == 0
    return SpanRecording(plain(ExportTraceServiceRequest.FromString(body)), observed, getattr(sampler, "asked", []))


def provider_arguments(program: SpanProgram, sampler: Any, limits: SpanLimits) -> dict[str, Any]:
    ids = {} if program.ids == "of the recorder" else {"id_generator": NumberedIds(is_random="random" in program.ids)}
    resource = Resource(program.resource, program.resource_schema_url)
    return {"sampler": sampler, "resource": resource, "span_limits": limits, **ids}


def run_program(provider: Any, program: SpanProgram, *, unique: bool = False) -> list[Any]:
    """Run ``program`` on ``provider``; returns what it saw."""
    tracers = [provider.get_tracer(scope.name, scope.version, scope.schema_url, scope.attributes) for scope in program.scopes]
    interpreter = SpanInterpreter(tracers, keys_are_unique=unique)
    interpreter.run(program.steps)
    return interpreter.observed


def comparable(recording: SpanRecording) -> SpanRecording:
    """Without the clock, the order of attributes and the recorder's own frames in tracebacks."""
    for span in recording.spans():
        times = [span.get("start_time_unix_nano", 0), *(event.get("time_unix_nano", 0) for event in span.get("events", []))]
        span["in order"] = in_order([*times, span.get("end_time_unix_nano", 0)])
        for part in (span, *span.get("events", []), *span.get("links", [])):
            for name in ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano"):
                if name in part:
                    part[name] = when(part[name])
            part["attributes"] = sorted(map(_comparable_pair, part.get("attributes", [])), key=repr)
    for resource in recording.request.get("resource_spans", []):
        resource.get("resource", {}).get("attributes", []).sort(key=repr)
    recording.observed = comparable_sights(recording.observed)
    return recording


def comparable_sights(observed: list[Any]) -> list[Any]:
    """What a program saw, with attributes in one order and without those of None."""
    return list(map(_comparable_sight, observed))


def _comparable_sight(seen: tuple[Any, ...]) -> tuple[Any, ...]:
    *rest, last = seen
    if not isinstance(last, list):
        return seen
    return (*rest, sorted((pair for pair in last if pair[1] is not None), key=repr))


def _comparable_pair(pair: tuple[str, Any]) -> tuple[str, Any]:
    key, value = pair
    is_traceback = key.startswith("exception.stacktrace") and value is not None and value[0] == "string_value"
    return (key, without_foreign_frames(value[1])) if is_traceback else pair


class IdNumbers:
    """Puts the number of its first appearance in the place of each id."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def numbered(self, found: Any) -> Any:
        """``found`` with numbers for ids, at every depth."""
        if isinstance(found, SpanContext):
            ids = self._number(found.trace_id), self._number(found.span_id)
            return (*ids, found.is_remote, found.trace_flags, found.trace_state.to_header())
        if isinstance(found, dict):
            return {key: self._field(key, value) for key, value in found.items()}
        return type(found)(map(self.numbered, found)) if isinstance(found, (list, tuple)) else found

    def _field(self, key: str, value: Any) -> Any:
        if key in ("trace_id", "span_id", "parent_span_id"):
            return self._number(int.from_bytes(value))
        if key == "traceparent":
            version, trace_id, span_id, flags = value.split("-")
            return version, self._number(int(trace_id, 16)), self._number(int(span_id, 16)), flags
        return self.numbered(value)

    def _number(self, found: int) -> int:
        return self._numbers.setdefault(found, len(self._numbers))


def with_numbered_ids(recording: SpanRecording) -> tuple[Any, Any]:
    """What was exported and observed, without ids of the recorder's own."""
    numbers = IdNumbers()
    return numbers.numbered(recording.observed), numbers.numbered(recording.request)
