"""The hand-off from the SDK to the pipeline: spans that are sampled, logs as they were."""

from __future__ import annotations

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult

from heliograph.recording.official.handoff import LogHandoff, SpanHandoff


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
