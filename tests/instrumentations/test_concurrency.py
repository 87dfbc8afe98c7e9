"""threading and asyncio."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both

TRACED = {
    "OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE": "traced,failing,slow",
    "OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE": "in_thread",
    "OTEL_PYTHON_ASYNCIO_FUTURE_TRACE_ENABLED": "true",
}


def test_threads_timers_and_executors_carry_the_current_span_on() -> None:
    recorded = equal_on_both("threads")
    assert recorded.outline() == [
        "alone INTERNAL",
        "uninstrumented INTERNAL",
        "work INTERNAL",
        "  in a thread INTERNAL",
        "  in a timer INTERNAL",
        "first task INTERNAL",
        "  in the executor, first INTERNAL",
        "second task INTERNAL",
        "  in the executor, second INTERNAL",
    ]


def test_coroutines_and_functions_in_threads_have_spans_when_they_are_named() -> None:
    recorded = equal_on_both("coroutines", environ=TRACED)
    assert recorded.facts["outcomes"] == ["first", "second", "no such order", "untraced", "in a thread", "timed out"]
    assert recorded.outline() == [
        "work INTERNAL",
        "  asyncio coro-slow INTERNAL",
        "  asyncio coro-traced INTERNAL",
        "  asyncio coro-traced INTERNAL",
        "  asyncio to_thread-in_thread INTERNAL",
        "  first INTERNAL",
        "  second INTERNAL",
        "  asyncio coro-failing INTERNAL ERROR",
    ]
    (event,) = recorded.span("asyncio coro-failing")["events"]
    assert event["attributes"]["exception.message"] == "no such order"


def test_coroutines_are_measured_by_how_they_ended() -> None:
    recorded = equal_on_both("coroutines")
    assert recorded.outline() == ["work INTERNAL", "  first INTERNAL", "  second INTERNAL"]
    created = recorded.metrics["asyncio.process.created"]
    counts = {(point["attributes"]["name"], point["attributes"]["state"]): point["value"] for point in created["points"]}
    assert counts == {
        ("traced", "finished"): 2,
        ("untraced", "finished"): 1,
        ("in_thread", "finished"): 1,
        ("failing", "exception"): 1,
        ("slow", "cancelled"): 1,
    }
    assert recorded.counted("asyncio.process.duration") == 6
    assert recorded.metric_shapes()["asyncio.process.duration"] == ("histogram", "s")
