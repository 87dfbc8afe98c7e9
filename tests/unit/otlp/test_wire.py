"""The wire format: every piece reads back in protobuf as what was put in."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from heliograph.otlp import wire
from tests.support.hostile import HOSTILE, BadNumber, RaisesAlways

_MOST = 2**64 - 1
_EDGES = [0, 1, 127, 128, 2047, 2048, 16_383, 16_384, 2**18 - 1, 2**18, 2**31, 2**32, 2**63 - 1]


@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from(_EDGES), st.sampled_from([-edge for edge in _EDGES])))
@settings(max_examples=200, deadline=None)
def test_a_varint_is_what_protobuf_writes_for_an_int64(number: int) -> None:
    official = wrappers_pb2.Int64Value(value=number).SerializeToString()
    assert (b"\x08" + wire.varint(number) if number else b"") == official


@given(st.integers(0, _MOST))
@settings(deadline=None)
def test_a_varint_is_what_protobuf_writes_for_a_uint64(number: int) -> None:
    assert wrappers_pb2.UInt64Value.FromString(b"\x08" + wire.varint(number)).value == number


@given(st.integers())
@settings(deadline=None)
def test_an_integer_of_any_size_makes_a_varint_that_a_reader_finds_the_end_of(number: int) -> None:
    written = wire.varint(number)
    assert len(written) <= 10
    assert [byte > 0x7F for byte in written] == [True] * (len(written) - 1) + [False]


@given(st.integers(-(2**31), 2**31 - 1))
@settings(deadline=None)
def test_zigzag_is_what_protobuf_writes_for_a_sint32(number: int) -> None:
    official = ExponentialHistogramDataPoint(scale=number).SerializeToString()
    assert (wire.tag(6, wire.VARINT) + wire.zigzag(number) if number else b"") == official


@given(st.floats())
@settings(deadline=None)
def test_a_double_keeps_every_bit(number: float) -> None:
    read = wrappers_pb2.DoubleValue.FromString(wire.tag(1, wire.FIXED64) + wire.double(number)).value
    assert struct.pack("<d", read) == struct.pack("<d", number)


@given(st.integers(0, _MOST), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_fixed_numbers_read_back(long: int, short: int) -> None:
    written = wire.tag(7, wire.FIXED64) + wire.fixed64(long) + wire.tag(16, wire.FIXED32) + wire.fixed32(short)
    span = Span.FromString(written)
    assert (span.start_time_unix_nano, span.flags) == (long, short)


@pytest.mark.parametrize("size_bytes", [0, 1, 127, 128, 2047, 2048, 2**20])
def test_a_message_of_any_size_reads_back(size_bytes: int) -> None:
    body = b"x" * size_bytes
    assert wrappers_pb2.BytesValue.FromString(wire.message(wire.tag(1, wire.BYTES), body)).value == body


@pytest.mark.parametrize("size_bytes", [0, 127, 128, 2047, 2048, 2**20])
def test_a_head_is_what_stands_before_a_body_of_its_length(size_bytes: int) -> None:
    heads = wire.Heads(wire.tag(1, wire.BYTES))
    body = b"x" * size_bytes
    for _ in range(2):
        assert heads[size_bytes] + body == wire.message(wire.tag(1, wire.BYTES), body)


def test_heads_of_many_lengths_do_not_grow_beyond_those_that_are_kept() -> None:
    heads = wire.Heads(b"\x0a")
    for length in range(10_000):
        assert heads[length]
    assert len(heads) <= 2048


@pytest.mark.parametrize(
    ("field", "wire_type"), [(1, wire.VARINT), (15, wire.BYTES), (16, wire.FIXED32), (2047, wire.FIXED64)]
)
def test_a_tag_is_the_field_number_and_the_wire_type(field: int, wire_type: int) -> None:
    assert wire.tag(field, wire_type) == wire.varint(field * 8 + wire_type)


@pytest.mark.parametrize(
    ("time_ns", "written"),
    [
        (0, 0),
        (5, 5),
        (_MOST, _MOST),
        (_MOST + 1, _MOST),
        (10**400, _MOST),
        (-1, 0),
        (-(10**400), 0),
        (1.9, 1),
        (1e300, _MOST),
        (float("nan"), 0),
        (float("inf"), 0),
        (float("-inf"), 0),
        (None, 0),
        ("soon", 0),
        (object(), 0),
        (RaisesAlways(), 0),
        (BadNumber(7), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_time_is_brought_into_what_the_wire_can_carry(time_ns: Any, written: int) -> None:
    assert wire.clamped(time_ns) == written


@pytest.mark.parametrize("name", HOSTILE)
def test_any_value_as_a_time_fits_into_eight_bytes(name: str) -> None:
    assert len(wire.fixed64(wire.clamped(HOSTILE[name]()))) == 8
