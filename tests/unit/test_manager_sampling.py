"""Sampling by the end of a trace, as a manager's user sees it: what failed is kept whole, delivered and accounted for."""

from __future__ import annotations

import contextlib

import pytest

from tests.support.otlp_receiver import Answer, http_receiver
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names, values

NOTHING_BUT_ERRORS = {"sample_rate": 0.0, "keep_errors": True}


@pytest.fixture(params=RECORDERS)
def telemetry(request, start):
    return start(**QUIET, recorder=request.param, tracing={**NOTHING_BUT_ERRORS, "exporters": ["memory"]})


def run(telemetry, *names, failing=None):
    """A trace of spans, each within the one before; the exception of the failing one goes no further."""
    if not names:
        return
    with contextlib.suppress(ValueError), telemetry.span(names[0]):
        run(telemetry, *names[1:], failing=failing)
        if names[0] == failing:
            raise ValueError(failing)


def assert_balanced(counts, *, accepted, was_delivered=None):
    assert counts.accepted == accepted
    assert counts.delivered == (accepted if was_delivered is None else was_delivered)
    assert counts.accepted == counts.delivered + sum(counts.dropped.values()) + counts.pending


def test_a_flush_delivers_failing_traces_whole_and_nothing_else(telemetry):
    run(telemetry, "good root", "good child")
    run(telemetry, "root", "child", "leaf", failing="leaf")
    run(telemetry, "failing root", "sound child", failing="failing root")
    run(telemetry, "good again")
    found = delivered(telemetry, "traces")
    assert [span.name for span in found] == ["leaf", "child", "root", "sound child", "failing root"]
    assert [span.status.is_ok for span in found] == [False, True, True, True, False]
    assert len({span.context.trace_id for span in found}) == 2
    assert {span.context.trace_state.get("ot") for span in found} == {"th:0"}  # each stands for itself alone
    assert_balanced(telemetry.ledger()["traces", "memory"], accepted=5)


def test_a_flush_in_the_middle_of_a_trace_delivers_what_is_kept_already_and_the_rest_later(telemetry):
    with telemetry.span("failed before the flush"):
        run(telemetry, "sound", "failing", failing="failing")
        assert span_names(telemetry) == ["failing", "sound"]
        run(telemetry, "after the flush")
    with telemetry.span("fails after the flush"):
        run(telemetry, "before the flush")
        assert "before the flush" not in span_names(telemetry)
        run(telemetry, "too late", failing="too late")
    assert span_names(telemetry) == [
        "failing",
        "sound",
        "after the flush",
        "failed before the flush",
        "before the flush",
        "too late",
        "fails after the flush",
    ]
    assert_balanced(telemetry.ledger()["traces", "memory"], accepted=7)


def test_a_shutdown_delivers_what_is_kept_also_of_a_trace_that_goes_on_whose_rest_is_counted_as_dropped(telemetry):
    exporter = telemetry.exporter("traces", "memory")
    run(telemetry, "root", "child", failing="child")
    with telemetry.span("open"):
        run(telemetry, "failed in an open trace", failing="failed in an open trace")
        report = telemetry.shutdown()
    assert report.is_complete
    assert [span.name for span in exporter.items()] == ["child", "root", "failed in an open trace"]
    assert_balanced(report.ledger["traces", "memory"], accepted=3)
    assert telemetry.ledger()["traces", "memory"].dropped == {"shutdown": 1}  # the open span: it ended too late
    assert_balanced(telemetry.ledger()["traces", "memory"], accepted=4, was_delivered=3)


def test_a_shutdown_drops_what_gave_no_reason_to_keep_it_and_counts_it_nowhere(telemetry):
    exporter = telemetry.exporter("traces", "memory")
    with telemetry.span("open"):
        run(telemetry, "sound")
        report = telemetry.shutdown()
    assert report.is_complete
    assert exporter.items() == []
    assert_balanced(report.ledger["traces", "memory"], accepted=0)


def test_metrics_and_logs_are_those_of_every_trace(telemetry):
    for failing in ("work", None):
        with telemetry.span("root"):
            telemetry.increment_counter("c")
            telemetry.event("event")
            run(telemetry, "work", failing=failing)
    assert span_names(telemetry) == ["work", "root"]
    assert values(telemetry)["c"] == {(): 2}
    assert len(delivered(telemetry, "logs")) == 2


@pytest.mark.parametrize("recorder", RECORDERS)
def test_what_is_kept_and_cannot_be_delivered_is_counted_as_dropped(start, recorder):
    with http_receiver() as receiver:
        receiver.answers = [Answer(status=503)] * 1000
        otlp = {"type": "otlp", "endpoint": receiver.url}
        telemetry = start(**QUIET, recorder=recorder, tracing={**NOTHING_BUT_ERRORS, "exporters": [otlp]})
        run(telemetry, "good")
        run(telemetry, "root", "child", failing="child")
        assert not telemetry.force_flush(timeout_s=0.2)
        report = telemetry.shutdown(timeout_s=0.2)
    assert report.ledger["traces", "otlp"].dropped == {"shutdown": 2}
    assert_balanced(report.ledger["traces", "otlp"], accepted=2, was_delivered=0)


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_rate_of_zero_without_a_reason_to_keep_records_nothing(start, recorder):
    telemetry = start(**QUIET, recorder=recorder, tracing={"sample_rate": 0.0, "exporters": ["memory"]})
    run(telemetry, "root", "child", failing="child")
    with telemetry.span("work") as span:
        assert not span.is_recording()
    assert span_names(telemetry) == []
    assert_balanced(telemetry.ledger()["traces", "memory"], accepted=0)
