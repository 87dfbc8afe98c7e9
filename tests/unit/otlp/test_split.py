"""A request cut into two: together they hold the same items in the same order, each under what it belonged to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from heliograph.otlp import wire
from heliograph.otlp.messages import SIGNALS
from heliograph.otlp.split import count, split
from tests.support.items import GOOD, collect, make_metric

_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
_TIMES = st.integers(0, 2**64 - 1)
_RESOURCES = st.builds(Resource, dropped_attributes_count=st.integers(0, 300))
_SPANS = st.builds(Span, trace_id=st.binary(max_size=16), name=_NAMES, start_time_unix_nano=_TIMES)
_LOGS = st.builds(LogRecord, time_unix_nano=_TIMES, severity_text=_NAMES)
_KINDS: Mapping[str, tuple[type[Any], type[Any]]] = {
    "gauge": (metrics.Gauge, metrics.NumberDataPoint),
    "sum": (metrics.Sum, metrics.NumberDataPoint),
    "histogram": (metrics.Histogram, metrics.HistogramDataPoint),
    "exponential_histogram": (metrics.ExponentialHistogram, metrics.ExponentialHistogramDataPoint),
    "summary": (metrics.Summary, metrics.SummaryDataPoint),
}


@st.composite
def _metric(draw: st.DrawFn) -> metrics.Metric:
    kind = draw(st.sampled_from([*_KINDS, None]))
    metric = metrics.Metric(name=draw(_NAMES), unit=draw(_NAMES), description=draw(_NAMES))
    if kind is not None:
        data, point = _KINDS[kind]
        fields: dict[str, Any] = {"data_points": draw(st.lists(st.builds(point, time_unix_nano=_TIMES), max_size=4))}
        if "aggregation_temporality" in data.DESCRIPTOR.fields_by_name:
            fields["aggregation_temporality"] = draw(st.sampled_from([0, 1, 2]))
        getattr(metric, kind).CopyFrom(data(**fields))
    return metric


def _grouped(
    group: type[Any], part: type[Any], parts: str, items: str, item: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    scopes = st.builds(part, schema_url=_NAMES, **{items: st.lists(item, max_size=3)})
    return st.builds(group, resource=_RESOURCES, schema_url=_NAMES, **{parts: st.lists(scopes, max_size=3)})


_GROUPS: Mapping[str, tuple[str, st.SearchStrategy[Any]]] = {
    "traces": ("resource_spans", _grouped(ResourceSpans, ScopeSpans, "scope_spans", "spans", _SPANS)),
    "logs": ("resource_logs", _grouped(ResourceLogs, ScopeLogs, "scope_logs", "log_records", _LOGS)),
    "metrics": (
        "resource_metrics",
        _grouped(metrics.ResourceMetrics, metrics.ScopeMetrics, "scope_metrics", "metrics", _metric()),
    ),
}


@st.composite
def _requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """A signal and one request or several, one behind the other."""
    signal = draw(st.sampled_from(list(_GROUPS)))
    field, group = _GROUPS[signal]
    requests = [SIGNALS[signal].request(**{field: draw(st.lists(group, max_size=3))}) for _ in range(draw(st.integers(1, 3)))]
    return signal, b"".join(request.SerializeToString() for request in requests)


def _leaves(message: Any, around: tuple[bytes, ...] = ()) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Each item, with all that is said around it on its way from the request."""
    ways = [
        (field, value)
        for field, value in message.ListFields()
        if field.name.startswith(("resource_", "scope_"))
        or field.name in {"spans", "log_records", "metrics", *_KINDS, "data_points"}
    ]
    shell = type(message)()
    shell.CopyFrom(message)
    for field, _ in ways:
        shell.ClearField(field.name)
    for field, value in ways:
        for part in [value] if field.name in _KINDS else value:
            if field.name in {"spans", "log_records", "data_points"}:
                yield (*around, shell.SerializeToString()), part.SerializeToString()
            else:
                yield from _leaves(part, (*around, shell.SerializeToString(), field.name.encode()))


def _items(signal: str, body: bytes) -> list[Any]:
    return list(_leaves(SIGNALS[signal].request.FromString(body)))


def _has_no_empty_part(message: Any) -> bool:
    """Whether everything in ``message`` that is there for items has some."""
    for field, value in message.ListFields():
        if field.name.startswith(("resource_", "scope_")) or field.name == "metrics":
            if not all(list(_leaves(part)) for part in value):
                return False
            if not all(map(_has_no_empty_part, value)):
                return False
    return True


@given(_requests(), st.data())
@settings(max_examples=300, deadline=None)
def test_both_halves_hold_the_items_of_the_whole_in_their_order_under_what_they_belonged_to(
    request_of: tuple[str, bytes], data: st.DataObject
) -> None:
    signal, body = request_of
    whole = _items(signal, body)
    first = data.draw(st.integers(0, len(whole) + 2))
    head, tail = split(signal, body, first)
    assert _items(signal, head) == whole[:first]
    assert _items(signal, tail) == whole[first:]
    assert (count(signal, body), count(signal, head)) == (len(whole), min(first, len(whole)))
    assert count(signal, tail) == len(whole) - count(signal, head)
    for half in (head, tail):
        assert _has_no_empty_part(SIGNALS[signal].request.FromString(half))


