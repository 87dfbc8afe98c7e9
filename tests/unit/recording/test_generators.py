"""Generators in a span: current while the body runs, and otherwise the generator that it was."""

from __future__ import annotations

import contextvars
import gc
import logging
from concurrent.futures import ThreadPoolExecutor

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


def adder():
    """Adds what is sent; answers KeyError with -1; ends at "stop"; fails at "fail"."""
    total = 0
    while True:
        try:
            got = yield total
        except KeyError:
            total = -1
            continue
        if got == "stop":
            return total
        if got == "fail":
            raise ValueError(got)
        total += got or 0


def stubborn():
    """Does not let itself be closed."""
    while True:
        try:
            yield 1
        except GeneratorExit:
            yield 2


def outcome_of(step, generator):
    act, value = step
    try:
        if act == "next":
            return ("item", next(generator))
        if act == "send":
            return ("item", generator.send(value))
        if act == "throw":
            return ("item", generator.throw(value))
        return ("closed", generator.close())
    except StopIteration as stop:
        return ("return", stop.value)
    except (Exception, GeneratorExit) as error:
        return ("raise", type(error), str(error))


STEPS = st.one_of(
    st.just(("next", None)),
    st.tuples(st.just("send"), st.sampled_from([None, 1, 5, "stop", "fail", "wrong type"])),
    st.tuples(st.just("throw"), st.sampled_from([KeyError("k"), LookupError("l"), StopIteration("s"), GeneratorExit()])),
    st.just(("close", None)),
)


@given(steps=st.lists(STEPS, max_size=12))
def test_a_generator_in_a_span_answers_every_step_as_the_bare_one_does(steps):
    recorded = RecordedSpans()
    bare, traced = adder(), recorded.scope("work")(adder)()
    before = trace.get_current_span()
    has_started = False
    for step in steps:
        outcome = outcome_of(step, bare)
        has_started = has_started or outcome[0] == "item"
        assert outcome_of(step, traced) == outcome
        assert trace.get_current_span() is before
    traced.close()
    assert len(recorded.finished) == has_started


def test_the_span_starts_at_the_first_item_and_ends_with_the_last(recorded):
    @recorded.scope("work")
    def items():
        yield current_name()
        yield current_name()

    generator = items()
    assert current_name() is None
    with recorded.scope("consumer"):
        assert next(generator) == "work"
        assert current_name() == "consumer"
    with recorded.scope("later"):
        assert next(generator) == "work"
    assert recorded.names() == ["consumer", "later"]
    assert next(generator, None) is None
    assert recorded.parents() == {"consumer": None, "later": None, "work": "consumer"}


def test_a_generator_that_is_never_asked_for_an_item_makes_no_span(recorded):
    generator = recorded.scope("work")(adder)()
    generator.close()
    del generator
    gc.collect()
    assert recorded.finished == []


def test_spans_of_the_body_are_children_of_the_generator_and_those_of_the_consumer_are_not(recorded):
    @recorded.scope("generator")
    def items():
        with recorded.scope("in body"):
            pass
        yield

    with recorded.scope("consumer"):
        for _ in items():
            with recorded.scope("in consumer"):
                pass
    assert recorded.parents() == {
        "in body": "generator",
        "in consumer": "consumer",
        "generator": "consumer",
        "consumer": None,
    }


def test_a_span_of_the_body_that_stays_open_across_items_is_current_again_when_the_body_goes_on(recorded):
    @recorded.scope("generator")
    def items():
        with recorded.scope("inner"):
            yield current_name()
            yield current_name()
            with recorded.scope("innermost"):
                yield current_name()
        yield current_name()

    with recorded.scope("consumer"):
        seen = [(item, current_name()) for item in items()]
    assert seen == [(name, "consumer") for name in ("inner", "inner", "innermost", "generator")]
    assert recorded.parent_of("innermost") == "inner"
    assert recorded.parent_of("inner") == "generator"


