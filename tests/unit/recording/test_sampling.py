"""Head sampling: ratios, rules, parents, probabilities."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import sampling as sdk
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState, set_span_in_context

from heliograph.recording import TracerProvider
from heliograph.recording.sampling import HeadSampler, SpanRule, plan_of, threshold, with_threshold

KEEP = sdk.Decision.RECORD_AND_SAMPLE


def parent(*, is_sampled, is_remote=True, state=None):
    context = SpanContext(1 << 100 | 7, 2, is_remote, TraceFlags(3 if is_sampled else 2), state)
    return set_span_in_context(NonRecordingSpan(context))


def roots(sampler, count=2000, **options):
    """The spans that begin ``count`` traces and are kept."""
    kept = []
    tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False, accept=kept.append).get_tracer("test")
    for _ in range(count):
        tracer.start_span("work", **options).end()
    return kept


# The examples of the specification, "TraceState: Probability Sampling".
@pytest.mark.parametrize(("ratio", "written"), [(1.0, "0"), (0.5, "8"), (0.25, "c"), (0.125, "e"), (1 / 16, "f"), (0.75, "4")])
def test_a_ratio_is_written_as_its_rejection_threshold(ratio, written):
    assert with_threshold(None, threshold(ratio)).get("ot") == f"th:{written}"


def test_a_threshold_replaces_one_and_leaves_all_else():
    state = with_threshold(TraceState([("vendor", "x"), ("ot", "rv:abc;th:8;p:1")]), 0)
    assert state.get("vendor") == "x"
    assert state.get("ot") == "th:0;rv:abc;p:1"


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_the_share_of_traces_that_is_kept_is_the_ratio(ratio):
    kept = roots(HeadSampler(ratio), 4000)
    assert abs(len(kept) / 4000 - ratio) < 0.04
    assert {span.context.trace_state.get("ot") for span in kept} == {with_threshold(None, threshold(ratio)).get("ot")}


def test_counts_are_scaled_up_by_what_kept_spans_say():
    kept = roots(HeadSampler(0.2), 5000)
    rejected = int(kept[0].context.trace_state.get("ot").removeprefix("th:").ljust(14, "0"), 16)
    adjusted = 2**56 / (2**56 - rejected)
    assert abs(len(kept) * adjusted - 5000) < 600


def test_where_everything_is_kept_nothing_is_said_about_it():
    assert len(roots(HeadSampler(1.0), 10)[0].context.trace_state) == 0


def test_nothing_is_kept_at_zero():
    assert roots(HeadSampler(0.0)) == []


def test_who_keeps_more_keeps_all_that_who_keeps_less_does():
    less, more = plan_of(HeadSampler(0.2)), plan_of(HeadSampler(0.6))
    for _ in range(2000):
        trace_id = random.getrandbits(128)
        is_kept = [plan.low <= trace_id & plan.mask < plan.high for plan in (less, more)]
        assert is_kept in ([False, False], [False, True], [True, True])


@given(st.integers(1, 2**128 - 1), st.floats(0, 1))
def test_the_decision_in_passing_is_the_one_of_the_sampler(trace_id, ratio):
    sampler = HeadSampler(ratio)
    plan = plan_of(sampler)
    result = sampler.should_sample(None, trace_id, "work")
    assert (result.decision is KEEP) == (plan.low <= trace_id & plan.mask < plan.high)


@given(st.integers(1, 2**128 - 1), st.floats(0, 1))
@pytest.mark.parametrize("make", [sdk.TraceIdRatioBased, sdk.ParentBasedTraceIdRatio])
def test_ratios_of_the_sdk_decide_as_the_sdk_does(make, trace_id, ratio):
    sampler = make(ratio)
    plan = plan_of(sampler)
    result = sampler.should_sample(None, trace_id, "work")
    assert (result.decision is KEEP) == (plan.low <= trace_id & plan.mask < plan.high)


@pytest.mark.parametrize(
    ("sampler", "is_known"),
    [
        (sdk.ALWAYS_ON, True),
        (sdk.ALWAYS_OFF, True),
        (sdk.DEFAULT_ON, True),
        (sdk.ParentBased(sdk.TraceIdRatioBased(0.5)), True),
        (sdk.ParentBased(sdk.ALWAYS_ON, local_parent_not_sampled=sdk.ALWAYS_ON), False),
        (sdk.StaticSampler(sdk.Decision.RECORD_ONLY), False),
        (sdk.AlwaysRecordSampler(sdk.ALWAYS_OFF), False),
        (HeadSampler(0.5, [(SpanRule(name="x"), 1.0)]), False),
    ],
)
def test_a_sampler_is_asked_unless_its_decision_is_known_beforehand(sampler, is_known):
    assert (plan_of(sampler) is not None) == is_known


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("is_sampled", [True, False])
@pytest.mark.parametrize("rules", [[], [(SpanRule(name="work"), 0.5)]])
def test_what_has_a_parent_follows_it(ratio, is_sampled, rules):
    state = TraceState([("ot", "th:c"), ("vendor", "x")])
    kept = roots(HeadSampler(ratio, rules), 20, context=parent(is_sampled=is_sampled, state=state))
    assert len(kept) == (20 if is_sampled else 0)
    assert all(span.context.trace_state == state for span in kept)


@pytest.mark.parametrize(
    ("rule", "is_kept"),
    [
        (SpanRule(), True),
        (SpanRule(name="GET /*"), True),
        (SpanRule(name="POST *"), False),
        (SpanRule(kind=SpanKind.SERVER), True),
        (SpanRule(kind=SpanKind.CLIENT), False),
        (SpanRule(attributes={"tenant": "big-*"}), True),
        (SpanRule(attributes={"tenant": "small-*"}), False),
        (SpanRule(attributes={"retries": 3}), True),
        (SpanRule(attributes={"retries": True}), False),
        (SpanRule(attributes={"missing": 1}), False),
    ],
)
def test_a_rule_gives_the_traces_that_fit_another_share(rule, is_kept):
    kept = []
    provider = TracerProvider(sampler=HeadSampler(0.0, [(rule, 1.0)]), shutdown_on_exit=False, accept=kept.append)
    attributes = {"tenant": "big-one", "retries": 3}
    provider.get_tracer("test").start_span("GET /orders", kind=SpanKind.SERVER, attributes=attributes).end()
    assert len(kept) == is_kept


def test_the_first_rule_that_fits_counts():
    rules = [(SpanRule(name="a*"), 0.0), (SpanRule(name="*"), 1.0)]
    kept = []
    tracer = TracerProvider(sampler=HeadSampler(0.0, rules), shutdown_on_exit=False, accept=kept.append).get_tracer("test")
    for name in ("ab", "b"):
        tracer.start_span(name).end()
    assert [span.name for span in kept] == ["b"]


def test_a_sampler_describes_itself():
    assert HeadSampler(0.5).get_description() == "HeadSampler{0.5}"
    assert HeadSampler(0.5, [(SpanRule(), 1.0)]).get_description() == "HeadSampler{0.5, 1 rules}"
