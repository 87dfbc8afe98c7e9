"""How much a span, its events and links and a log record may hold, on both recorders, as the settings say."""

from __future__ import annotations

import warnings

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.trace import Link, SpanContext, TraceFlags

from heliograph import TelemetrySettings
from heliograph.recording import native
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official import providers as official

FIVE = {f"k{number}": "value" for number in range(5)}
ELSEWHERE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


@pytest.fixture(params=[native, official], ids=["native", "opentelemetry-sdk"])
def built(request):
    opened = []

    def build(**settings):
        kept: dict[str, list] = {"spans": [], "logs": []}
        providers = request.param.build(
            TelemetrySettings(**settings),
            accept_span=kept["spans"].append,
            accept_log=kept["logs"].append,
            readers=[],
            mishaps=Mishaps(),
        )
        opened.append(providers)
        return providers.recorder(), kept

    yield build
    for providers in opened:
        providers.shutdown()


def _finished_span(recorder, kept):
    span = recorder.tracer.start_span("work", attributes=FIVE, links=[Link(ELSEWHERE, FIVE)])
    span.add_event("event", FIVE)
    span.end()
    return kept["spans"][0]


def test_events_and_links_have_limits_of_their_own(built):
    span = _finished_span(*built(tracing={"max_attributes_per_event": 2, "max_attributes_per_link": 3}))
    (event,), (link,) = span.events, span.links
    assert (len(span.attributes), len(event.attributes), len(link.attributes)) == (5, 2, 3)
    assert (event.dropped_attributes, link.dropped_attributes) == (3, 2)


def test_the_limit_of_a_span_is_none_of_its_events_and_links(built):
    span = _finished_span(*built(tracing={"max_attributes_per_span": 1}))
    assert (len(span.attributes), len(span.events[0].attributes), len(span.links[0].attributes)) == (1, 5, 5)


def test_text_is_cut_in_events_and_links_too(built):
    span = _finished_span(*built(tracing={"max_attribute_length": 3}))
    kept = [*span.attributes.values(), *span.events[0].attributes.values(), *span.links[0].attributes.values()]
    assert set(kept) == {"val"}


def test_a_limit_of_0_keeps_nothing(built):
    limits = ("max_attributes_per_span", "max_events_per_span", "max_attributes_per_link")
    span = _finished_span(*built(tracing=dict.fromkeys(limits, 0), logs={"max_attributes_per_record": 0}))
    assert (dict(span.attributes), list(span.events), dict(span.links[0].attributes)) == ({}, [], {})
    assert (span.dropped_attributes, span.dropped_events, span.links[0].dropped_attributes) == (5, 1, 5)
    without_events = _finished_span(*built(tracing={"max_attributes_per_event": 0, "max_links_per_span": 0}))
    assert (dict(without_events.events[0].attributes), list(without_events.links), without_events.dropped_links) == ({}, [], 1)


def test_text_of_no_length_is_empty(built):
    span = _finished_span(*built(tracing={"max_attribute_length": 0}))
    assert set(span.attributes.values()) == set(span.events[0].attributes.values()) == {""}


def _emitted(recorder, kept):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK warns of attributes that it drops
        recorder.logger.emit(LogRecord(body="x" * 10, attributes=FIVE))
    return kept["logs"][0]


def test_a_log_record_has_limits_of_its_own(built):
    record = _emitted(
        *built(logs={"max_attributes_per_record": 2, "max_attribute_length": 3}, tracing={"max_attribute_length": 1})
    )
    assert dict(record.log_record.attributes) in ({"k0": "val", "k1": "val"}, {"k3": "val", "k4": "val"})
    assert record.dropped_attributes == 3
    assert record.log_record.body == "x" * 10  # no attribute


def test_a_log_record_keeps_128_attributes_by_default(built):
    recorder, kept = built()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recorder.logger.emit(LogRecord(attributes={f"k{number}": number for number in range(200)}))
    assert (len(kept["logs"][0].log_record.attributes), kept["logs"][0].dropped_attributes) == (128, 72)


def test_text_is_kept_whole_by_default(built):
    recorder, kept = built()
    recorder.logger.emit(LogRecord(attributes={"long": "x" * 100_000}))
    assert len(kept["logs"][0].log_record.attributes["long"]) == 100_000
