"""Corrections 1, 2, 3 and 11: what happens to spans after they were recorded."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.trace import SpanKind, Tracer, TracerProvider

from tests.differential.stacks import LOG_STACKS, Stack, correction, stack
from tests.support.otlp_receiver import Answer, OtlpReceiver, http_receiver
from tests.support.waiting import until


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


def _cyclic() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


# What one broken instrumentation may give a span; `name` unless said otherwise is "bad".
BAD: dict[str, dict[str, Any]] = {
    "lone surrogate in the name": {"name": "bad \ud800"},
    "lone surrogate in a value": {"attributes": {"key": "\ud800"}},
    "name that is no text": {"name": 5},
    "kind of None": {"kind": None},
    "start before the epoch": {"start_time": -1},
    "start that is no time": {"start_time": "now"},
    "value that cannot be shown": {"attributes": {"key": Unshowable()}},
    "value that holds itself": {"attributes": {"key": _cyclic()}},
    "number of more than 64 bits": {"attributes": {"key": 2**64}},
}


@pytest.mark.parametrize("bad", BAD)
@correction(
    1,
    official="the spans beside it are lost|the value is gone|cannot be shown|recursion",
    raises=(AssertionError, RuntimeError),
)
def test_one_bad_span_costs_no_span_beside_it(recorder: str, bad: str) -> None:
    with http_receiver() as receiver, stack(recorder, receiver.url) as under_test:
        under_test.tracer.start_span("before").end()
        given = {"name": "bad", "kind": SpanKind.INTERNAL, **BAD[bad]}
        under_test.tracer.start_span(**given).end()
        under_test.tracer.start_span("after").end()
        under_test.flush(10.0)
        spans = receiver.spans()
        assert {"before", "after"} <= {span.name for span in spans}, "the spans beside it are lost"
        keys = [attribute.key for span in spans for attribute in span.attributes]
        assert keys == list(given.get("attributes", ())), "the value is gone"
        assert len(spans) == 3


class Under(TracerProvider):
    """Gives one tracer to who instruments."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def get_tracer(self, *_arguments: Any, **_more: Any) -> Tracer:
        return self._tracer


@correction(2, official="the queue kept the newest")
def test_a_full_queue_keeps_what_it_has_and_counts_what_it_drops(recorder: str) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=1.0)]
        with stack(recorder, receiver.url, queue_size=10) as under_test:
            _record(under_test, "first", 10)
            until(lambda: receiver.attempts == 1, timeout_s=10)  # a full batch is on its way, and stays there for a while
            _record(under_test, "later", 30)
            under_test.flush(10.0)
            later = [int(span.name.split()[1]) for span in receiver.spans() if span.name.startswith("later")]
            assert later == list(range(len(later))), "the queue kept the newest"
            assert under_test.dropped() == 30 - len(later) > 0


def _record(under_test: Stack, name: str, count: int) -> None:
    for number in range(count):
        under_test.tracer.start_span(f"{name} {number}").end()


@correction(3, official="said that it was delivered")
def test_a_flush_that_delivered_nothing_says_so(recorder: str) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=400)] * 3
        with stack(recorder, receiver.url) as under_test:
            _record(under_test, "work", 3)
            assert not under_test.flush(5.0), "said that it was delivered"


@correction(3, official="flush took")
def test_a_flush_ends_at_its_time(recorder: str) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=2.0)]
        with stack(recorder, receiver.url) as under_test:
            _record(under_test, "work", 3)
            began = time.monotonic()
            is_delivered = under_test.flush(0.3)
            took_s = time.monotonic() - began
            assert took_s < 1.2, f"flush took {took_s:.1f} s"
            assert not is_delivered


@correction(3, official="shutdown took")
def test_a_shutdown_ends_at_its_time_and_says_what_was_left(recorder: str) -> None:
    with http_receiver() as receiver:
        receiver.answers = [Answer(delay_s=2.0)]
        with stack(recorder, receiver.url) as under_test:
            _record(under_test, "work", 3)
            began = time.monotonic()
            is_complete = under_test.close(0.3)
            took_s = time.monotonic() - began
            assert took_s < 1.2, f"shutdown took {took_s:.1f} s"
            assert not is_complete


@correction(11, official="Failed to export")
def test_records_of_the_pipeline_itself_do_not_come_back_through_the_log_handler(recorder: str) -> None:
    root = logging.getLogger()
    with http_receiver() as receiver, LOG_STACKS[recorder](receiver.url) as (handler, flush):
        receiver.answers = [Answer(status=400)]
        root.addHandler(handler)
        try:
            logging.getLogger("application").warning("refused")
            flush()  # what the exporter says of the refusal, it says in the log
            logging.getLogger("application").warning("taken")
            flush()
        finally:
            root.removeHandler(handler)
        assert {record.body.string_value for record in receiver.log_records()} == {"taken"}, _bodies(receiver)


def _bodies(receiver: OtlpReceiver) -> str:
    return str([record.body.string_value for record in receiver.log_records()])


@pytest.mark.parametrize("recorder", ["native", "official"])
@pytest.mark.parametrize("instrumentor", [RequestsInstrumentor, URLLib3Instrumentor])
def test_an_instrumented_exporter_does_not_trace_itself(recorder: str, instrumentor: Any) -> None:
    """The official SDK suppresses it in its batch processor too; here both must pass."""
    with http_receiver() as receiver, stack(recorder, receiver.url) as under_test:
        instrumentor().instrument(tracer_provider=Under(under_test.tracer))
        try:
            under_test.tracer.start_span("work").end()
            assert under_test.flush(10.0)
            requests.get(receiver.url, timeout=5)
            under_test.flush(10.0)
        finally:
            instrumentor().uninstrument()
        assert sorted(span.name for span in receiver.spans()) == ["GET", "work"]
