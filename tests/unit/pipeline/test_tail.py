"""Tail sampling: whole local traces are kept for what happens in them, within bounds."""

from __future__ import annotations

import gc
import signal
import time
from contextlib import suppress

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, set_span_in_context

from heliograph.clock import ManualClock
from heliograph.pipeline.tail import Keep, TailSampler
from heliograph.recording import MeterProvider, TracerProvider
from heliograph.recording.official.handoff import SpanHandoff
from heliograph.recording.sampling import HeadSampler, SpanRule
from tests.support.recorded import points_of


class Interrupted(ManualClock):
    """A clock whose next reading a signal handler interrupts."""

    handler = None

    def monotonic_ns(self):
        handler, self.handler = self.handler, None
        if handler is not None:
            handler()
        return super().monotonic_ns()


class Sampled:
    """A tracer of either recorder before a tail sampler."""

    def __init__(self, recorder, *, ratio=0.0, errors=True, slower_than_ns=None, rules=(), max_bytes=10**7, max_age_s=30.0):
        self.clock, self.kept = Interrupted(), []
        keep = Keep(errors=errors, slower_than_ns=slower_than_ns, rules=rules)
        self.tail = TailSampler(self.kept.append, keep=keep, max_bytes=max_bytes, max_age_s=max_age_s, clock=self.clock)
        sampler = HeadSampler(ratio, is_all_recorded=True)
        if recorder == "native":
            provider = TracerProvider(sampler, shutdown_on_exit=False, accept=self.tail.accept, is_all_taken=True)
        else:
            provider = SdkTracerProvider(sampler, shutdown_on_exit=False)
            provider.add_span_processor(SpanHandoff(self.tail.accept, is_all_taken=True))
        self.tracer = provider.get_tracer("test")

    def run(self, *names, failing=None, **options):
        """A trace of spans, each within the one before."""
        if not names:
            return
        with self.tracer.start_as_current_span(names[0], **options) as span:
            self.run(*names[1:], failing=failing)
            if names[0] == failing:
                span.set_status(StatusCode.ERROR, "failed")

    def names(self):
        return [span.name for span in self.kept]

    def probabilities(self):
        return {span.context.trace_state.get("ot") for span in self.kept}


@pytest.fixture(params=["native", "opentelemetry-sdk"])
def recorder(request):
    return request.param


def test_a_trace_is_kept_whole_when_one_of_its_spans_failed(recorder):
    sampled = Sampled(recorder)
    sampled.run("good root", "good child")
    sampled.run("root", "child", "leaf", failing="leaf")
    assert sampled.names() == ["leaf", "child", "root"]
    assert sampled.probabilities() == {"th:0"}
    assert sampled.tail.decisions == {"dropped": 1, "error": 1}


def test_errors_are_no_reason_where_they_are_not_asked_for(recorder):
    sampled = Sampled(recorder, errors=False)
    sampled.run("root", "child", failing="child")
    assert sampled.kept == []


def test_a_trace_is_kept_whole_when_one_of_its_spans_was_slow(recorder):
    sampled = Sampled(recorder, slower_than_ns=10**9)
    for duration_ns in (10**9 - 1, 10**9):
        with sampled.tracer.start_as_current_span("root"):
            sampled.tracer.start_span("child", start_time=5).end(5 + duration_ns)
    assert sampled.names() == ["child", "root"]
    assert sampled.tail.decisions == {"dropped": 1, "slow": 1}


def test_a_trace_is_kept_whole_when_one_of_its_spans_fits_a_rule(recorder):
    sampled = Sampled(recorder, rules=[SpanRule(name="charge *")])
    sampled.run("root", "look up")
    sampled.run("root", "charge card")
    assert sampled.names() == ["charge card", "root"]
    assert sampled.tail.decisions == {"dropped": 1, "rule": 1}


def test_the_rest_is_kept_at_the_ratio_and_says_so(recorder):
    sampled = Sampled(recorder, ratio=0.25)
    for _ in range(1000):
        sampled.run("root", "child")
    assert 300 < len(sampled.kept) < 700
    assert len(sampled.kept) % 2 == 0
    assert sampled.probabilities() == {"th:c"}


def test_a_failed_trace_that_the_ratio_kept_too_is_not_scaled_up(recorder):
    sampled = Sampled(recorder, ratio=0.9)
    for _ in range(20):
        sampled.run("root", failing="root")
    assert len(sampled.kept) == 20
    assert sampled.probabilities() == {"th:0"}


def test_a_remote_parent_begins_a_local_trace(recorder):
    sampled = Sampled(recorder)
    parent = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0))
    sampled.run("server", "query", failing="query", context=set_span_in_context(NonRecordingSpan(parent)))
    assert sampled.names() == ["query", "server"]


