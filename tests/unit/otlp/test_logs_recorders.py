"""The same emits through the SDK's logger provider and through ours say the same on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import _logs as api
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.sdk._logs import LoggerProvider as SdkLoggerProvider
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from heliograph.otlp.logs import LogEncoder
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.official.handoff import LogHandoff
from heliograph.recording.traces.provider import TracerProvider
from tests.support.hostile import HOSTILE
from tests.support.otlp_oracle import (
    ATTRIBUTES,
    SPAN_IDS,
    TEXTS,
    TIMES_NS,
    TRACE_IDS,
    VALUES,
    assert_same,
    parts,
    without_empty_attributes,
)

_RESOURCE = Resource({"service.name": "under-test"})
_OWN_RESOURCE, _OWN_SCOPE = Resource({"service.name": "other"}), InstrumentationScope("of its own", "2")
_TEXTS_OR_NONE = st.one_of(st.none(), TEXTS)


def _failure(message: str) -> Exception:
    try:
        return {}[message]  # type: ignore[no-any-return]
    except LookupError as error:
        return error


def _remote(trace_id: int, span_id: int, flags: int) -> trace.Span:
    return NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))


# Of each recorder: none of them is ended here.
_STARTED = [
    provider.get_tracer("test").start_span("work")
    for provider in (TracerProvider(shutdown_on_exit=False), SdkTracerProvider(shutdown_on_exit=False))
]
_SPANS = st.one_of(
    st.none(),
    st.builds(_remote, TRACE_IDS, SPAN_IDS, st.integers(0, 255)),
    st.sampled_from([*_STARTED, trace.INVALID_SPAN]),
)
_CONTEXTS = st.one_of(st.none(), _SPANS.map(lambda span: trace.set_span_in_context(span) if span is not None else None))


_FIELDS = st.fixed_dictionaries(
    {"observed_timestamp": TIMES_NS},
    optional={
        "timestamp": st.one_of(st.none(), TIMES_NS),
        "severity_number": st.one_of(st.none(), st.sampled_from(SeverityNumber)),
        "severity_text": _TEXTS_OR_NONE,
        "body": VALUES,
        "attributes": ATTRIBUTES,
        "event_name": _TEXTS_OR_NONE,
        "context": _CONTEXTS,
        "exception": st.one_of(st.none(), st.builds(_failure, TEXTS)),
    },
)


def _as_arguments(logger: api.Logger, fields: dict[str, Any]) -> None:
    logger.emit(**fields)


def _as_record(logger: api.Logger, fields: dict[str, Any]) -> None:
    logger.emit(LogRecord(**fields))


def _as_record_with_ids(logger: api.Logger, fields: dict[str, Any]) -> None:
    record = LogRecord(**fields)
    record.trace_id, record.span_id, record.trace_flags = 7, 8, TraceFlags(1)
    logger.emit(record)


def _as_record_of_the_sdk(logger: api.Logger, fields: dict[str, Any]) -> None:
    logger.emit(ReadWriteLogRecord(LogRecord(**fields), _OWN_RESOURCE, _OWN_SCOPE))


_WAYS = st.sampled_from([_as_arguments, _as_record, _as_record_with_ids, _as_record_of_the_sdk])
_PROGRAMS = st.lists(st.tuples(_WAYS, _SPANS, st.sampled_from(["app", "app.orders"]), _FIELDS), max_size=5)
Program = Sequence[tuple[Callable[[api.Logger, dict[str, Any]], None], Any, str, dict[str, Any]]]


def _run(program: Program, provider: api.LoggerProvider) -> None:
    for emit, span, name, fields in program:
        with nullcontext() if span is None else trace.use_span(span, end_on_exit=False):
            emit(provider.get_logger(name, "1.0"), dict(fields))


def _in_one_order(request: Any) -> Any:
    """Attributes sorted: the SDK puts those of an exception behind its own mapping's, and before any other's."""
    for part in parts(request):
        if isinstance(part, LogMessage):
            attributes = sorted(part.attributes, key=lambda attribute: attribute.key)
            del part.attributes[:]
            part.attributes.extend(attributes)
    return request


def _official(items: Sequence[Any]) -> Any:
    return _in_one_order(without_empty_attributes(encode_logs(items)))


def _read(items: Sequence[Any]) -> Any:
    body, broken = LogEncoder().encode(items)
    assert broken == 0
    return _in_one_order(ExportLogsServiceRequest.FromString(body))


@given(_PROGRAMS)
@settings(max_examples=200, deadline=None)
def test_a_program_of_emits_says_the_same_through_both_recorders(program: Program) -> None:
    official: list[Any] = []
    ours: list[Any] = []
    sdk = SdkLoggerProvider(_RESOURCE, shutdown_on_exit=False)
    sdk.add_log_record_processor(LogHandoff(official.append))
    _run(program, sdk)
    _run(program, LoggerProvider(_RESOURCE, shutdown_on_exit=False, accept=ours.append))
    assert_same(_read(ours), _official(official))
    assert_same(_read(ours), _read(official))


@given(_PROGRAMS)
@settings(max_examples=60, deadline=None)
def test_an_attached_processor_of_the_sdk_sees_what_the_sdk_would_show_it(program: Program) -> None:
    official: list[Any] = []
    shown: list[Any] = []
    ours: list[Any] = []
    sdk = SdkLoggerProvider(_RESOURCE, shutdown_on_exit=False)
    sdk.add_log_record_processor(LogHandoff(official.append))
    native = LoggerProvider(_RESOURCE, shutdown_on_exit=False, accept=ours.append)
    native.add_log_record_processor(LogHandoff(shown.append))
    _run(program, sdk)
    _run(program, native)
    expected = _official(official)
    assert_same(_official(shown), expected)
    assert_same(_read(ours), expected)


@pytest.mark.parametrize("number", [0, 1, 9, 24])
def test_a_severity_is_written_the_same_when_it_is_known_and_when_it_is_new(number: int) -> None:
    items: list[Any] = []
    logger = LoggerProvider(_RESOURCE, shutdown_on_exit=False, accept=items.append).get_logger("app")
    for text in ("A", "A", None, "", "A" * 3000, "A" * 3000, "\ud800", "\ud800"):
        logger.emit(severity_number=SeverityNumber(number), severity_text=text)
    encoder = LogEncoder()
    alone = [encoder.encode([item])[0] for item in items]
    assert alone == [LogEncoder().encode([item])[0] for item in items]
    assert encoder.repaired == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_anywhere_in_an_emit_costs_neither_its_record_nor_a_sibling(name: str) -> None:
    items: list[Any] = []
    logger = LoggerProvider(_RESOURCE, shutdown_on_exit=False, accept=items.append).get_logger("app")
    fields = ("body", "attributes", "timestamp", "observed_timestamp", "severity_number", "severity_text", "event_name")
    for field in fields:
        logger.emit(body="sibling")
        logger.emit(**{field: HOSTILE[name]()})
        logger.emit(attributes={"good": 1, "hostile": HOSTILE[name](), "last": 2})
    request = _read(items)
    records = [part for part in parts(request) if isinstance(part, LogMessage)]
    assert len(records) == 3 * len(fields)
    assert {record.body.string_value for record in records[::3]} == {"sibling"}
    assert all({"good", "last"} <= {attribute.key for attribute in record.attributes} for record in records[2::3])


def test_the_ids_of_one_span_are_not_those_of_the_next() -> None:
    items: list[Any] = []
    logger = LoggerProvider(_RESOURCE, shutdown_on_exit=False, accept=items.append).get_logger("app")
    ids = [(1, 2, 1), (1, 2, 1), (1, 3, 1), (1, 3, 0), (2, 3, 0), (1, 2, 1)]
    for trace_id, span_id, flags in ids:
        logger.emit(context=trace.set_span_in_context(_remote(trace_id, span_id, flags)))
        logger.emit()
    records = [part for part in parts(_read(items)) if isinstance(part, LogMessage)]
    read = [(int.from_bytes(record.trace_id), int.from_bytes(record.span_id), record.flags) for record in records]
    assert read[::2] == ids
    assert set(read[1::2]) == {(0, 0, 0)}
