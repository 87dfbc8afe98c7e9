"""Tail sampling in process: the end of a trace decides whether its spans here are kept.

Stands between the recorder and the pipeline of spans when the settings ask for it. What the head sampler kept is kept; of the
rest a whole local trace is kept when one of its spans failed, was slow, or fits a rule. A trace ends where its local root
does: the span whose parent is in another process, or that has none.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import SpanContext, StatusCode

from heliograph import names
from heliograph.clock import Clock
from heliograph.recording.sampling import SpanRule, with_threshold
from heliograph.recording.traces.span import Span

_MOST_REMEMBERED: Final = 4096
_CERTAIN: Final = 0  # the rejection threshold of what is kept in any case

# What a span takes in memory, roughly: measured with tracemalloc, rounded up.
_SPAN_BYTES: Final = 900
_ATTRIBUTE_BYTES: Final = 100
_EVENT_BYTES: Final = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What makes a trace worth keeping: a failed span, one that took at least ``slower_than_ns``, or one that fits a rule."""

    errors: bool
    slower_than_ns: int | None
    rules: Sequence[SpanRule] = ()

    def reason(self, span: Any) -> str | None:
        """Why the trace of ``span`` is kept, None when this span gives no reason."""
        if self.errors and span.status.status_code is StatusCode.ERROR:
            return "error"
        if self.slower_than_ns is not None and span.end_time - span.start_time >= self.slower_than_ns:
            return "slow"
        if any(rule.fits(span.name, span.kind, span.attributes) for rule in self.rules):
            return "rule"
        return None


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """The ended spans of a trace whose local root goes on."""

    since_ns: int
    spans: list[Any] = field(default_factory=list)
    size_bytes: int = 0
    reason: str | None = None


class TailSampler:
    """Bounded by ``max_bytes`` (estimated) and ``max_age_s``: what is beyond is decided as it stands then.

    Thread-safe. The lock guards everything here and is not held while spans are passed on; it is reentrant, since a finaliser
    may record at any moment.
    """

    def __init__(self, accept: Callable[[Any], None], *, keep: Keep, max_bytes: int, max_age_s: float, clock: Clock) -> None:
        self._accept = accept
        self._keep = keep
        self._max_bytes = max_bytes
        self._max_age_ns = round(max_age_s * 1e9)
        self._clock = clock
        self.decisions: Counter[str] = Counter()  # traces by why they were kept, or "dropped"
        self.early: Counter[str] = Counter()  # of these, decided before their end, by the bound that was reached
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = threading.RLock()
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()  # by trace id, the oldest first
        self._size_bytes = 0
        self._kept: OrderedDict[int, str] = OrderedDict()  # traces that were decided, for spans that end after their root

    def after_fork_in_child(self) -> None:
        """Forget the parent's spans, which the parent decides on."""
        self._start_empty()
        self.decisions.clear()
        self.early.clear()

    def register(self, meter: Meter) -> None:
        """Let ``meter`` report what was decided."""
        rows = (
            (names.TRACES_DECIDED, names.DECISION, self.decisions, "Local traces whose end was decided on, by decision."),
            (
                names.TRACES_DECIDED_EARLY,
                names.REASON,
                self.early,
                "Of these, decided before their end, by bound.",
            ),
        )
        for name, key, counts, description in rows:
            meter.create_observable_counter(name, [partial(_observations, key, counts)], "{trace}", description)

    def accept(self, span: Any) -> None:
        """Take an ended span; pass on what is decided by it."""
        for kept in self._taken(span):
            self._accept(kept)

    def _taken(self, span: Any) -> list[Any]:
        trace_id, now_ns = span.context.trace_id, self._clock.monotonic_ns()
        with self._lock:
            reason = self._kept.get(trace_id)
            if reason is not None:
                return _selected([span], reason)
            waiting = self._waiting.get(trace_id)
            if waiting is None:
                waiting = self._waiting[trace_id] = _Waiting(since_ns=now_ns)
            size_bytes = _size_bytes(span)
            waiting.spans.append(span)
            waiting.size_bytes += size_bytes
            self._size_bytes += size_bytes
            waiting.reason = waiting.reason or self._keep.reason(span)
            found = self._decided(trace_id) if span.parent is None or span.parent.is_remote else []
            while self._size_bytes > self._max_bytes and self._waiting:
                self.early["bytes"] += 1
                found += self._decided(next(iter(self._waiting)))
            return found + self._expired(now_ns)

    def _decided(self, trace_id: int) -> list[Any]:
        """Decide a waiting trace; returns the spans that are kept."""
        waiting = self._waiting.pop(trace_id)
        self._size_bytes -= waiting.size_bytes
        reason = waiting.reason or ("ratio" if any(_is_sampled(span) for span in waiting.spans) else None)
        self.decisions[reason or "dropped"] += 1
        if reason is None:
            return []
        self._kept[trace_id] = reason
        if len(self._kept) > _MOST_REMEMBERED:
            self._kept.popitem(last=False)
        return _selected(waiting.spans, reason)

    def _expired(self, now_ns: int) -> list[Any]:
        found: list[Any] = []
        while self._waiting:
            trace_id, oldest = next(iter(self._waiting.items()))
            if now_ns - oldest.since_ns < self._max_age_ns:
                break
            self.early["age"] += 1
            found += self._decided(trace_id)
        return found

    def expire(self) -> None:
        """Decide what has waited too long; called now and then."""
        with self._lock:
            found = self._expired(self._clock.monotonic_ns())
        for span in found:
            self._accept(span)

    def release(self) -> None:
        """Pass on what is kept in any case, so that a flush delivers it; the rest goes on waiting."""
        with self._lock:
            sure = [trace_id for trace_id, waiting in self._waiting.items() if _is_sure(waiting)]
            found = [span for trace_id in sure for span in self._decided(trace_id)]
        for span in found:
            self._accept(span)

    def close(self) -> None:
        """Decide everything as it stands."""
        with self._lock:
            found = [span for trace_id in list(self._waiting) for span in self._decided(trace_id)]
        for span in found:
            self._accept(span)


def _observations(key: str, counts: Counter[str], _options: CallbackOptions) -> list[Observation]:
    return [Observation(count, {key: value}) for value, count in dict(counts).items()]


def _is_sure(waiting: _Waiting) -> bool:
    return waiting.reason is not None or any(_is_sampled(span) for span in waiting.spans)


def _is_sampled(span: Any) -> bool:
    return bool(span.context.trace_flags.sampled)


def _selected(spans: list[Any], reason: str) -> list[Any]:
    """Those of ``spans`` that are kept for ``reason``, saying with which probability they were."""
    if reason == "ratio":
        return [span for span in spans if _is_sampled(span)]
    for span in spans:
        _say_certain(span)
    return spans


def _say_certain(span: Any) -> None:
    # The head's probability would scale it up; every trace of its kind is kept.
    context = span.context
    state = with_threshold(context.trace_state, _CERTAIN)
    if type(span) is Span:
        span._trace_state = state
    span._context = SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)


def _size_bytes(span: Any) -> int:
    size_bytes, attributes = _SPAN_BYTES, span.attributes or {}
    for value in attributes.values():
        size_bytes += _ATTRIBUTE_BYTES + (len(value) if isinstance(value, (str, bytes, tuple)) else 0)
    rare = getattr(span, "_rare", span)  # asking a native span for events would build them
    return size_bytes + _EVENT_BYTES * len(rare.events) if rare is not None else size_bytes
