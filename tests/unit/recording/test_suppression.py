"""Suppressed instrumentation: the context in which instrumentation packages keep still."""

from __future__ import annotations

import contextlib
import threading

import pytest
from opentelemetry import context, propagate, trace

from heliograph.health.builtin import CallableHealthCheck
from heliograph.health.check import HealthStatus
from heliograph.recording.suppression import is_suppressed, suppressed_instrumentation, suppressed_spans
from tests.support.recorded import QUIET, RECORDERS, span_names


def test_instrumentation_is_suppressed_inside_the_block_only():
    assert not is_suppressed()
    with suppressed_instrumentation():
        assert is_suppressed()
        with suppressed_instrumentation():
            assert is_suppressed()
        assert is_suppressed()
    assert not is_suppressed()


@pytest.mark.parametrize("key", ["suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY])
def test_older_and_newer_instrumentations_both_see_it(key):
    with suppressed_instrumentation():
        assert context.get_value(key)
    assert not context.get_value(key)


def test_a_block_that_raises_ends_the_suppression():
    with pytest.raises(ValueError), suppressed_instrumentation():
        raise ValueError
    assert not is_suppressed()


def test_the_rest_of_the_context_is_still_there():
    token = context.attach(context.set_value("tenant", "a"))
    try:
        with suppressed_instrumentation():
            assert context.get_value("tenant") == "a"
    finally:
        context.detach(token)


def test_other_threads_are_not_suppressed():
    seen = []
    with suppressed_instrumentation():
        thread = threading.Thread(target=lambda: seen.append(is_suppressed()))
        thread.start()
        thread.join(5)
    assert seen == [False]


@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize(
    "sampling", [{}, {"sample_rate": 0.5}, {"sample_rules": [{"name": "x*", "sample_rate": 1}]}], ids=range(3)
)
def test_nobody_makes_a_span_where_spans_are_suppressed(start, recorder, sampling):
    telemetry = start(**QUIET, recorder=recorder, tracing={"exporters": ["memory"], **sampling})
    with telemetry.span("around"), suppressed_spans():
        with (
            contextlib.suppress(LookupError),
            telemetry.span("manual"),
            trace.get_tracer("x").start_as_current_span("x") as span,
        ):
            assert not span.is_recording()
            trace.get_tracer("x").start_span("x deeper").end()
            raise LookupError("kept for its error elsewhere")
        with telemetry.span("again") as again:
            again.set_attribute("a", 1)
    with contextlib.suppress(LookupError), telemetry.span("after"):
        raise LookupError("so that it is kept")
    assert set(span_names(telemetry)) <= {"around", "after"}
    assert "after" in span_names(telemetry)


def test_health_checks_make_no_spans(start):
    telemetry = start(**{**QUIET, "health": {"enabled": True, "checks": []}})

    def look():
        with telemetry.span("looking"):
            return True

    telemetry.health.add_check(CallableHealthCheck("look", look))
    assert telemetry.health.check("look").status is HealthStatus.HEALTHY
    assert span_names(telemetry) == []


def test_nothing_is_sent_on_where_spans_are_suppressed():
    carrier = {}
    with suppressed_spans():
        propagate.inject(carrier)
    assert carrier == {}


def test_the_end_of_the_block_brings_back_what_was_there(start):
    telemetry = start(**QUIET)
    with telemetry.span("around") as around:
        with suppressed_spans():
            assert not trace.get_current_span().get_span_context().is_valid
        assert trace.get_current_span() is around
