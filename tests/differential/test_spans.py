"""The same programs about spans give the same OTLP on both recorders, but for the listed corrections."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link, SpanContext

from tests.differential.corrections import cut, without_counts
from tests.differential.recorders import TRACERS
from tests.differential.span_programs import COUNT_LIMITS, LENGTH_LIMITS, OWN_IDS, span_programs
from tests.differential.span_recording import comparable, record, with_numbered_ids
from tests.differential.span_steps import SpanProgram

pytestmark = pytest.mark.usefixtures("silence")

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "120"))
FIXED: Any = {
    "max_examples": EXAMPLES,
    "derandomize": True,
    "deadline": None,
    "phases": [Phase.generate, Phase.shrink],
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


def _assert_same(program: SpanProgram, *, unique: bool) -> None:
    limits = SpanLimits(**program.limits)
    native = comparable(record(TRACERS["native"], program, limits, unique=unique))
    official_limits = without_counts(limits) if unique else limits
    official = record(TRACERS["official"], program, official_limits, unique=unique)
    official = comparable(cut(official, limits) if unique else official)
    assert native.request == official.request
    assert native.observed == official.observed
    assert native.asked == official.asked


@given(span_programs(LENGTH_LIMITS))
@settings(**FIXED)
def test_a_program_gives_the_same_spans_on_both_recorders(program: SpanProgram) -> None:
    _assert_same(program, unique=False)


@given(span_programs(COUNT_LIMITS))
@settings(**FIXED)
def test_a_program_under_limits_gives_the_first_of_what_the_official_recorder_keeps_without(program: SpanProgram) -> None:
    _assert_same(program, unique=True)


@given(OWN_IDS)
@settings(**FIXED)
def test_a_program_gives_the_same_spans_with_ids_of_each_recorders_own(program: SpanProgram) -> None:
    native, official = (
        with_numbered_ids(comparable(record(TRACERS[name], program, SpanLimits(), unique=False)))
        for name in ("native", "official")
    )
    assert native == official


@pytest.mark.parametrize("recorder", TRACERS)
def test_what_is_no_link_costs_no_link_beside_it(recorder: str) -> None:
    ended: list[Any] = []
    links: Any = [None, Link(SpanContext(1, 2, is_remote=True), {"beside": "it"})]
    TRACERS[recorder](ended.append).get_tracer("t").start_span("work", links=links).end()
    assert [dict(link.attributes) for link in ended[0].links] == [{"beside": "it"}]
