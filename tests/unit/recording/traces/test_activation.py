"""``start_as_current_span``: a context manager, an asynchronous one, a decorator; its span is current inside only."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import StatusCode

from heliograph.recording import TracerProvider


@pytest.fixture
def ended():
    return []


@pytest.fixture
def tracer(ended):
    return TracerProvider(shutdown_on_exit=False, accept=ended.append).get_tracer("test")


def test_the_span_is_current_inside_the_block_and_what_was_before_outside(tracer, ended):
    token = context.attach(baggage.set_baggage("a", 1))
    try:
        before = context.get_current()
        with tracer.start_as_current_span("work") as span:
            assert trace.get_current_span() is span
            assert baggage.get_baggage("a") == 1
            assert isinstance(context.get_current(), context.Context)
            with pytest.raises(ValueError):
                context.get_current()["a"] = 1
        assert context.get_current() is before
    finally:
        context.detach(token)
    assert ended == [span]


def test_a_span_starts_where_the_block_begins_not_where_it_is_written(tracer):
    activation = tracer.start_as_current_span("work")
    with tracer.start_as_current_span("other") as other, activation as span:
        assert span.parent == other.context


def test_an_error_that_leaves_the_block_is_recorded_and_goes_on(tracer, ended):
    with pytest.raises(ValueError, match="why"), tracer.start_as_current_span("work"):
        raise ValueError("why")
    assert (ended[0].status.status_code, ended[0].status.description) == (StatusCode.ERROR, "ValueError: why")
    assert ended[0].events[0].attributes["exception.escaped"] == "False"


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, SystemExit, KeyboardInterrupt])
def test_what_is_no_error_is_not_recorded_as_one(tracer, ended, error):
    with pytest.raises(error), tracer.start_as_current_span("work"):
        raise error
    assert (ended[0].status.status_code, ended[0].events) == (StatusCode.UNSET, ())


@pytest.mark.parametrize("record_exception", [True, False])
@pytest.mark.parametrize("set_status", [True, False])
@pytest.mark.parametrize("end_on_exit", [True, False])
def test_each_option_switches_one_thing(tracer, ended, record_exception, set_status, end_on_exit):
    with (
        pytest.raises(ValueError, match="why"),
        tracer.start_as_current_span(
            "work", record_exception=record_exception, set_status_on_exception=set_status, end_on_exit=end_on_exit
        ) as span,
    ):
        raise ValueError("why")
    assert len(span.events) == record_exception
    assert (span.status.status_code is StatusCode.ERROR) == set_status
    assert len(ended) == end_on_exit
    assert span.is_recording() != end_on_exit


def test_a_decorated_function_has_a_span_for_each_call(tracer, ended):
    @tracer.start_as_current_span("call", attributes={"a": 1})
    def double(number):
        """Twice as much."""
        return number * 2

    assert [double(1), double(2)] == [2, 4]
    assert (double.__name__, double.__doc__) == ("double", "Twice as much.")
    assert [(span.name, dict(span.attributes)) for span in ended] == [("call", {"a": 1})] * 2
    assert ended[0].context.span_id != ended[1].context.span_id


def test_a_decorated_function_that_calls_itself_has_nested_spans(tracer, ended):
    @tracer.start_as_current_span("call")
    def count(number):
        return number and count(number - 1)

    count(2)
    assert [span.parent.span_id if span.parent else None for span in ended] == [
        ended[1].context.span_id,
        ended[2].context.span_id,
        None,
    ]


def test_a_decorated_coroutine_function_has_its_span_until_it_is_done(tracer, ended):
    @tracer.start_as_current_span("call")
    async def wait():
        await asyncio.sleep(0.02)
        return trace.get_current_span()

    assert inspect.iscoroutinefunction(wait)
    current = asyncio.run(wait())
    assert ended == [current]
    assert current.end_time - current.start_time > 10**7


def test_a_decorated_generator_has_its_span_from_the_first_item_to_the_last(tracer, ended):
    @tracer.start_as_current_span("items")
    def items():
        yield trace.get_current_span()
        yield trace.get_current_span()

    found = []
    for span in items():
        assert trace.get_current_span() is trace.INVALID_SPAN
        found.append(span)
    assert found == [ended[0]] * 2


def test_a_decorated_asynchronous_generator_too(tracer, ended):
    @tracer.start_as_current_span("items")
    async def items():
        yield trace.get_current_span()

    async def main():
        return [span async for span in items()]

    assert asyncio.run(main()) == ended


def test_an_asynchronous_block(tracer, ended):
    async def main():
        async with tracer.start_as_current_span("work") as span:
            assert trace.get_current_span() is span
        raise_in = tracer.start_as_current_span("failing")
        with pytest.raises(ValueError, match="why"):
            async with raise_in:
                raise ValueError("why")

    asyncio.run(main())
    assert [(span.name, span.status.status_code) for span in ended] == [
        ("work", StatusCode.UNSET),
        ("failing", StatusCode.ERROR),
    ]


def test_tasks_that_run_at_the_same_time_have_their_own_current_spans(tracer, ended):
    async def work(name):
        with tracer.start_as_current_span(name) as span:
            await asyncio.sleep(0)
            assert trace.get_current_span() is span

    async def main():
        with tracer.start_as_current_span("all"):
            await asyncio.gather(*(work(str(n)) for n in range(5)))

    asyncio.run(main())
    whole = ended[-1]
    assert [span.parent for span in ended[:-1]] == [whole.context] * 5


def test_a_block_that_is_left_in_another_context_leaves_no_trace_and_no_complaint(tracer, ended, caplog):
    caplog.set_level(logging.DEBUG)

    def body():
        with tracer.start_as_current_span("work"):
            yield

    generator = body()
    contextvars.copy_context().run(next, generator)
    with pytest.raises(StopIteration):
        next(generator)
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert [span.name for span in ended] == ["work"]
    assert caplog.records == []