def test_a_span_that_the_body_leaves_open_does_not_reach_the_consumer(recorded):
    @recorded.scope("generator")
    def items():
        scope = recorded.scope("left open")
        scope.__enter__()
        yield
        yield

    with recorded.scope("consumer"):
        for _ in items():
            assert current_name() == "consumer"
        assert current_name() == "consumer"


def test_interleaved_generators_do_not_mix(recorded):
    @recorded.scope("generator")
    def items(name):
        with recorded.scope(name):
            yield current_name()
            yield current_name()

    assert list(zip(items("left"), items("right"), strict=True)) == [("left", "right")] * 2
    assert current_name() is None
    assert sorted(recorded.names()) == ["generator", "generator", "left", "right"]


def test_a_generator_that_delegates_to_another_is_its_parent_and_gets_its_result(recorded):
    @recorded.scope("inner")
    def inner():
        got = yield 1
        return got * 2

    @recorded.scope("outer")
    def outer():
        return (yield from inner())

    generator = outer()
    assert next(generator) == 1
    with pytest.raises(StopIteration) as stop:
        generator.send(21)
    assert stop.value.value == 42
    assert recorded.parents() == {"inner": "outer", "outer": None}


@pytest.mark.parametrize("end", ["close", "break", "forget"])
def test_a_generator_that_is_left_early_ends_its_span_without_failure(recorded, end):
    cleaned = []

    @recorded.scope("work")
    def items():
        try:
            yield 1
            yield 2
        finally:
            cleaned.append(current_name())

    generator = items()
    if end == "break":
        for _ in generator:
            break
    else:
        next(generator)
    if end == "close":
        generator.close()
    del generator
    gc.collect()
    assert cleaned == ["work"]
    assert recorded.named("work").status.status_code is StatusCode.UNSET


def test_an_exception_of_the_body_fails_the_span_and_reaches_the_consumer_unchanged(recorded):
    error = ValueError("broken")

    @recorded.scope("work")
    def items():
        yield 1
        raise error

    with pytest.raises(ValueError, match="broken") as caught:
        list(items())
    assert caught.value is error
    assert recorded.named("work").status.status_code is StatusCode.ERROR


def test_an_exception_that_the_consumer_throws_fails_the_span_only_when_the_body_lets_it_through(recorded):
    caught = recorded.scope("caught")(adder)()
    next(caught)
    assert caught.throw(KeyError("k")) == -1
    caught.close()
    through = recorded.scope("through")(adder)()
    next(through)
    with pytest.raises(OSError):
        through.throw(OSError("o"))
    assert recorded.named("caught").status.status_code is StatusCode.UNSET
    assert recorded.named("through").status.status_code is StatusCode.ERROR


def test_a_body_that_refuses_to_close_fails_its_span(recorded):
    generator = recorded.scope("work")(stubborn)()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()
    assert recorded.named("work").status.status_code is StatusCode.ERROR
    with pytest.raises(StopIteration):
        next(generator)


def test_wrong_arguments_raise_what_the_bare_generator_raises(recorded):
    with pytest.raises(TypeError, match="positional argument"):
        list(recorded.scope("work")(adder)(1))


@pytest.mark.parametrize("where", ["contexts", "threads"])
def test_a_generator_whose_items_are_fetched_in_other_contexts_keeps_its_own_nesting(recorded, caplog, where):
    # Web frameworks fetch each item of a streamed answer on a thread of a pool, in a copy of the request's context.
    @recorded.scope("generator")
    def items():
        with recorded.scope("first"):
            yield 1
        with recorded.scope("second"):
            yield 2

    generator = items()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            context = contextvars.copy_context()
            if where == "threads":
                pool.submit(context.run, next, generator, None).result(5)
            else:
                context.run(next, generator, None)
    assert recorded.parents() == {"first": "generator", "second": "generator", "generator": None}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
