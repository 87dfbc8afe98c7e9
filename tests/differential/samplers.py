"""Samplers and ids that say the same twice, for both recorders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState


class NumberedIds(IdGenerator):
    """Ids in a fixed sequence, spread so that a ratio keeps some of them."""

    def __init__(self, *, is_random: bool = False) -> None:
        self._is_random = is_random
        self._traces = self._spans = 0

    def generate_trace_id(self) -> int:
        self._traces += 1
        return self._traces * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128

    def generate_span_id(self) -> int:
        self._spans += 1
        return self._spans * 0x9E3779B97F4A7C15 % 2**64

    def is_trace_id_random(self) -> bool:
        return self._is_random


class NamedSampler(Sampler):
    """Decides by the span's name, adds an attribute and to the trace state, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        given = dict(attributes or {})
        self.asked.append(
            (trace_id, name, kind, sorted(given), len(links or ()), parent.span_id, parent.trace_state.to_header())
        )
        state = parent.trace_state.add("sampler", str(len(name)))
        if "drop" in name:
            return SamplingResult(Decision.DROP, None, state)
        decision = Decision.RECORD_ONLY if "only" in name else Decision.RECORD_AND_SAMPLE
        return SamplingResult(decision, None if "bare" in name else {**given, "sampled.by": "name"}, state)

    def get_description(self) -> str:
        return "NamedSampler"


SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "always on": lambda: ALWAYS_ON,
    "always off": lambda: ALWAYS_OFF,
    "parent-based ratio": lambda: ParentBased(TraceIdRatioBased(0.5)),
    "ratio": lambda: TraceIdRatioBased(0.5),
    "parent-based, remote turned round": lambda: ParentBased(
        ALWAYS_ON, remote_parent_sampled=ALWAYS_OFF, remote_parent_not_sampled=ALWAYS_ON
    ),
    "by name": NamedSampler,
    "ratio of 0": lambda: TraceIdRatioBased(0.0),
    "ratio of 1": lambda: TraceIdRatioBased(1.0),
    "parent-based ratio of 0": lambda: ParentBased(TraceIdRatioBased(0.0)),
    "parent-based always on": lambda: ParentBased(ALWAYS_ON),
}
# Those that decide the same whatever the ids are.
WITHOUT_IDS = tuple(name for name in SAMPLERS if name not in ("ratio", "parent-based ratio"))
