"""The hand-off from the SDK to the pipeline: spans that are sampled, logs as they were, metrics when asked."""

from __future__ import annotations

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult

from heliograph.recording.official.handoff import LogHandoff, MetricHandoff, SpanHandoff, cardinality_limits, data_points
from tests.support.recorded import points_of


class RecordOnly(Sampler):
    """Spans that processors see and exporters must not."""

    def should_sample(self, *_arguments, **_options):
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self):
        return "record only"


def tracer(kept, sampler=None):
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SpanHandoff(kept.append))
    return provider.get_tracer("test")


@pytest.fixture
def log_handoff():
    kept = []
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(LogHandoff(kept.append))
    return provider.get_logger("test"), kept


@pytest.fixture
def metric_handoff():
    kept = []
    reader = MetricHandoff(kept.append, cardinality_limit=10)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    yield provider.get_meter("test"), reader, kept
    provider.shutdown()


def test_a_span_is_handed_over_once_when_it_ends():
    kept = []
    span = tracer(kept).start_span("work")
    assert kept == []
    span.end()
    span.end()
    assert [item.name for item in kept] == ["work"]


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, RecordOnly()], ids=["dropped", "record only"])
def test_a_span_that_is_not_sampled_is_not_handed_over(sampler):
    kept = []
    tracer(kept, sampler).start_span("work").end()
    assert kept == []


def test_a_span_handed_over_does_not_change_any_more():
    kept = []
    span = tracer(kept).start_span("work", attributes={"a": 1})
    span.end()
    span.set_attribute("a", 2)
    span.update_name("other")
    assert (kept[0].name, kept[0].attributes["a"]) == ("work", 1)


def test_a_log_record_handed_over_does_not_change_when_its_maker_uses_it_again(log_handoff):
    logger, kept = log_handoff
    record = LogRecord(body="first", attributes={"n": 1}, event_name="one")
    logger.emit(record)
    record.body, record.attributes, record.event_name = "second", {"n": 2}, "two"
    logger.emit(record)
    seen = [(item.log_record.body, item.log_record.attributes["n"], item.log_record.event_name) for item in kept]
    assert seen == [("first", 1, "one"), ("second", 2, "two")]


def test_a_log_record_is_handed_over_with_its_resource_and_scope(log_handoff):
    logger, kept = log_handoff
    logger.emit(LogRecord(body="x"))
    assert kept[0].instrumentation_scope.name == "test"
    assert "service.name" in kept[0].resource.attributes


def test_metrics_are_handed_over_when_somebody_collects(metric_handoff):
    meter, reader, kept = metric_handoff
    meter.create_counter("c").add(2)
    assert kept == []
    reader.collect()
    assert points_of(kept[0])["c"][()].value == 2


def test_a_collection_without_data_points_is_not_handed_over(metric_handoff):
    meter, reader, kept = metric_handoff
    reader.collect()
    meter.create_counter("c")
    reader.collect()
    assert kept == []


def test_a_collection_weighs_its_data_points(metric_handoff):
    meter, reader, kept = metric_handoff
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    meter.create_observable_gauge("o", [lambda _options: [Observation(1, {"n": n}) for n in range(4)]])
    for n in range(3):
        counter.add(1, {"n": n})
    histogram.record(1)
    reader.collect()
    assert data_points(kept[0]) == 3 + 1 + 4


def test_attribute_sets_beyond_the_limit_are_folded_into_one(metric_handoff):
    meter, reader, kept = metric_handoff
    counter = meter.create_counter("c")
    for n in range(1000):
        counter.add(1, {"n": n})
    reader.collect()
    points = points_of(kept[0])["c"]
    assert len(points) == 10 + 1
    assert sum(point.value for point in points.values()) == 1000
    assert points[(("otel.metric.overflow", True),)].value == 990


def test_the_limit_holds_for_every_kind_of_instrument():
    assert set(cardinality_limits(7).values()) == {7}
    assert len(cardinality_limits(7)) == 6


def test_a_reader_whose_callback_raises_still_hands_over_the_rest(metric_handoff, caplog):
    meter, reader, kept = metric_handoff

    def broken(_options):
        raise RuntimeError("broken")

    meter.create_observable_gauge("broken", [broken])
    meter.create_counter("c").add(1)
    reader.collect()
    assert set(points_of(kept[0])) == {"c"}
