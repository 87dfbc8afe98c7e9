"""The corrections that recording itself makes to the official SDK, each with a body that passes on the native recorder and is
shown to fail on the official one.

1. One bad item never spoils a batch.
2. A full queue drops the newest, and counts it.
3. ``force_flush`` and ``shutdown`` keep their time and tell the truth.
4. Exceptions of samplers, processors and callbacks never reach the application.
5. Durations are never negative.
6. Forked children start with nothing of their parent's.
7. Recording from a GC callback, a signal handler or an observable callback never deadlocks.
8. Inbound ``tracestate`` reaches the sampler; links carry it, with the W3C flags.
9. At a limit the newest attributes are dropped and counted; None is dropped silently.
10. Metrics keep their labels, never break a scrape, and lose a series only when told to.
11. Instrumented exporters do not trace themselves; our own log records do not loop.

1, 2, 3 and 11 are in ``test_corrections_delivery.py``; 5, 6 and 7 in ``test_corrections_processes.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, TraceState

from tests.differential import test_corrections_delivery, test_corrections_processes
from tests.differential.corrections import CORRECTIONS
from tests.differential.recorders import METERS, TRACERS
from tests.differential.stacks import COVERED, correction, prometheus_text, stack
from tests.support.otlp_receiver import http_receiver
from tests.support.recorded import points_of

REMOTE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "value")]))


class HookError(Exception):
    """What the application's own hooks raise here."""


class RaisingSampler(Sampler):
    def should_sample(self, *_arguments: Any, **_more: Any) -> SamplingResult:
        raise HookError("of the sampler")

    def get_description(self) -> str:
        return "raises"


class RaisingProcessor(SpanProcessor):
    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        raise HookError("of the processor")

    def on_end(self, span: Any) -> None:
        raise HookError("of the processor")


@correction(4, raises=HookError, official="of the sampler")
def test_a_sampler_that_raises_costs_no_span(recorder: str) -> None:
    ended: list[Any] = []
    tracer = TRACERS[recorder](ended.append, sampler=RaisingSampler()).get_tracer("t")
    with tracer.start_as_current_span("work"):
        pass
    assert [span.name for span in ended] == ["work"]


@correction(4, raises=HookError, official="of the processor")
def test_a_processor_that_raises_costs_no_span(recorder: str) -> None:
    ended: list[Any] = []
    provider = TRACERS[recorder](ended.append)
    provider.add_span_processor(RaisingProcessor())
    with provider.get_tracer("t").start_as_current_span("work"):
        pass
    assert [span.name for span in ended] == ["work"]


@correction(4, raises=SystemExit, official="3")
def test_a_callback_that_leaves_ends_no_collection(recorder: str) -> None:
    def leave(_options: CallbackOptions) -> Iterable[Observation]:
        raise SystemExit(3)

    reader = InMemoryMetricReader()
    meter = METERS[recorder](metric_readers=[reader]).get_meter("m")
    meter.create_observable_gauge("broken", [leave])
    meter.create_observable_gauge("sound", [lambda _options: [Observation(7)]])
    assert points_of(reader.get_metrics_data())["sound"][()].value == 7


class AskedSampler(Sampler):
    def __init__(self) -> None:
        self.states: list[TraceState | None] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: Any,
        name: Any,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        self.states.append(trace_state)
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "asked"


@correction(8, official="the sampler was not told")
def test_the_trace_state_of_the_caller_reaches_the_sampler(recorder: str) -> None:
    sampler = AskedSampler()
    tracer = TRACERS[recorder](sampler=sampler).get_tracer("t")
    tracer.start_span("work", context=trace.set_span_in_context(NonRecordingSpan(REMOTE))).end()
    assert sampler.states == [REMOTE.trace_state], "the sampler was not told"


@correction(8, official="the link says nothing of it|no flags")
def test_a_link_carries_state_and_flags_to_the_receiver(recorder: str) -> None:
    with http_receiver() as receiver, stack(recorder, receiver.url) as under_test:
        under_test.tracer.start_span("work", links=[Link(REMOTE)]).end()
        assert under_test.flush(10.0)
        (span,) = receiver.spans()
        assert span.flags & 0xFF, "no flags"
        (link,) = span.links
        assert (link.trace_state, link.flags & 0xFF) == ("vendor=value", 1), "the link says nothing of it"


