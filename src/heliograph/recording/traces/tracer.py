"""The native tracer: starts spans. Called by application code and by instrumentations through the OpenTelemetry API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic_ns, time_ns
from typing import Any, Final

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import (
    DEFAULT_TRACE_STATE,
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceState,
)

from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.sampling import Plan, plan_of
from heliograph.recording.suppression import SuppressedSpan
from heliograph.recording.traces import ids
from heliograph.recording.traces.activation import SpanActivation
from heliograph.recording.traces.source import Source
from heliograph.recording.traces.span import UNSET, Span
from heliograph.recording.traces.unrecorded import RANDOM, UnrecordedSpan, unrecorded_root, unrecorded_span

_SAMPLED: Final = 1

_new: Final = object.__new__
_random_bits: Final = ids.bits


class Tracer(api.Tracer):
    """Thread-safe. ``sampler`` decides which spans are recorded; ``id_generator`` of None means our own, random one."""

    def __init__(self, source: Source, sampler: Sampler, id_generator: IdGenerator | None) -> None:
        self._source = source
        self.id_generator = id_generator
        self._is_on = True
        self.follow(sampler)

    @property
    def resource(self) -> Any:
        """Who sends."""
        return self._source.resource

    def renew(self, source: Source) -> None:
        """Go on with another source; spans that are open keep theirs."""
        self._source = source

    def follow(self, sampler: Sampler) -> None:
        """Let ``sampler`` decide from now on."""
        self.sampler = sampler
        self._sampling: Plan | None = plan_of(sampler)
        self.switch(is_on=self._is_on)

    def switch(self, *, is_on: bool) -> None:
        """Off: no span is recorded from now on."""
        self._is_on = is_on
        # None: not decided in passing.
        self._plan: Plan | None = self._sampling if is_on and self.id_generator is None else None

    def start_as_current_span(  # type: ignore[override]  # ours is also an asynchronous context manager
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002  # the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002
        end_on_exit: bool = True,  # noqa: FBT001, FBT002
    ) -> SpanActivation:
        """A span around a ``with`` or ``async with`` block, or around each call of what it decorates."""
        activation: SpanActivation = _new(SpanActivation)
        activation._tracer = self
        activation._name = name
        activation._context = context
        activation._kind = kind
        activation._attributes = attributes
        activation._links = links
        activation._start_time = start_time
        activation._records_exception = record_exception
        activation._sets_status = set_status_on_exception
        activation._is_ended_on_exit = end_on_exit
        return activation

    def start_span(  # noqa: C901, PLR0912, PLR0915  # one call: every other one in here would cost the hot path 4%
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002  # the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002
    ) -> api.Span:
        parent = (CURRENT.get() if context is None else context).get(SPAN_KEY)
        if parent is None:
            above = None
        elif type(parent) is Span:
            above = parent._context or parent.get_span_context()
        elif type(parent) is UnrecordedSpan:
            above = parent._known or parent.get_span_context()
        elif type(parent) is SuppressedSpan:
            return parent
        else:
            above = _context_of(parent)

        plan, source, span_id = self._plan, self._source, 0
        if plan is None:
            if not self._is_on:  # as if it were not there: what is below belongs to what is above
                return NonRecordingSpan(above if above is not None else INVALID_SPAN_CONTEXT)
            trace_id, span_id, flags, state, attributes, is_recorded = self._decide(
                above, name, context, kind, attributes, links
            )
        else:
            if above is None:
                if plan.is_everything:
                    trace_id, flags, state = _random_bits(128) or ids.trace_id(), 3, plan.state
                elif plan.is_nothing:
                    return unrecorded_root()
                else:
                    trace_id = _random_bits(128) or ids.trace_id()
                    is_kept = plan.low <= trace_id & plan.mask < plan.high
                    flags, state = (3, plan.state) if is_kept else (RANDOM, DEFAULT_TRACE_STATE)
            else:
                trace_id, state, flags = above[0], above[4], above[3] & 3
                if not plan.is_parent_based:
                    flags = flags & RANDOM | (plan.low <= trace_id & plan.mask < plan.high)
            is_recorded = bool(flags & _SAMPLED) or plan.is_all_recorded
        if not is_recorded:
            return unrecorded_span(trace_id, span_id, flags, state)

        span: Span = _new(Span)
        span._source = source
        span._name = name
        span._kind = kind
        span._trace_id = trace_id
        span._span_id = span_id or _random_bits(64) or ids.span_id()
        span._flags = flags
        span._trace_state = state
        span._context = None
        span._parent = above
        span._rare = None
        span._status = UNSET
        span._end_time = None
        span._is_open = True
        span._records_exception = record_exception
        span._sets_status = set_status_on_exception
        span._attributes = {}
        if attributes:
            span.set_attributes(attributes)
        if links:
            span.add_links(links)
        if start_time is None:
            span._started_at = monotonic_ns()
            span._start_time = time_ns()
        else:
            span._started_at, span._start_time = None, _checked_start(start_time, source)
        if source.processors is not None:
            source.processors.start(span, context)
        return span

    def _decide(
        self, above: SpanContext | None, name: Any, context: Context | None, kind: SpanKind, attributes: Any, links: Any
    ) -> tuple[int, int, int, TraceState, Any, bool]:
        """Ids (a span id of 0 is to be made), flags, trace state and attributes of a span, and whether it is recorded, by
        those who have to be asked."""
        trace_id, span_id, random = self._ids(above)
        state = above[4] if above is not None else DEFAULT_TRACE_STATE
        inherited = above[3] & _SAMPLED if above is not None else _SAMPLED
        try:
            result = self.sampler.should_sample(context, trace_id, name, kind, attributes, links or (), state)
            decision, found = result.decision, result.trace_state
        except Exception as error:  # somebody else's sampler: the span is kept, unless its parent is not
            self._source.mishaps.note("sampler", error)
            return trace_id, span_id, random | inherited, state, attributes, bool(inherited)
        flags = random | (_SAMPLED if decision is Decision.RECORD_AND_SAMPLE else 0)
        if found is None:
            found = DEFAULT_TRACE_STATE
        return trace_id, span_id, flags, found, result.attributes, decision is not Decision.DROP

    def _ids(self, above: SpanContext | None) -> tuple[int, int, int]:
        """The trace id, the span id (0 is to be made), and the flag that says whether the first is random."""
        generator = self.id_generator
        try:
            if above is not None:
                span_id = _valid(generator.generate_span_id(), 64) if generator is not None else 0
                return above[0], span_id, above[3] & RANDOM
            if generator is not None:
                trace_id = _valid(generator.generate_trace_id(), 128)
                is_random = bool(getattr(generator, "is_trace_id_random", bool)())
                return trace_id, _valid(generator.generate_span_id(), 64), RANDOM if is_random else 0
        except Exception as error:  # somebody else's generator
            self._source.mishaps.note("id generator", error)
        return above[0] if above is not None else ids.trace_id(), 0, above[3] & RANDOM if above is not None else RANDOM


def _context_of(parent: Any) -> SpanContext | None:
    """The context of a span that is not ours: one that came over the network, mostly. None when it names no span."""
    try:
        context = parent.get_span_context()
    except Exception:  # an object of somebody else's in the place of a span
        return None
    return context if isinstance(context, SpanContext) and context.is_valid else None


def _valid(number: Any, bits: int) -> int:
    if type(number) is not int or not 0 < number < 1 << bits:
        raise ValueError(f"{number!r} is no id of {bits} bits")
    return number


def _checked_start(start_time: Any, source: Source) -> int:
    if type(start_time) is int:
        return start_time
    try:
        return int(start_time)
    except Exception:  # no time at all: it starts now
        source.mishaps.note("span.start_time", f"{start_time!r:.100} is no time in ns; now was taken")
        return time_ns()
