"""The native logger: what an emit hands over, what processors may change, and that nothing in it raises."""

from __future__ import annotations

import time
import warnings

import pytest
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.traces.provider import TracerProvider
from tests.support.hostile import HOSTILE, RaisesAlways, RaisingMapping, RaisingSequence

REMOTE = NonRecordingSpan(SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1)))


class Recorded:
    """A native logger and what it handed over."""

    def __init__(self, *processors, **options):
        self.items = []
        self.mishaps = Mishaps()
        self.provider = LoggerProvider(shutdown_on_exit=False, accept=self.items.append, mishaps=self.mishaps, **options)
        for processor in processors:
            self.provider.add_log_record_processor(processor)
        self.logger = self.provider.get_logger("app", "1.0")

    def emit(self, *arguments, **fields):
        self.logger.emit(*arguments, **fields)
        return self.only

    @property
    def only(self):
        (item,) = self.items
        return item


class Processor(LogRecordProcessor):
    """Calls a function with each record."""

    def __init__(self, change=lambda record: None):
        self._change = change
        self.seen = []

    def on_emit(self, log_record):
        self.seen.append(log_record)
        self._change(log_record)

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30000):
        return True


def refuse(_record):
    raise RuntimeError("processor")


@pytest.fixture
def recorded():
    return Recorded()


def test_an_emit_hands_over_all_that_it_was_given(recorded):
    item = recorded.emit(
        timestamp=1,
        observed_timestamp=2,
        severity_number=SeverityNumber.WARN3,
        severity_text="loud",
        body="it happened",
        attributes={"a": 1},
        event_name="happened",
    )
    assert (item.timestamp, item.observed_timestamp, item.body, item.event_name) == (1, 2, "it happened", "happened")
    assert (item.severity_number, item.severity_text) == (SeverityNumber.WARN3, "loud")
    assert (item.attributes, item.dropped_attributes) == ({"a": 1}, 0)
    assert (item.instrumentation_scope.name, item.instrumentation_scope.version) == ("app", "1.0")
    assert item.resource is recorded.provider.resource


def test_a_record_is_read_like_one_of_the_sdk(recorded):
    item = recorded.emit(body="x")
    assert (item.log_record.body, item.log_record.trace_id, item.log_record.trace_flags) == ("x", 0, 0)


def test_an_emit_of_nothing_is_a_record_with_the_time_at_which_it_was_seen(recorded):
    before_ns = time.time_ns()
    item = recorded.emit()
    assert before_ns <= item.observed_timestamp <= time.time_ns()
    assert (item.timestamp, item.body, item.attributes) == (None, None, {})


@pytest.mark.parametrize(
    "make_span", [lambda: TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("s"), lambda: REMOTE]
)
def test_the_ids_are_those_of_the_current_span_or_of_the_context_that_was_given(recorded, make_span):
    span = make_span()
    context = span.get_span_context()
    with trace.use_span(span):
        recorded.logger.emit()
        recorded.logger.emit(context=context_api.Context({"other": 1}))
    recorded.logger.emit(context=trace.set_span_in_context(span))
    recorded.logger.emit()
    ids = (context.trace_id, context.span_id, context.trace_flags)
    nothing = (0, 0, 0)
    assert [(item.trace_id, item.span_id, item.trace_flags) for item in recorded.items] == [ids, nothing, ids, nothing]


@pytest.mark.parametrize(
    "span", [object(), RaisesAlways(), None, trace.INVALID_SPAN], ids=["an object", "raises always", "none", "invalid"]
)
def test_a_current_span_that_is_none_costs_no_record(recorded, span):
    item = recorded.emit(context=context_api.set_value(trace.propagation._SPAN_KEY, span))
    assert item.span_ids == (0, 0, 0)
    assert recorded.mishaps.counts() == {}


def test_a_foreign_span_that_raises_costs_no_record(recorded):
    class Broken(NonRecordingSpan):
        def get_span_context(self):
            raise RuntimeError("no context")

    assert recorded.emit(context=trace.set_span_in_context(Broken(trace.INVALID_SPAN_CONTEXT))).span_ids == (0, 0, 0)


