"""Spans as context managers and decorators, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import INVALID_SPAN, Link, SpanContext, SpanKind, StatusCode, TraceFlags

from heliograph.recording.calls.spans import Spans, SpanScope
from heliograph.recording.mishaps import Mishaps
from tests.support.recorded import RECORDERS, RecordedSpans


class UnshowableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


def fail(error):
    raise error


class Failing(SpanProcessor):
    def __init__(self, moment: str) -> None:
        self._moment = moment

    def on_start(self, span, parent_context=None):
        if self._moment == "start":
            raise RuntimeError("on_start fails")

    def on_end(self, span):
        if self._moment == "end":
            raise RuntimeError("on_end fails")


@pytest.fixture(params=RECORDERS)
def recorded(request):
    return RecordedSpans(recorder=request.param)


def test_a_with_block_is_one_span_that_is_current_inside_it_only(recorded):
    before = trace.get_current_span()
    with recorded.scope("work") as span:
        assert trace.get_current_span() is span
        assert recorded.finished == []
    assert trace.get_current_span() is before
    assert recorded.names() == ["work"]


def test_attributes_kind_and_links_are_those_that_were_given(recorded):
    linked = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with recorded.scope("work", {"a": 1, "b": ["x", "y"]}, SpanKind.CLIENT, [Link(linked)]):
        pass
    span = recorded.named("work")
    assert dict(span.attributes) == {"a": 1, "b": ("x", "y")}
    assert span.kind is SpanKind.CLIENT
    assert [link.context for link in span.links] == [linked]


@pytest.mark.parametrize(("kind", "kept"), [("lamp", {"kind": "lamp"}), (3, {"kind": 3}), (None, {})])
def test_a_kind_that_is_none_is_an_attribute(recorded, kind, kept):
    with recorded.scope("work", {"a": 1}, kind):
        pass
    with recorded.scope("other work", {"kind": "given"}, kind):
        pass
    assert dict(recorded.named("work").attributes) == {"a": 1, **kept}
    assert dict(recorded.named("other work").attributes) == {"kind": "given"}
    assert {span.kind for span in recorded.finished} == {SpanKind.INTERNAL}
    assert recorded.mishaps.counts() == ({"span.kind": 2} if kept else {})


def test_a_block_inside_a_block_is_its_child(recorded):
    with recorded.scope("outer"), recorded.scope("inner"):
        pass
    with recorded.scope("next"):
        pass
    assert recorded.parents() == {"outer": None, "inner": "outer", "next": None}


def test_one_scope_can_be_entered_again_inside_itself_and_after(recorded):
    scope = recorded.scope("again")
    with scope, scope:
        pass
    with scope:
        pass
    inner, outer, third = recorded.finished
    assert inner.parent.span_id == outer.context.span_id
    assert third.parent is None


def test_an_exception_that_leaves_the_block_is_recorded_and_goes_on_unchanged(recorded):
    error = ValueError("broken")
    with pytest.raises(ValueError, match="broken") as caught, recorded.scope("work"):
        raise error
    assert caught.value is error
    span = recorded.named("work")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: broken")
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.message"] == "broken"


def test_an_exception_caught_inside_the_block_is_no_failure(recorded):
    with recorded.scope("work"), contextlib.suppress(ValueError):
        fail(ValueError())
    assert recorded.named("work").status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_an_exit_or_a_cancellation_is_no_failure(recorded, kind):
    with pytest.raises(kind), recorded.scope("work"):
        raise kind
    span = recorded.named("work")
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()


def test_an_exception_that_cannot_be_shown_still_fails_the_span_and_goes_on(recorded):
    with pytest.raises(UnshowableError), recorded.scope("work"):
        raise UnshowableError
    assert recorded.named("work").status.status_code is StatusCode.ERROR


def test_a_status_that_the_block_set_to_ok_stays(recorded):
    with pytest.raises(ValueError), recorded.scope("work") as span:
        fail(ValueError(span.set_status(StatusCode.OK)))
    assert recorded.named("work").status.status_code is StatusCode.OK


def test_a_span_ended_inside_its_block_is_recorded_once(recorded):
    with recorded.scope("work") as span:
        span.end()
    assert recorded.names() == ["work"]


def test_a_decorated_function_stays_itself(recorded):
    @recorded.scope("work")
    def add(left: int, right: int = 2) -> int:
        """Add."""
        return left + right

    assert add(1, right=4) == 5
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert str(inspect.signature(add)) == "(left: 'int', right: 'int' = 2) -> 'int'"
    assert recorded.names() == ["work"]


def test_each_call_has_a_span_of_its_own_also_when_it_calls_itself(recorded):
    @recorded.scope("down")
    def down(steps):
        return steps and down(steps - 1)

    down(2)
    innermost, middle, outermost = recorded.finished
    assert innermost.parent.span_id == middle.context.span_id
    assert middle.parent.span_id == outermost.context.span_id
    assert outermost.parent is None


def test_a_decorated_function_that_raises_fails_its_span(recorded):
    @recorded.scope("work")
    def fail():
        raise KeyError("k")

    with pytest.raises(KeyError):
        fail()
    assert recorded.named("work").status.status_code is StatusCode.ERROR


def test_a_decorated_function_called_by_many_threads_at_once_gives_unrelated_spans(recorded):
    together = threading.Barrier(8)

    @recorded.scope("work")
    def work():
        together.wait(5)
        return trace.get_current_span().get_span_context().span_id

    with ThreadPoolExecutor(8) as pool:
        ids = {future.result() for future in [pool.submit(work) for _ in range(8)]}
    assert len(ids) == 8
    assert all(span.parent is None for span in recorded.finished)


def test_a_decorated_method_gets_its_object(recorded):
    class Shop:
        name = "shop"

        @recorded.scope("method")
        def own(self):
            return self.name

        @staticmethod
        @recorded.scope("static")
        def static():
            return "static"

        @classmethod
        @recorded.scope("class")
        def of_class(cls):
            return cls.__name__

    shop = Shop()
    assert (shop.own(), shop.static(), shop.of_class()) == ("shop", "static", "Shop")
    assert recorded.names() == ["method", "static", "class"]


def _plain():
    return 1


def _generator():
    yield 1


async def _coroutine():
    return 1


async def _async_generator():
    yield 1


@pytest.mark.parametrize("function", [_plain, _generator, _coroutine, _async_generator])
@pytest.mark.parametrize(
    "is_kind",
    [inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction, asyncio.iscoroutinefunction],
)
def test_a_decorated_function_is_of_the_kind_that_it_was(recorded, function, is_kind):
    assert is_kind(recorded.scope("work")(function)) is is_kind(function)


def test_a_partial_of_a_coroutine_function_is_awaited_inside_its_span(recorded):
    async def work(value):
        await asyncio.sleep(0)
        assert trace.get_current_span().is_recording()
        return value

    traced = recorded.scope("work")(functools.partial(work, 3))
    assert asyncio.run(traced()) == 3
    assert recorded.names() == ["work"]


def test_a_coroutine_has_its_span_across_awaits_and_concurrent_ones_do_not_mix(recorded):
    @recorded.scope("child")
    async def child():
        await asyncio.sleep(0)

    async def parent(name):
        async with recorded.scope(name) as span:
            await asyncio.sleep(0)
            await child()
            assert trace.get_current_span() is span
            return span.get_span_context().span_id

    async def both():
        return await asyncio.gather(parent("left"), parent("right"))

    left, right = asyncio.run(both())
    children = [span for span in recorded.finished if span.name == "child"]
    assert {span.parent.span_id for span in children} == {left, right}


def test_a_cancelled_coroutine_ends_its_span_without_failure(recorded):
    entered = asyncio.Event()

    @recorded.scope("work")
    async def work():
        entered.set()
        await asyncio.sleep(60)

    async def cancel():
        task = asyncio.create_task(work())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert recorded.named("work").status.status_code is StatusCode.UNSET


def test_a_timeout_fails_the_span_around_it_and_not_the_one_it_cancels(recorded):
    async def work():
        with recorded.scope("around"):
            async with asyncio.timeout(0.01):
                with recorded.scope("cancelled"):
                    await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(work())
    assert recorded.named("cancelled").status.status_code is StatusCode.UNSET
    assert recorded.named("around").status.status_code is StatusCode.ERROR
    assert recorded.parent_of("cancelled") == "around"


def test_a_coroutine_that_is_thrown_away_before_it_starts_makes_no_span(recorded):
    @recorded.scope("work")
    async def work():
        pass

    work().close()
    assert recorded.finished == []


def test_a_block_left_in_another_context_than_it_was_entered_in_ends_its_span_without_a_word(recorded, caplog):
    # Frameworks enter and leave a dependency on different threads, each in a copy of the request's context.
    scope = recorded.scope("work")
    contextvars.copy_context().run(scope.__enter__)
    contextvars.copy_context().run(scope.__exit__, None, None, None)
    assert recorded.names() == ["work"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_tracer_that_raises_costs_the_span_and_not_the_block(caplog):
    def no_tracer():
        raise RuntimeError("no tracer")

    mishaps = Mishaps()
    with SpanScope(Spans(no_tracer, mishaps), "work", {}, SpanKind.INTERNAL, ()) as span:
        assert span is INVALID_SPAN
    assert mishaps.counts() == {"span.start": 1}


@pytest.mark.parametrize(
    ("recorder", "moment", "counted"),
    [
        ("native", "start", "span processor"),
        ("native", "end", "span processor"),
        ("opentelemetry-sdk", "start", "span.start"),
        ("opentelemetry-sdk", "end", "span.end"),
    ],
)
def test_a_processor_that_raises_is_counted_and_the_block_goes_on(recorder, moment, counted):
    recorded = RecordedSpans(Failing(moment), recorder=recorder)
    before = trace.get_current_span()
    with recorded.scope("work"):
        pass
    assert recorded.mishaps.counts() == {counted: 1}
    assert trace.get_current_span() is before


def test_a_name_that_is_a_function_is_refused_where_it_decorates(recorded):
    with pytest.raises(TypeError, match=r"decorate with @telemetry\.trace"):
        recorded.scope(_plain)


def test_an_attribute_that_cannot_be_recorded_costs_itself_and_not_the_trace(recorded):
    with recorded.scope("outer", {"good": 1, "bad": UnshowableError()}), recorded.scope("inner"):
        pass
    assert recorded.parents() == {"outer": None, "inner": "outer"}
