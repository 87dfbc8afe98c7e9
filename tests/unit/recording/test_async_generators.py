"""Async generators in a span: current while the body runs, also across cancellation, tasks and garbage collection."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from tests.support.recorded import RECORDERS, RecordedSpans


@pytest.fixture(params=RECORDERS)
def recorded(request):
    return RecordedSpans(recorder=request.param)


def current_name():
    return getattr(trace.get_current_span(), "name", None)


async def adder(starts=None):
    """Adds what is sent; answers KeyError with -1; ends at "stop"; fails at "fail". Notes that it started in ``starts``."""
    total = 0
    if starts is not None:
        starts.append(1)
    while True:
        try:
            got = yield total
        except KeyError:
            total = -1
            continue
        await asyncio.sleep(0)
        if got == "stop":
            return
        if got == "fail":
            raise ValueError(got)
        total += got or 0


async def outcome_of(step, generator):
    act, value = step
    try:
        if act == "next":
            return ("item", await anext(generator))
        if act == "send":
            return ("item", await generator.asend(value))
        if act == "throw":
            return ("item", await generator.athrow(value))
        return ("closed", await generator.aclose())
    except (Exception, GeneratorExit, asyncio.CancelledError) as error:
        return ("raise", type(error), str(error))


STEPS = st.one_of(
    st.just(("next", None)),
    st.tuples(st.just("send"), st.sampled_from([None, 1, 5, "stop", "fail", "wrong type"])),
    st.tuples(
        st.just("throw"),
        st.sampled_from([KeyError("k"), LookupError("l"), StopAsyncIteration("s"), asyncio.CancelledError(), GeneratorExit()]),
    ),
    st.just(("close", None)),
)


@given(steps=st.lists(STEPS, max_size=12))
def test_an_async_generator_in_a_span_answers_every_step_as_the_bare_one_does(steps):
    recorded = RecordedSpans()

    async def compare():
        starts = []
        bare, traced = adder(), recorded.scope("work")(adder)(starts)
        before = trace.get_current_span()
        for step in steps:
            assert await outcome_of(step, traced) == await outcome_of(step, bare)
            assert trace.get_current_span() is before
        await traced.aclose()
        await bare.aclose()
        assert len(recorded.finished) == len(starts)

    asyncio.run(compare())


def test_the_span_is_current_in_the_body_and_not_in_the_consumer(recorded):
    @recorded.scope("generator")
    async def items():
        with recorded.scope("in body"):
            await asyncio.sleep(0)
        yield current_name()
        async with recorded.scope("inner"):
            yield current_name()
            await asyncio.sleep(0)
            yield current_name()

    async def consume():
        async with recorded.scope("consumer"):
            return [(item, current_name()) async for item in items()]

    assert asyncio.run(consume()) == [(name, "consumer") for name in ("generator", "inner", "inner")]
    assert recorded.parents() == {"in body": "generator", "inner": "generator", "generator": "consumer", "consumer": None}


def test_an_async_generator_that_is_never_asked_for_an_item_makes_no_span(recorded):
    async def forget():
        recorded.scope("work")(adder)()

    asyncio.run(forget())
    assert recorded.finished == []


def test_an_exception_of_the_body_fails_the_span_and_reaches_the_consumer_unchanged(recorded):
    error = ValueError("broken")

    @recorded.scope("work")
    async def items():
        yield 1
        raise error

    async def consume():
        async for _ in items():
            pass

    with pytest.raises(ValueError, match="broken") as caught:
        asyncio.run(consume())
    assert caught.value is error
    assert recorded.named("work").status.status_code is StatusCode.ERROR


def test_a_task_cancelled_while_the_body_waits_ends_all_spans_without_failure(recorded):
    cleaned = []

    @recorded.scope("generator")
    async def items():
        with recorded.scope("inner"):
            yield 1
            try:
                await asyncio.sleep(60)
            finally:
                cleaned.append(current_name())

    async def consume(first):
        async for _ in items():
            first.set()

    async def cancel():
        first = asyncio.Event()
        task = asyncio.create_task(consume(first))
        await first.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert cleaned == ["inner"]
    assert recorded.parents() == {"inner": "generator", "generator": None}
    assert {span.status.status_code for span in recorded.finished} == {StatusCode.UNSET}


def test_a_task_cancelled_while_the_consumer_waits_ends_the_span_once_the_generator_is_closed(recorded):
    async def consume(generator, first):
        async for _ in generator:
            first.set()
            await asyncio.sleep(60)

    async def cancel():
        first = asyncio.Event()
        generator = recorded.scope("work")(adder)()
        task = asyncio.create_task(consume(generator, first))
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert recorded.finished == []
        await generator.aclose()

    asyncio.run(cancel())
    assert recorded.named("work").status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("end", ["forgotten", "left to the loop"])
def test_an_async_generator_left_early_is_cleaned_up_and_its_span_ends(recorded, caplog, end):
    cleaned = []
    kept = []

    @recorded.scope("work")
    async def items(done):
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append(current_name())
            done.set()

    async def leave():
        done = asyncio.Event()
        generator = items(done)
        async for _ in generator:
            break
        if end == "left to the loop":
            kept.append(generator)
            return
        del generator
        gc.collect()
        await asyncio.wait_for(done.wait(), 5)

    asyncio.run(leave())
    assert cleaned == ["work"]
    assert recorded.named("work").status.status_code is StatusCode.UNSET
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_async_generator_whose_items_are_fetched_by_other_tasks_keeps_its_own_nesting(recorded, caplog):
    @recorded.scope("generator")
    async def items():
        async with recorded.scope("first"):
            yield 1
        async with recorded.scope("second"):
            yield 2

    async def consume():
        generator = items()
        for _ in range(3):
            await asyncio.create_task(asyncio.wait_for(anext(generator, None), 5))

    asyncio.run(consume())
    assert recorded.parents() == {"first": "generator", "second": "generator", "generator": None}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_concurrent_consumers_of_one_decorated_function_do_not_mix(recorded):
    @recorded.scope("generator")
    async def items(name):
        with recorded.scope(name):
            for _ in range(3):
                await asyncio.sleep(0)
                yield current_name()

    async def consume(name):
        async with recorded.scope(f"consumer of {name}"):
            return [item async for item in items(name)]

    async def both():
        return await asyncio.gather(consume("left"), consume("right"))

    assert asyncio.run(both()) == [["left"] * 3, ["right"] * 3]