def test_what_the_application_changes_afterwards_is_not_changed_in_the_record(recorded):
    body, attributes = {"a": [1]}, {"list": [1], "text": "x"}
    item = recorded.emit(body=body, attributes=attributes)
    body["a"].append(2)
    attributes["list"].append(2)
    attributes["text"] = "y"
    assert item.body == {"a": (1,)}
    assert item.attributes == {"list": (1,), "text": "x"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_is_recorded_somehow_and_raises_nothing(recorded, name):
    make = HOSTILE[name]
    recorded.logger.emit(body=make(), attributes={"good": 1, "bad": make()})
    recorded.logger.emit(attributes=make())
    recorded.logger.emit(severity_text=make(), event_name=make(), timestamp=make())
    recorded.logger.emit(LogRecord(body=make(), attributes={"good": 1, "bad": make()}, timestamp=make()))
    assert len(recorded.items) == 4
    assert [item.attributes["good"] for item in recorded.items if item.body is not None] == [1] * 2


@pytest.mark.parametrize("body", [RaisingSequence(), RaisingMapping()], ids=["sequence", "mapping"])
def test_a_body_that_cannot_be_read_becomes_text(recorded, body):
    assert isinstance(recorded.emit(body=body).body, str)


def test_attributes_beyond_the_limits_are_dropped_newest_first_and_counted():
    recorded = Recorded(log_record_limits=LogRecordLimits(max_log_record_attributes=2, max_log_record_attribute_length=3))
    item = recorded.emit(attributes={"a": "abcdef", "b": 1, "c": 2, "d": 3})
    assert (item.attributes, item.dropped_attributes) == ({"a": "abc", "b": 1}, 2)


def test_without_limits_given_128_attributes_are_kept(recorded):
    item = recorded.emit(attributes={f"a{number}": number for number in range(130)})
    assert (len(item.attributes), item.dropped_attributes) == (128, 2)


def test_an_exception_becomes_attributes_and_those_that_were_given_stay(recorded):
    item = recorded.emit(exception=ValueError("broken"), attributes={"exception.message": "mine", "a": 1})
    assert item.attributes["exception.type"] == "ValueError"
    assert item.attributes["exception.message"] == "mine"
    assert "ValueError: broken" in item.attributes["exception.stacktrace"]
    assert item.attributes["a"] == 1


def test_an_exception_that_cannot_be_shown_costs_no_record(recorded):
    class UnshowableError(Exception):
        def __str__(self):
            raise RuntimeError("cannot be shown")

    item = recorded.emit(LogRecord(body="x", exception=UnshowableError()))
    assert item.attributes["exception.type"].endswith("UnshowableError")


def test_a_record_of_the_api_keeps_its_own_ids(recorded):
    with trace.use_span(REMOTE):
        record = LogRecord(body="x", attributes={"a": 1})
    item = recorded.emit(record)
    assert (item.span_ids, item.attributes, item.body) == ((5, 6, 1), {"a": 1}, "x")


def test_a_record_of_the_sdk_keeps_its_resource_and_its_scope(recorded):
    resource, scope = Resource({"service.name": "other"}), InstrumentationScope("other")
    item = recorded.emit(ReadWriteLogRecord(LogRecord(body="x"), resource, scope))
    assert (item.resource, item.instrumentation_scope) == (resource, scope)


def test_what_is_no_record_at_all_raises_nothing_and_is_counted(recorded):
    recorded.logger.emit("no record")
    assert recorded.items == []
    assert recorded.mishaps.counts() == {"log": 1}


def test_a_processor_sees_a_record_of_the_sdk_before_it_is_handed_over():
    order = []
    processor = Processor(lambda record: order.append("processor"))
    provider = LoggerProvider(shutdown_on_exit=False, accept=lambda item: order.append("accept"))
    provider.add_log_record_processor(processor)
    provider.get_logger("app", "1.0").emit(body="x", attributes={"a": 1}, context=trace.set_span_in_context(REMOTE))
    (seen,) = processor.seen
    assert order == ["processor", "accept"]
    assert isinstance(seen, ReadWriteLogRecord)
    assert (seen.log_record.body, dict(seen.log_record.attributes)) == ("x", {"a": 1})
    assert (seen.log_record.trace_id, seen.log_record.span_id, seen.log_record.trace_flags.sampled) == (5, 6, True)
    assert trace.get_current_span(seen.log_record.context) is REMOTE
    assert (seen.resource, seen.instrumentation_scope.name) == (provider.resource, "app")


def test_what_a_processor_changes_is_what_is_handed_over():
    def change(record):
        record.log_record.attributes["added"] = [1]
        del record.log_record.attributes["secret"]
        record.log_record.body = {"redacted": True}
        record.log_record.severity_text = "changed"

    item = Recorded(Processor(change)).emit(body="x", attributes={"secret": 1, "a": 2})
    assert item.attributes == {"a": 2, "added": (1,)}
    assert (item.body, item.severity_text) == ({"redacted": True}, "changed")


def test_a_processor_may_put_another_mapping_in_place_of_the_attributes():
    item = Recorded(Processor(lambda record: setattr(record.log_record, "attributes", {"b": 2}))).emit(attributes={"a": 1})
    assert item.attributes == {"b": 2}


def test_what_was_dropped_before_a_processor_saw_it_is_still_counted_and_warns_nobody():
    processor = Processor()
    recorded = Recorded(processor, log_record_limits=LogRecordLimits(max_log_record_attributes=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        item = recorded.emit(attributes={"a": 1, "b": 2})
    assert (item.attributes, item.dropped_attributes, processor.seen[0].dropped_attributes) == ({"a": 1}, 1, 1)
    assert isinstance(processor.seen[0].log_record.attributes, BoundedAttributes)


def test_a_processor_that_raises_costs_neither_its_sibling_nor_the_record():
    sibling = Processor()
    recorded = Recorded(Processor(refuse), sibling)
    assert recorded.emit(body="x").body == "x"
    assert [seen.log_record.body for seen in sibling.seen] == ["x"]
    assert recorded.mishaps.counts() == {"log processor": 1}


@pytest.mark.parametrize("field", ["attributes", "body", "timestamp", "trace_id"])
def test_a_processor_that_breaks_the_record_does_not_cost_it(field):
    recorded = Recorded(Processor(lambda record: delattr(record.log_record, field)))
    assert recorded.emit(body="x", attributes={"a": 1}).attributes == {"a": 1}
    assert sum(recorded.mishaps.counts().values()) == 1


@pytest.mark.parametrize("as_record", [False, True])
def test_an_accept_that_raises_does_not_raise_into_the_application(as_record):
    mishaps = Mishaps()
    logger = LoggerProvider(shutdown_on_exit=False, accept=refuse, mishaps=mishaps).get_logger("app")
    logger.emit(LogRecord(body="x")) if as_record else logger.emit(body="x")
    assert mishaps.counts() == {"log": 1}


class Choosy(Processor):
    """Is enabled for warnings of one scope."""

    def enabled(self, *, context=None, instrumentation_scope=None, severity_number=None, event_name=None):
        return instrumentation_scope.name == "app" and severity_number is SeverityNumber.WARN


class Undecided(Processor):
    """Cannot say whether it is enabled."""

    def enabled(self, **_options):
        raise RuntimeError("enabled")


@pytest.mark.parametrize(
    ("processors", "is_taken", "severity", "expected"),
    [
        ((), True, None, True),
        ((), False, None, False),
        ((Processor(),), False, None, True),
        ((Choosy(),), False, SeverityNumber.WARN, True),
        ((Choosy(),), False, SeverityNumber.INFO, False),
        ((Choosy(), Processor()), False, SeverityNumber.INFO, True),
        ((Undecided(),), False, None, True),
        ((Choosy(),), True, SeverityNumber.INFO, True),
    ],
)
def test_a_logger_is_enabled_when_anybody_would_take_the_record(processors, is_taken, severity, expected):
    provider = LoggerProvider(shutdown_on_exit=False, accept=[].append if is_taken else None)
    for processor in processors:
        provider.add_log_record_processor(processor)
    assert provider.get_logger("app").enabled(severity_number=severity) is expected


def test_a_logger_can_be_asked_who_it_is(recorded):
    assert recorded.logger.instrumentation_scope.name == "app"
    assert recorded.logger.resource is recorded.provider.resource
