"""OTLP JSON: one line a request, ids in hexadecimal, enumerations as numbers, and nothing lost on the way back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from heliograph.otlp.json import json_line
from heliograph.otlp.messages import SIGNALS
from tests.support.items import GOOD

IDS = ("traceId", "spanId", "parentSpanId")

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NS = st.integers(0, 2**64 - 1)
_TRACE_ID, _SPAN_ID = st.binary(min_size=16, max_size=16), st.one_of(st.just(b""), st.binary(min_size=8, max_size=8))
_SCALARS = st.one_of(
    st.builds(AnyValue, string_value=_TEXT),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats(allow_nan=False)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=20)),
    st.just(AnyValue()),
)
_KEYS = st.one_of(_TEXT, st.sampled_from(IDS))


def _containers(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.lists(st.builds(KeyValue, key=_KEYS, value=values), max_size=3)
    return st.one_of(
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(values, max_size=3))),
        st.builds(AnyValue, kvlist_value=st.builds(KeyValueList, values=pairs)),
    )


_VALUES = st.recursive(_SCALARS, _containers, max_leaves=6)
_ATTRIBUTES = st.lists(st.builds(KeyValue, key=_KEYS, value=_VALUES), max_size=4)
_SPANS = st.builds(
    Span,
    trace_id=_TRACE_ID,
    span_id=_SPAN_ID,
    parent_span_id=_SPAN_ID,
    name=_TEXT,
    kind=st.integers(0, 5),
    start_time_unix_nano=_NS,
    end_time_unix_nano=_NS,
    attributes=_ATTRIBUTES,
    status=st.builds(Status, code=st.integers(0, 2), message=_TEXT),
    links=st.lists(st.builds(Span.Link, trace_id=_TRACE_ID, span_id=_SPAN_ID), max_size=2),
    flags=st.integers(0, 2**32 - 1),
)
_RECORDS = st.builds(
    LogRecord,
    trace_id=_TRACE_ID,
    span_id=_SPAN_ID,
    time_unix_nano=_NS,
    severity_number=st.integers(0, 24),
    severity_text=_TEXT,
    body=_VALUES,
    attributes=_ATTRIBUTES,
)


def _traces(spans: list[Span]) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.extend(spans)
    return message


def _logs(records: list[LogRecord]) -> ExportLogsServiceRequest:
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.extend(records)
    return message


def _ids_to_base64(node: Any) -> Any:
    if isinstance(node, list):
        return [_ids_to_base64(value) for value in node]
    if isinstance(node, dict):
        return {
            name: base64.b64encode(bytes.fromhex(value)).decode() if name in IDS else _ids_to_base64(value)
            for name, value in node.items()
        }
    return node


def _read_back(line: bytes, kind: type[Message]) -> Message:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json_format.ParseDict(_ids_to_base64(json.loads(line)), kind())


@given(st.lists(_SPANS, max_size=3))
@settings(max_examples=80, deadline=None)
def test_any_request_of_spans_reads_back_as_it_was(spans: list[Span]) -> None:
    message = _traces(spans)
    assert _read_back(json_line(message), ExportTraceServiceRequest) == message


@given(st.lists(_RECORDS, max_size=3))
@settings(max_examples=80, deadline=None)
def test_any_request_of_log_records_reads_back_as_it_was(records: list[LogRecord]) -> None:
    message = _logs(records)
    assert _read_back(json_line(message), ExportLogsServiceRequest) == message


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=3), _TRACE_ID)
@settings(max_examples=40, deadline=None)
def test_any_metric_with_its_exemplars_reads_back_as_it_was(values: list[float], trace_id: bytes) -> None:
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="sizes")
    for value in values:
        exemplar = Exemplar(trace_id=trace_id, span_id=trace_id[:8], as_double=value)
        metric.gauge.data_points.append(NumberDataPoint(as_double=value, exemplars=[exemplar]))
    assert _read_back(json_line(message), ExportMetricsServiceRequest) == message


@pytest.mark.parametrize("signal", SIGNALS)
def test_what_the_sdk_encodes_reads_back_as_it_was(signal: str) -> None:
    body, _broken = SIGNALS[signal].encoder().encode([GOOD[signal](number) for number in range(1, 4)])
    message = SIGNALS[signal].request.FromString(body)
    assert _read_back(json_line(message), type(message)) == message


def test_a_number_that_is_none_survives() -> None:
    line = json_line(_traces([Span(attributes=[KeyValue(key="x", value=AnyValue(double_value=float("nan")))])]))
    (resource,) = _read_back(line, ExportTraceServiceRequest).resource_spans
    assert str(resource.scope_spans[0].spans[0].attributes[0].value.double_value) == "nan"


def test_ids_are_hexadecimal_and_enumerations_are_numbers() -> None:
    span = Span(trace_id=b"\xab" * 16, span_id=b"\xcd" * 8, parent_span_id=b"\x01" * 8, kind=2, status=Status(code=2))
    span.links.add(trace_id=b"\xef" * 16)
    (shown,) = json.loads(json_line(_traces([span])))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (shown["traceId"], shown["spanId"], shown["parentSpanId"]) == ("ab" * 16, "cd" * 8, "01" * 8)
    assert (shown["kind"], shown["status"]["code"]) == (2, 2)
    assert shown["links"][0]["traceId"] == "ef" * 16


def test_an_attribute_that_is_called_like_an_id_stays_what_it_was() -> None:
    attribute = KeyValue(key="traceId", value=AnyValue(string_value="aGVsbG8="))
    (shown,) = json.loads(json_line(_traces([Span(attributes=[attribute])])))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert shown["attributes"] == [{"key": "traceId", "value": {"stringValue": "aGVsbG8="}}]


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", "a\u2028b", "\x00\x1b[2J", '"quoted" \\', "\U0001f680 ünïcode"])
def test_hostile_text_stays_on_one_line_and_comes_back(name: str) -> None:
    message = _traces([Span(name=name)])
    assert _read_back(json_line(message), ExportTraceServiceRequest) == message