@given(_requests())
@settings(max_examples=80, deadline=None)
def test_cut_to_single_items_and_joined_again_nothing_is_lost(request_of: tuple[str, bytes]) -> None:
    signal, body = request_of
    pieces, rest = [], body
    while count(signal, rest):
        piece, rest = split(signal, rest, 1)
        assert count(signal, piece) == 1
        pieces.append(piece)
    assert _items(signal, b"".join(pieces)) == _items(signal, body)


@pytest.mark.parametrize("signal", GOOD)
def test_a_request_of_our_own_encoder_is_cut(signal: str) -> None:
    body, _ = SIGNALS[signal].encoder().encode([GOOD[signal](number) for number in range(1, 6)])
    head, tail = split(signal, body, 2)
    assert (count(signal, body), count(signal, head), count(signal, tail)) == (5, 2, 3)
    assert _items(signal, head) + _items(signal, tail) == _items(signal, body)


def test_a_metric_that_is_cut_says_its_name_unit_and_temporality_in_both_halves() -> None:
    body, _ = SIGNALS["metrics"].encoder().encode([collect(make_metric("orders", [1, 2, 3], unit="{order}"))])
    for half in split("metrics", body, 1):
        request: Any = SIGNALS["metrics"].request.FromString(half)
        (metric,) = request.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit, metric.sum.is_monotonic) == ("orders", "{order}", True)
        assert metric.sum.aggregation_temporality == metrics.AGGREGATION_TEMPORALITY_CUMULATIVE


def _field(number: int, body: bytes) -> bytes:
    return wire.message(wire.tag(number, wire.BYTES), body)


def test_fields_that_nobody_knows_yet_are_kept_in_both_halves() -> None:
    unknown = wire.tag(99, wire.FIXED64) + b"8 bytes!" + wire.tag(98, wire.FIXED32) + b"four" + _field(97, b"text")
    spans = b"".join(_field(2, Span(name=name).SerializeToString()) for name in "ab")
    body = _field(1, _field(2, spans + unknown) + unknown)
    for half, name in zip(split("traces", body, 1), "ab", strict=True):
        assert half == _field(1, _field(2, _field(2, Span(name=name).SerializeToString()) + unknown) + unknown)


@given(st.sampled_from(list(_GROUPS)), st.binary(max_size=60), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_what_is_no_request_raises_nothing_but_a_value_error(signal: str, body: bytes, first: int) -> None:
    try:
        head, tail = split(signal, body, first)
    except ValueError:
        with pytest.raises(ValueError, match="byte"):
            count(signal, body)
        return
    assert count(signal, head) + count(signal, tail) == count(signal, body)


@given(_requests(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_request_that_is_cut_short_is_refused_or_holds_less(request_of: tuple[str, bytes], data: st.DataObject) -> None:
    signal, body = request_of
    short = body[: data.draw(st.integers(0, max(0, len(body) - 1)))]
    try:
        left = count(signal, short)
    except ValueError as error:
        left, said = 0, str(error)
    else:
        said = "cut short"
    assert left <= count(signal, body)
    assert said.startswith("cut short")


_TOO_LONG = wire.tag(3, wire.VARINT) + b"\x80" * 10 + b"\x01"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x0a\x05abc", "field 1 at byte 0 ends at byte 7, its message at byte 5"),
        (b"\x0a\x03\x12\x05a", "cut short: field 2 at byte 2"),
        (b"\x0a\x02\x12\x05", "cut short: field 2 at byte 2"),
        (b"\x09abc", "cut short: field 1 at byte 0"),
        (b"\x08\x80", "cut short: the number at byte 1"),
        (b"\x80", "cut short: the number at byte 0"),
        (b"\x0b", "wire type 3 at byte 0"),
        (b"\x00\x00", "field number 0 at byte 0"),
        (_TOO_LONG, "the number at byte 1 has more than 10 bytes"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("work", [count, lambda signal, body: split(signal, body, 1)], ids=["count", "split"])
def test_what_is_malformed_is_told_with_its_place(work: Callable[[str, bytes], Any], body: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        work("traces", body)


def test_a_negative_number_of_items_is_refused() -> None:
    with pytest.raises(ValueError, match="-1; expected 0 or more"):
        split("traces", b"", -1)


@pytest.mark.parametrize("work", [count, lambda signal, body: split(signal, body, 1)], ids=["count", "split"])
def test_a_signal_that_is_none_is_refused(work: Callable[[str, bytes], Any]) -> None:
    with pytest.raises(ValueError, match="'spans'; expected one of 'traces', 'logs', 'metrics'"):
        work("spans", b"")


def _sizes(signal: str, halves: Sequence[bytes]) -> list[int]:
    return [count(signal, half) for half in halves]


def test_nothing_splits_into_nothing() -> None:
    assert split("logs", b"", 3) == (b"", b"")
    assert _sizes("logs", split("logs", b"", 0)) == [0, 0]