@correction(9, official="the first attribute is gone")
def test_at_its_limit_a_span_keeps_what_it_was_started_with(recorder: str) -> None:
    ended: list[Any] = []
    limits = SpanLimits(max_span_attributes=2, max_events=1, max_links=1)
    tracer = TRACERS[recorder](ended.append, span_limits=limits).get_tracer("t")
    span = tracer.start_span("work", attributes={"http.route": "/"}, links=[Link(REMOTE)])
    for number in range(3):
        span.set_attribute(f"late {number}", number)
        span.add_event(f"event {number}")
        span.add_link(REMOTE, {"late": number})
    span.end()
    assert ended[0].attributes.get("http.route") == "/", "the first attribute is gone"
    assert [event.name for event in ended[0].events] == ["event 0"]
    assert [dict(link.attributes or {}) for link in ended[0].links] == [{}]
    assert (ended[0].dropped_attributes, ended[0].dropped_events, ended[0].dropped_links) == (2, 2, 3)


@correction(9, official="without a value")
def test_an_attribute_of_none_is_not_sent(recorder: str) -> None:
    with http_receiver() as receiver, stack(recorder, receiver.url) as under_test:
        attributes: Any = {"nothing": None, "nested": {"list": [1, None]}}
        under_test.tracer.start_span("work", attributes=attributes).end()
        assert under_test.flush(10.0)
        (span,) = receiver.spans()
        assert [attribute.key for attribute in span.attributes] == ["nested"], "an attribute without a value"
        assert span.dropped_attributes_count == 0


@pytest.mark.parametrize("recorder", ["native", "official"])
def test_one_name_in_two_scopes_keeps_the_labels_of_each(recorder: str) -> None:
    """The official exporter has learnt it; both must pass."""

    def record(provider: Any) -> None:
        provider.get_meter("first").create_counter("calls").add(1, {"route": "/"})
        provider.get_meter("second").create_counter("calls").add(2, {"queue": "q"})

    lines = [line for line in prometheus_text(recorder, record).splitlines() if line.startswith("calls_total{")]
    assert len(lines) == 2
    for line in lines:
        assert ("route=" in line) != ("queue=" in line)


@correction(10, raises=Exception, official="Incorrect merge scale")
def test_an_exponential_histogram_never_breaks_a_scrape(recorder: str) -> None:
    reader = InMemoryMetricReader()
    few = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation(max_size=2))
    meter = METERS[recorder](metric_readers=[reader], views=[few]).get_meter("m")
    sizes, calls = meter.create_histogram("sizes"), meter.create_counter("calls")
    for size in (0, 5):
        sizes.record(size)
        calls.add(1)
        points = points_of(reader.get_metrics_data())
    assert (points["sizes"][()].count, points["calls"][()].value) == (2, 2)


@correction(10, raises=AttributeError, official="ExponentialHistogramDataPoint")
def test_an_exponential_histogram_is_shown_to_prometheus(recorder: str) -> None:
    def record(provider: Any) -> None:
        provider.get_meter("m").create_histogram("sizes").record(5)

    text = prometheus_text(
        recorder, record, View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    )
    assert "\nsizes_count" in text


@correction(10, raises=AttributeError, official="remove")
def test_a_series_of_a_gauge_can_be_removed(recorder: str) -> None:
    reader = InMemoryMetricReader()
    gauge: Any = METERS[recorder](metric_readers=[reader]).get_meter("m").create_gauge("depth")
    gauge.set(1, {"queue": "gone"})
    gauge.set(2, {"queue": "there"})
    gauge.remove({"queue": "gone"})
    assert set(points_of(reader.get_metrics_data())["depth"]) == {(("queue", "there"),)}


@pytest.mark.parametrize("recorder", ["native", "official"])
def test_beyond_the_limit_of_series_sums_are_kept(recorder: str) -> None:
    """The official SDK has learnt it; both must pass."""
    reader = InMemoryMetricReader()
    calls = METERS[recorder](metric_readers=[reader]).get_meter("m").create_counter("calls")
    for number in range(2500):
        calls.add(2, {"user": number})
    points = points_of(reader.get_metrics_data())["calls"]
    assert points[("otel.metric.overflow", True),].value == 2 * (2500 - len(points) + 1)
    assert sum(point.value for point in points.values()) == 5000


def test_every_correction_has_a_body_and_every_row_its_correction() -> None:
    for module in (test_corrections_delivery, test_corrections_processes):
        assert module.__doc__
    assert set(range(1, 12)) == COVERED
    assert {row.number for row in CORRECTIONS} - {None} <= COVERED
