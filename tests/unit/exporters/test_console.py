"""The console exporter: one readable line an item, whatever the item holds and wherever the line goes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import AggregationTemporality, Histogram, HistogramDataPoint, Metric

from heliograph.exporters.console import ConsoleExporter
from heliograph.pipeline.outcome import Delivered, Rejected, Retry
from tests.support.batches import prepared
from tests.support.items import NOW_NS, collect, make_log, make_metric, make_span

HOSTILE = ["a\nb", "a\r\nb", "a\x0bb", "a\x85b", "a\u2028b", "\x1b[2J\x1b[31m", "\u202eevil", "\x00", "\ud800", "\u200b"]


def _printed(signal: str, *items: Any) -> list[str]:
    """The lines that appear, split where any terminal or program would split them."""
    stream = io.StringIO()
    exporter = ConsoleExporter(signal, lambda: stream)
    assert prepared(exporter, items, signal)(1.0) == Delivered()
    return stream.getvalue().splitlines()


def test_a_span_shows_when_what_how_long_and_with_which_ids() -> None:
    (line,) = _printed("traces", make_span("render page", number=255, path="/a b", tries=2))
    assert line == (
        "22:13:20.000 span   render page 2.0ms unset trace=000000000000000000000000000000ff span=00000000000000ff "
        'path="/a b" tries=2'
    )


def test_a_log_record_shows_its_severity_its_text_and_its_trace() -> None:
    (line,) = _printed("logs", make_log("it happened", number=255, attributes={"user": "x"}))
    assert line == '22:13:20.000 log    INFO it happened trace=000000000000000000000000000000ff user="x"'


def test_an_event_shows_its_name() -> None:
    (line,) = _printed("logs", make_log(None, event_name="order.placed", attributes={"total": 3}))
    assert line == "22:13:20.000 log    INFO event order.placed total=3"


def test_each_data_point_has_a_line_of_its_own() -> None:
    lines = _printed("metrics", collect(make_metric("requests", [3, 4.5]), make_metric("size", [7], unit="By", is_sum=False)))
    assert [line.split(" ", 1)[1] for line in lines] == [
        "metric requests 3 1 point=0",
        "metric requests 4.5 1 point=1",
        "metric size 7 By point=0",
    ]


def test_a_histogram_shows_its_count_and_its_sum() -> None:
    point = HistogramDataPoint({"route": "/"}, NOW_NS, NOW_NS, 3, 1.5, [1, 2], [0.5], 0.1, 1.0)
    metric = Metric("duration", "", "s", Histogram([point], AggregationTemporality.CUMULATIVE))
    (line,) = _printed("metrics", collect(metric))
    assert line.endswith('metric duration count=3 sum=1.5 s route="/"')


_PLACES = [
    *("span-name", "span-key", "span-value", "span-sequence"),
    *("body", "nested-body", "severity", "event", "log-key"),
    *("unit", "metric-name"),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("signal", "make"),
    [
        ("traces", make_span),
        ("traces", lambda text: make_span("x", **{text: "value"})),
        ("traces", lambda text: make_span("x", key=text)),
        ("traces", lambda text: make_span("x", key=(text, text))),
        ("logs", make_log),
        ("logs", lambda text: make_log({"key": [text]})),
        ("logs", lambda text: make_log("x", severity_text=text)),
        ("logs", lambda text: make_log(None, event_name=text)),
        ("logs", lambda text: make_log("x", attributes={text: {text: [text]}})),
        ("metrics", lambda text: collect(make_metric("x", unit=text))),
        ("metrics", lambda text: collect(make_metric(text))),
    ],
    ids=_PLACES,
)
def test_one_item_is_one_printable_line_whatever_is_in_it(signal: str, make: Callable[[str], Any], text: str) -> None:
    (line,) = _printed(signal, make(text))
    assert line.isprintable()


@given(st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_name_is_one_printable_line(name: str) -> None:
    (line,) = _printed("traces", make_span(name, key=name))
    assert line.isprintable()


class _Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_an_item_that_cannot_be_printed_is_counted_and_the_others_are_printed() -> None:
    stream = io.StringIO()
    items = [make_log("first"), make_log(_Unprintable()), make_log("last")]
    outcome = prepared(ConsoleExporter("logs", lambda: stream), items, "logs")(1.0)
    assert outcome == Delivered(unencodable=1, reason="items that cannot be shown")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["first", "last"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_what_the_stream_cannot_write_is_escaped(encoding: str) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, newline="")
    assert prepared(ConsoleExporter("traces", lambda: stream), [make_span("grün \u2192 \U0001f680")])(1.0) == Delivered()
    text = buffer.getvalue().decode(encoding)
    assert "gr" in text
    assert text.count("\n") == 1


class _WithoutEncoding:
    """As what celery puts in the place of standard output."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


def test_a_stream_that_does_not_say_its_encoding_takes_everything() -> None:
    stream = _WithoutEncoding()
    exporter = ConsoleExporter("traces", lambda: stream)
    assert prepared(exporter, [make_span("grün \u2192")])(1.0) == Delivered()
    assert "grün \u2192" in stream.written


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


class _BrokenPipe(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("make", [_closed, _BrokenPipe], ids=["closed", "broken pipe"])
def test_a_stream_that_is_gone_gives_a_retry_and_later_succeeds(make: Callable[[], Any]) -> None:
    streams = [make(), io.StringIO()]
    exporter = ConsoleExporter("traces", lambda: streams[0])
    attempt = prepared(exporter, [make_span("a")])
    assert isinstance(attempt(1.0), Retry)
    streams.pop(0)
    assert attempt(1.0) == Delivered()
    assert " a " in streams[0].getvalue()


def test_a_process_without_standard_output_gets_an_outcome_and_no_error() -> None:
    exporter = ConsoleExporter("traces", lambda: None)
    assert isinstance(prepared(exporter, [make_span("a")])(1.0), (Retry, Rejected))


def test_standard_output_is_looked_up_at_each_batch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = ConsoleExporter("traces")
    prepared(exporter, [make_span("first")])(1.0)
    assert "first" in capsys.readouterr().out
    redirected = io.StringIO()
    monkeypatch.setattr(sys, "stdout", redirected)
    prepared(exporter, [make_span("second")])(1.0)
    assert "second" in redirected.getvalue()


def test_closing_leaves_standard_output_open() -> None:
    exporter = ConsoleExporter("traces")
    exporter.close()
    assert not sys.stdout.closed


def test_a_span_without_an_end_or_attributes_is_still_a_line() -> None:
    span = make_span("open")
    span._end_time = span._attributes = None
    assert len(_printed("traces", span)) == 1
