"""Head sampling: which traces are kept, decided where they begin; everything below follows its parent.

The decision depends on the trace id alone, so that every service with the same ratio decides alike, and a kept span says
with which probability it was kept. Sources: OpenTelemetry specification, "TraceState: Probability Sampling" (56 bits of
randomness, rejection threshold, ``ot=th:``) and W3C Trace Context Level 2, "random-trace-id". Used by both recorders: the
official one takes :class:`HeadSampler` as it is, the native one turns it into a :class:`Plan`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import DEFAULT_TRACE_STATE, Link, SpanContext, SpanKind, TraceState, get_current_span

from heliograph.once import once
from heliograph.recording.suppression import is_silenced

_BITS: Final = 56
_ALL: Final = 1 << _BITS
_MASK: Final = _ALL - 1
_KEY: Final = "ot"
_THRESHOLD: Final = "th:"


def threshold(ratio: float) -> int:
    """The rejection threshold of ``ratio`` (0 to 1): a trace is kept when its 56 bits of randomness reach it."""
    return _ALL - round(ratio * _ALL)


def with_threshold(state: TraceState | None, at: int) -> TraceState:
    """``state`` saying that the span was kept with the probability that threshold ``at`` stands for; other members, and
    other fields of the ``ot`` member, stay."""
    written = _THRESHOLD + (f"{at:014x}".rstrip("0") or "0")
    if not state:
        return TraceState([(_KEY, written)])
    fields = [member for member in state.get(_KEY, "").split(";") if member and not member.startswith(_THRESHOLD)]
    return state.delete(_KEY).add(_KEY, ";".join([written, *fields]))


class Plan:
    """How a sampler decides, where that needs no call: kept when ``low <= trace_id & mask < high``.

    ``is_parent_based``: only traces that begin here are decided, the others follow their parent. ``state`` is the trace state
    of a kept trace that begins here. ``is_all_recorded``: what is not sampled is recorded all the same, for who decides at
    the end of the trace. Immutable.
    """

    __slots__ = ("high", "is_all_recorded", "is_everything", "is_nothing", "is_parent_based", "low", "mask", "state")

    def __init__(
        self,
        *,
        low: int,
        high: int,
        mask: int = _MASK,
        is_parent_based: bool = True,
        state: TraceState = DEFAULT_TRACE_STATE,
        is_all_recorded: bool = False,
    ) -> None:
        self.low = low
        self.high = high
        self.mask = mask
        self.is_parent_based = is_parent_based
        self.state = state
        self.is_all_recorded = is_all_recorded
        self.is_everything = low == 0 and high > mask  # of what begins here
        self.is_nothing = not is_all_recorded and (high <= low or low > mask)


@dataclass(frozen=True, kw_only=True)
class SpanRule:
    """Which spans: those whose name fits ``name`` (a pattern with ``*`` and ``?``), of ``kind``, that have all
    ``attributes``, whose values may be patterns too. What is None or empty fits every span."""

    name: str | None = None
    kind: SpanKind | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, name: Any, kind: SpanKind | None, attributes: Mapping[str, Any] | None) -> bool:
        """Whether a span is one of those."""
        return (
            (self._name is None or (isinstance(name, str) and self._name(name) is not None))
            and (self.kind is None or self.kind is kind)
            and all(_is_like(wanted, (attributes or {}).get(key)) for key, wanted in self.attributes.items())
        )

    @once
    def _name(self) -> Any:
        return None if self.name is None else re.compile(fnmatch.translate(self.name)).match


def _is_like(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return fnmatch.fnmatchcase(found, wanted)
    return type(wanted) is type(found) and bool(wanted == found)


class HeadSampler(Sampler):
    """Keeps ``ratio`` (0 to 1) of the traces that begin here; what has a parent follows it.

    ``rules`` give other ratios to traces whose first span fits; the first rule that fits counts. With ``is_all_recorded``
    spans that are not kept are recorded without the sampled flag, so that the end of the trace may decide otherwise.
    Thread-safe.
    """

    def __init__(self, ratio: float, rules: Sequence[tuple[SpanRule, float]] = (), *, is_all_recorded: bool = False) -> None:
        self._ratio = ratio
        self._rules = tuple((rule, _Share(share)) for rule, share in rules)
        self._share = _Share(ratio)
        self._is_all_recorded = is_all_recorded

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if is_silenced(parent_context):  # the native tracer does not come so far
            return SamplingResult(Decision.DROP)
        parent: SpanContext | None = get_current_span(parent_context).get_span_context()
        if parent is not None and parent.is_valid:
            return self._result(is_kept=parent.trace_flags.sampled, attributes=attributes, state=parent.trace_state)
        share = next((share for rule, share in self._rules if rule.fits(name, kind, attributes)), self._share)
        is_kept = trace_id & _MASK >= share.threshold
        return self._result(is_kept=is_kept, attributes=attributes, state=share.state if is_kept else None)

    def _result(self, *, is_kept: bool, attributes: Mapping[str, Any] | None, state: TraceState | None) -> SamplingResult:
        if is_kept:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
        if self._is_all_recorded:
            return SamplingResult(Decision.RECORD_ONLY, attributes, state)
        return SamplingResult(Decision.DROP, None, state)

    def get_description(self) -> str:
        rules = f", {len(self._rules)} rules" if self._rules else ""
        return f"HeadSampler{{{self._ratio}{rules}}}"

    def plan(self) -> Plan | None:
        """The same decision without a call; None where rules look at the span."""
        if self._rules:
            return None
        return Plan(low=self._share.threshold, high=_ALL, state=self._share.state, is_all_recorded=self._is_all_recorded)


class _Share:
    """A ratio as its threshold, with the trace state of what it keeps: none where everything is kept, since there is
    nothing to scale up then, and it would travel in a header of every request."""

    def __init__(self, ratio: float) -> None:
        self.threshold = threshold(ratio)
        self.state = with_threshold(None, self.threshold) if self.threshold else DEFAULT_TRACE_STATE


def plan_of(sampler: Sampler) -> Plan | None:
    """The plan of a sampler whose decision is known beforehand; None for one that has to be asked."""
    if isinstance(sampler, HeadSampler):
        return sampler.plan()
    if type(sampler) is TraceIdRatioBased:
        return Plan(low=0, high=sampler.bound, mask=TraceIdRatioBased.TRACE_ID_LIMIT, is_parent_based=False)
    if type(sampler) is StaticSampler:
        high = {Decision.RECORD_AND_SAMPLE: _ALL, Decision.DROP: 0}.get(sampler._decision)
        return Plan(low=0, high=high, is_parent_based=False) if high is not None else None
    if isinstance(sampler, ParentBased) and _follows_parents(sampler):
        root = plan_of(sampler._root)
        if root is not None and not isinstance(sampler._root, (ParentBased, HeadSampler)):
            return Plan(low=root.low, high=root.high, mask=root.mask)
    return None


def _follows_parents(sampler: ParentBased) -> bool:
    return (
        type(sampler).should_sample is ParentBased.should_sample
        and sampler._remote_parent_sampled is sampler._local_parent_sampled is ALWAYS_ON
        and sampler._remote_parent_not_sampled is sampler._local_parent_not_sampled is ALWAYS_OFF
    )
