"""Log records: the bytes say what the official encoder says, and no record costs another."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import TraceFlags

from heliograph.otlp.logs import LogEncoder
from tests.support.hostile import BEYOND_REPAIR, Colour, what_fails
from tests.support.items import NOW_NS, make_log
from tests.support.otlp_oracle import (
    ATTRIBUTES,
    SPAN_IDS,
    TEXTS,
    TIMES_NS,
    TRACE_IDS,
    VALUES,
    assert_same,
    each_alone,
    parts,
    plain_value,
    resources,
    scopes,
    without_empty_attributes,
)


def _entry(resource: Resource | None = None, scope: Any = None, **fields: Any) -> ReadableLogRecord:
    """A record whose fields went around its constructor, which replaces some of them."""
    record = LogRecord(timestamp=NOW_NS, observed_timestamp=NOW_NS)
    for name, value in fields.items():
        setattr(record, name, value)
    return ReadableLogRecord(record, Resource({}) if resource is None else resource, scope)


_TEXTS_OR_NONE = st.one_of(st.none(), TEXTS)
_RECORDS = st.fixed_dictionaries(
    {
        "timestamp": st.one_of(st.none(), TIMES_NS),
        "observed_timestamp": TIMES_NS,
        "trace_id": st.one_of(st.just(0), TRACE_IDS),
        "span_id": st.one_of(st.just(0), SPAN_IDS),
        "trace_flags": st.builds(TraceFlags, st.integers(0, 255)),
        "severity_text": _TEXTS_OR_NONE,
        "severity_number": st.one_of(st.none(), st.sampled_from(SeverityNumber)),
        "body": VALUES,
        "attributes": ATTRIBUTES,
        "event_name": _TEXTS_OR_NONE,
    }
)


@st.composite
def _batches(draw: st.DrawFn) -> list[ReadableLogRecord]:
    """Records from several resources and scopes, mixed."""
    records = draw(st.lists(_RECORDS, max_size=5))
    own_resources, own_scopes = draw(resources()), [None, *draw(scopes())]
    return [_entry(draw(st.sampled_from(own_resources)), draw(st.sampled_from(own_scopes)), **record) for record in records]


def _read(body: bytes) -> Any:
    return ExportLogsServiceRequest.FromString(body)


def _records(body: bytes) -> list[Any]:
    return [part for part in parts(_read(body)) if isinstance(part, LogMessage)]


def _only(entry: Any) -> Any:
    """What a receiver reads of one record."""
    body, broken = LogEncoder().encode([entry])
    assert broken == 0
    (read,) = _records(body)
    return read


@given(_batches())
@settings(max_examples=150, deadline=None)
def test_a_batch_says_what_the_official_encoder_says_of_it(entries: list[ReadableLogRecord]) -> None:
    encoder = LogEncoder()
    official = without_empty_attributes(encode_logs(entries))
    for _ in range(2):  # first with nothing known, then with everything
        body, broken = encoder.encode(entries)
        assert broken == 0
        assert_same(_read(body), official)
    assert encoder.repaired == 0


@given(st.lists(st.builds(lambda record: _entry(**record), _RECORDS), max_size=6))
@settings(max_examples=80, deadline=None)
def test_what_an_encoder_has_seen_never_changes_what_it_writes(entries: list[ReadableLogRecord]) -> None:
    encoder = LogEncoder()
    assert [encoder.encode([entry])[0] for entry in entries] == each_alone(LogEncoder, entries)


@pytest.mark.parametrize("body", [True, 1, 1.0, 0, 0.0, -0.0, False, "1", b"1", None, [], {}, [True, 1, 1.0], {"a": None}])
def test_a_body_keeps_its_type(body: Any) -> None:
    encoder = LogEncoder()
    for other in (1, True, 1.0, -0.0, 0.0, "1"):
        encoder.encode([make_log(other)])
    (read,) = _records(encoder.encode([make_log(body)])[0])
    assert repr(plain_value(read.body)) == repr(body)


def test_flags_beyond_the_eight_that_w3c_has_are_left_out() -> None:
    # The official encoder writes whatever it is given; OTLP reserves the other 24 bits, which "MUST be set to zero".
    assert _only(_entry(trace_flags=0x1FF)).flags == 0xFF


def test_a_name_of_a_class_derived_from_str_is_written_as_its_own_text() -> None:
    encoder = LogEncoder()
    body, _ = encoder.encode([make_log(event_name=Colour.RED, severity_text=Colour.RED)])
    (read,) = _records(body)
    assert (read.event_name, read.severity_text, encoder.repaired) == ("red", "red", 0)


_FIELDS = (
    "timestamp",
    "observed_timestamp",
    "trace_id",
    "span_id",
    "trace_flags",
    "severity_text",
    "severity_number",
    "body",
    "attributes",
    "event_name",
)
# Where a value of the user's, or of a broken instrumentation, can stand in a record.
_PLACES: dict[str, Callable[[Any], Any]] = {
    **{name: lambda value, name=name: _entry(**{name: value}) for name in _FIELDS},
    "attribute": lambda value: _entry(attributes={"key": value}),
    "body's part": lambda value: _entry(body={"key": [value]}),
    "body's key": lambda value: _entry(body={value: 1}),
    "log_record": lambda value: ReadableLogRecord(value, Resource({})),
    "the record itself": lambda value: value,
}


def _check_siblings(make: Callable[[], Any]) -> None:
    """The item between two good ones costs neither; it is there or counted."""
    encoder = LogEncoder()
    first, last = make_log("first", number=7, attributes={"a": 1}), make_log("last", attributes={"a": 2.5})
    for _ in range(2):
        body, broken = encoder.encode([first, make(), last])
        read = _records(body)
        assert len(read) + broken == 3
        alike = {str(record) for record in read}
        assert {str(_only(first)), str(_only(last))} <= alike


@pytest.mark.parametrize("place", _PLACES)
def test_a_hostile_value_anywhere_in_a_record_costs_no_sibling(place: str) -> None:
    assert what_fails(_PLACES[place], _check_siblings) == {}


@pytest.mark.parametrize("number", [-1, 2**64, 2**128, 2**200, -(2**200), 1.5, float("nan"), float("inf"), None, "1", True])
@pytest.mark.parametrize("place", ["timestamp", "observed_timestamp", "trace_id", "span_id", "trace_flags", "severity_number"])
def test_a_number_out_of_range_anywhere_in_a_record_costs_no_sibling(place: str, number: Any) -> None:
    _check_siblings(lambda: _PLACES[place](number))


@pytest.mark.parametrize("name", BEYOND_REPAIR)
def test_a_hostile_body_is_still_a_record_and_is_counted(name: str) -> None:
    encoder = LogEncoder()
    body, broken = encoder.encode([make_log(BEYOND_REPAIR[name]())])
    (read,) = _records(body)
    assert read.body.WhichOneof("value")
    assert broken == 0
    assert encoder.repaired


@pytest.mark.parametrize("time_ns", [-1, None, float("nan"), "soon", object()])
def test_a_time_that_is_none_is_written_as_unknown(time_ns: Any) -> None:
    assert _only(_entry(timestamp=time_ns, observed_timestamp=NOW_NS)).time_unix_nano == 0


def test_a_body_of_a_megabyte_is_cut_and_the_record_stays() -> None:
    read = _only(make_log("x" * 2**20, number=5))
    assert set(read.body.string_value) == {"x"}
    assert read.span_id == (5).to_bytes(8, "big")


def test_many_texts_do_not_grow_beyond_those_that_are_kept() -> None:
    encoder = LogEncoder()
    tracemalloc.start()
    try:
        for number in range(8_000):
            encoder.encode([make_log(f"body {number}", event_name=f"event {number}", severity_text=f"text {number}")])
        assert tracemalloc.get_traced_memory()[0] < 4_000_000
    finally:
        tracemalloc.stop()