def test_what_is_not_kept_keeps_the_flag_that_others_were_told(recorder):
    sampled = Sampled(recorder)
    sampled.run("root", failing="root")
    assert not sampled.kept[0].context.trace_flags.sampled


def test_spans_that_end_after_their_root_follow_it_when_it_was_kept(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("root") as root:
        late = sampled.tracer.start_span("late")
        root.set_status(StatusCode.ERROR)
    assert sampled.names() == ["root"]
    late.end()
    assert sampled.names() == ["root", "late"]


def test_a_span_that_fails_after_its_root_was_dropped_is_kept_alone(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("root"):
        late, good = sampled.tracer.start_span("late"), sampled.tracer.start_span("good")
    late.set_status(StatusCode.ERROR)
    late.end()
    good.end()
    assert sampled.names() == ["late"]
    assert sampled.tail._size_bytes == 0


@pytest.mark.parametrize("failing", ["one", "two", None])
def test_requests_of_one_trace_that_run_at_once_are_decided_one_by_one(recorder, failing):
    sampled = Sampled(recorder)

    def begin(name, number):
        parent = NonRecordingSpan(SpanContext(7, number, is_remote=True))
        return sampled.tracer.start_span(name, context=set_span_in_context(parent))

    def query(root, name):
        sampled.tracer.start_span(name, context=set_span_in_context(root)).end()

    one, two = begin("one", 1), begin("two", 2)
    for root, name in ((one, "one's first"), (two, "two's first"), (one, "one's second")):
        query(root, name)
    for root in (one, two):
        if root.name == failing:
            root.set_status(StatusCode.ERROR)
    one.end()
    query(two, "two's second")
    two.end()
    expected = {"one": ["one's first", "one's second", "one"], "two": ["two's first", "two's second", "two"], None: []}
    assert sampled.names() == expected[failing]
    assert sampled.tail._size_bytes == 0


def test_a_handler_of_a_signal_may_record_in_the_middle(recorder):
    sampled = Sampled(recorder, max_bytes=20_000)
    handled = []

    def handle(number, frame):
        span = sampled.tracer.start_span("signalled", context=Context())
        span.set_status(StatusCode.ERROR)
        span.end()
        handled.append(1)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        count, until = 0, time.monotonic() + 1
        while time.monotonic() < until:
            sampled.run("root", "child", failing="child")
            count += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    sampled.tail.close()
    assert handled
    assert sampled.names().count("signalled") == len(handled)
    assert sampled.names().count("root") == sampled.names().count("child") == count


def test_what_waits_too_long_is_decided_as_it_stands(recorder):
    sampled = Sampled(recorder, max_age_s=30)
    with sampled.tracer.start_as_current_span("long") as root:
        sampled.run("failed", failing="failed")
        sampled.clock.advance(29.9)
        sampled.tail.expire()
        assert sampled.kept == []
        sampled.clock.advance(0.1)
        sampled.tail.expire()
        assert sampled.names() == ["failed"]
        root.set_attribute("a", 1)
    assert sampled.names() == ["failed", "long"]
    assert sampled.tail.early == {"age": 1}


def test_memory_is_bounded_and_the_oldest_is_decided_first(recorder):
    sampled = Sampled(recorder, max_bytes=50_000)
    for number in range(500):
        with sampled.tracer.start_as_current_span("open", end_on_exit=False):
            sampled.run(f"failed {number}" if number == 0 else "good", failing="failed 0")
    assert sampled.names() == ["failed 0"]
    assert sampled.tail.early["bytes"] > 400
    assert sampled.tail._size_bytes <= 50_000


def test_large_attributes_count(recorder):
    sampled = Sampled(recorder, max_bytes=100_000)
    with sampled.tracer.start_as_current_span("root"):
        for _ in range(5):
            sampled.run("child")
        assert sampled.tail.early == {}
        sampled.tracer.start_span("large", attributes={"text": "x" * 100_000}).end()
        assert sampled.tail.early == {"bytes": 1}


def test_a_flush_passes_on_what_is_sure_and_leaves_the_rest(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("failing"):
        sampled.run("failed", failing="failed")
        elsewhere = NonRecordingSpan(SpanContext(7, 8, is_remote=True))
        with sampled.tracer.start_as_current_span("other", context=set_span_in_context(elsewhere)):
            sampled.run("undecided")
            sampled.tail.release()
            assert sampled.names() == ["failed"]
            sampled.tail.close()
            assert sampled.names() == ["failed"]


def test_what_was_decided_is_a_metric(recorder):
    sampled, reader = Sampled(recorder, max_bytes=5_000), InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    sampled.tail.register(provider.get_meter("test"))
    sampled.run("good")
    sampled.run("bad", failing="bad")
    sampled.run("large", attributes={"text": "x" * 5_000})
    points = points_of(reader.get_metrics_data())
    decided = {dict(key)["decision"]: point.value for key, point in points["heliograph.traces.decided"].items()}
    assert decided == {"dropped": 2, "error": 1}
    with sampled.tracer.start_as_current_span("root"):
        sampled.run("large", attributes={"text": "x" * 5_000})
    points = points_of(reader.get_metrics_data())
    early = {dict(key)["reason"]: point.value for key, point in points["heliograph.traces.decided_early"].items()}
    assert early == {"bytes": 1}


def test_a_forked_child_forgets_the_spans_of_its_parent(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("root"):
        sampled.run("failed", failing="failed")
        sampled.tail.after_fork_in_child()
        sampled.tail.close()
    assert sampled.kept == []


def test_a_span_that_a_finaliser_ends_is_taken_like_any_other(recorder):
    sampled = Sampled(recorder)

    class Finalised:
        def __del__(self):
            # Not made current: CPython 3.11 crashes when a finaliser sets a context variable while one is being set.
            span = sampled.tracer.start_span("finalised", context=Context())
            span.set_status(StatusCode.ERROR)
            span.end()

    for _ in range(100):
        cycle = [Finalised()]
        cycle.append(cycle)
        del cycle
        sampled.run("root", "child", failing="child")
    gc.collect()
    assert sampled.names().count("finalised") == 100
    assert sampled.names().count("root") == 100


def test_a_handler_that_closes_it_in_the_middle_gets_everything_out(recorder):
    sampled, seen_by_handler = Sampled(recorder, ratio=1.0), []

    def handle():
        sampled.tail.close()
        seen_by_handler.extend(sampled.names())

    with sampled.tracer.start_as_current_span("root"):
        sampled.run("first")
        sampled.run("second")
        sampled.clock.handler = handle
        sampled.run("third")
        assert seen_by_handler == sampled.names() == ["first", "second", "third"]
    assert sampled.names() == ["first", "second", "third", "root"]
    assert sampled.tail.decisions == {"ratio": 1}
    assert sampled.tail._size_bytes == len(sampled.tail._held) == 0


def test_a_handler_that_closes_it_while_the_root_ends_decides_the_whole_trace(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("root") as root:
        sampled.run("good")
        sampled.run("failed", failing="failed")
        root.set_attribute("a", 1)
        sampled.clock.handler = sampled.tail.close
    assert sampled.names() == ["good", "failed", "root"]
    assert sampled.tail.decisions == {"error": 1}


def test_a_handler_that_closes_it_while_traces_expire_decides_each_once(recorder):
    sampled = Sampled(recorder)
    with sampled.tracer.start_as_current_span("one", context=Context()):
        sampled.run("failed", failing="failed")
        with sampled.tracer.start_as_current_span("two", context=Context()):
            sampled.run("good")
            sampled.clock.advance(60)
            sampled.clock.handler = sampled.tail.close
            sampled.tail.expire()
            assert sampled.names() == ["failed"]
            assert sampled.tail.decisions == {"error": 1, "dropped": 1}
            assert sampled.tail._size_bytes == len(sampled.tail._held) == 0


def test_a_handler_that_closes_it_finds_what_the_interrupted_call_is_passing_on(recorder):
    sampled = Sampled(recorder)
    taken = sampled.kept.append

    def handle(span):
        sampled.tail._accept = taken
        sampled.tail.close()
        seen_by_handler.extend(sampled.names())
        taken(span)

    seen_by_handler = []
    sampled.tail._accept = handle  # interrupted while the first span gets into the queue
    sampled.run("root", "child", "leaf", failing="leaf")
    assert seen_by_handler == ["child", "root"]
    assert sampled.names() == ["child", "root", "leaf"]
    assert sampled.tail.decisions == {"error": 1}


def test_a_handler_that_raises_in_the_middle_costs_no_span_that_waits(recorder):
    sampled = Sampled(recorder, ratio=1.0)

    def handle():
        raise TimeoutError

    with sampled.tracer.start_as_current_span("root"):
        sampled.run("first")
        sampled.clock.handler = handle
        with suppress(TimeoutError):  # the official recorder lets it through
            sampled.run("interrupted")
        sampled.run("third")
    assert sampled.names() == ["first", "third", "root"]
    assert sampled.tail._size_bytes == len(sampled.tail._held) == 0


def test_handlers_may_close_it_anywhere(recorder):
    sampled = Sampled(recorder)
    before = signal.signal(signal.SIGALRM, lambda number, frame: sampled.tail.close())
    try:
        count, until = 0, time.monotonic() + 1
        while time.monotonic() < until:
            signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + count % 200))  # one at a time, at another place each time
            sampled.run("failed root", "failed", failing="failed root")
            count += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    sampled.tail.close()
    assert sampled.names().count("failed root") == count
    assert len(set(map(id, sampled.kept))) == len(sampled.kept)
    assert sampled.tail._size_bytes == len(sampled.tail._held) == 0
