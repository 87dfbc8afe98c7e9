"""Tail sampling in process: the end of a trace decides whether its spans here are kept.

Stands between the recorder and the pipeline of spans when the settings ask for it. What the head sampler kept is kept; of the
rest a whole local trace is kept when one of its spans failed, was slow, or fits a rule. A trace ends where its local root
does: the span whose parent is in another process, or that has none.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import SpanContext, StatusCode

from heliograph import names
from heliograph.clock import Clock
from heliograph.locks import recording_lock
from heliograph.recording.sampling import SpanRule, with_threshold
from heliograph.recording.traces.span import Span

_MOST_REMEMBERED: Final = 1 << 14  # spans
_MOST_TRACES: Final = 1 << 12
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
        for rule in self.rules:
            if rule.fits(span.name, span.kind, span.attributes):
                return "rule"
        return None


class _Ended(NamedTuple):
    """An ended span: the how manyth of all it is, and its own reason to be kept."""

    number: int
    span: Any
    reason: str | None
    size_bytes: int


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """The ended spans of a trace whose local roots go on, by the parent's span id."""

    since_ns: int
    by_parent: dict[int, list[_Ended]] = field(default_factory=dict)

    def below(self, span_id: int) -> list[_Ended]:
        """Take out the spans below that one, as far as all in between have ended."""
        found: list[_Ended] = []
        parents = [span_id]
        while parents:
            children = self.by_parent.pop(parents.pop(), [])
            found += children
            parents += [child.span.context.span_id for child in children]
        return found

    def all(self) -> list[_Ended]:
        """Take out everything."""
        found = [ended for children in self.by_parent.values() for ended in children]
        self.by_parent = {}
        return found


class TailSampler:
    """Bounded by ``max_bytes`` (estimated) and ``max_age_s``: what is beyond is decided as it stands then.

    Thread-safe. The lock guards everything here and is not held while spans are passed on. A signal handler or a finaliser
    that records while its thread is in here leaves its span in ``_arrived``, which that thread takes before it goes. One that
    closes this cannot leave it at that, the process may end with it: it begins again with all that is undecided, whatever the
    interrupted call has in hand, and that call finds its spans gone and goes home.
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
        self._lock = recording_lock()
        self._busy: int | None = None  # the thread that is at work here
        self._beginnings = 0
        self._held: dict[Any, bool] = {}  # every span that is neither passed on nor dropped; who takes it out passes it on
        self._arrived: deque[Any] = deque()
        self._leaving: deque[Any] = deque()  # kept, to be passed on
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()  # by trace id, the oldest first
        self._size_bytes = 0
        self._number = 0
        self._latest = ""  # the last decision
        self._kept: OrderedDict[int, str] = OrderedDict()  # traces that were decided before their end, and kept
        self._decided: OrderedDict[int, str | None] = OrderedDict()  # spans that were decided, for those that end after them

    def after_fork_in_child(self) -> None:
        """Forget the parent's spans, which the parent decides on."""
        self._start_empty()
        self.decisions.clear()
        self.early.clear()

    def register(self, meter: Meter) -> None:
        """Let ``meter`` report what was decided."""
        rows = (
            (names.TRACES_DECIDED, names.DECISION, self.decisions, "Local traces whose end was decided on, by decision."),
            (names.TRACES_DECIDED_EARLY, names.REASON, self.early, "Of these, decided before their end, by bound."),
        )
        for name, key, counts, description in rows:
            meter.create_observable_counter(name, [partial(_observations, key, counts)], "{trace}", description)

    def accept(self, span: Any) -> None:
        """Take an ended span; pass on what is decided by it."""
        self._held[span] = True
        self._arrived.append(span)
        self._work(None)

    def expire(self) -> None:
        """Decide what has waited too long; called now and then."""
        self._work(lambda: self._expired(self._clock.monotonic_ns()))

    def release(self) -> None:
        """Pass on what is kept in any case, so that a flush delivers it; the rest goes on waiting."""
        self._work(self._sure)

    def close(self) -> None:
        """Decide everything as it stands."""
        with self._lock:
            interrupted = self._busy  # this thread, when a signal handler closes this; else None
            self._begin_again()
            self._busy = None
        self._work(self._rest)
        if interrupted is not None:
            self._busy = interrupted

    def _work(self, decide: Callable[[], list[Any]] | None) -> None:
        """Take what has arrived, then ``decide``, and pass on what is kept."""
        this_thread = threading.get_ident()
        while self._busy != this_thread:
            with self._lock:
                self._busy = this_thread
                beginnings, span = self._beginnings, None
                try:
                    while self._arrived and (span := _popped(self._arrived)) is not None:
                        self._leaving.extend(self._taken(span))
                        span = None
                    if decide is not None:
                        self._leaving.extend(decide())
                except BaseException:  # odd values of this span, which costs itself only; or a signal handler raised
                    self._held.pop(span, None)
                    self._begin_again()
                    raise
                finally:
                    self._busy = None
                if beginnings != self._beginnings:
                    self._begin_again()  # this call went on with what was no longer so
            while self._leaving and (span := _popped(self._leaving)) is not None:
                if self._held.pop(span, False):
                    self._accept(span)
            if not self._arrived:
                return

    def _begin_again(self) -> None:
        """Let everything arrive once more that is not decided."""
        self._beginnings += 1
        self._waiting = OrderedDict()
        self._size_bytes = 0
        self._arrived.clear()  # first: what arrives from here on is not forgotten
        leaving = set(self._leaving)
        for span in list(self._held):
            span_id = span.context.span_id
            if span in leaving:
                continue
            if span_id in self._decided:
                self._leaving.extend(self._selected([span], self._decided[span_id] or self._keep.reason(span)))
            else:
                self._arrived.append(span)

    def _taken(self, span: Any) -> list[Any]:
        now_ns, context, parent = self._clock.monotonic_ns(), span.context, span.parent
        trace_id = context.trace_id
        own_reason, size_bytes = self._keep.reason(span), _size_bytes(span)
        if span not in self._held:  # decided by a handler that closed this
            return []
        if (reason := self._kept.get(trace_id)) is not None:
            return self._selected([span], reason)
        waiting = self._waiting.get(trace_id)
        if waiting is None:
            waiting = self._waiting[trace_id] = _Waiting(since_ns=now_ns)
        self._number += 1
        ended = _Ended(self._number, span, own_reason, size_bytes)
        self._size_bytes += size_bytes
        found: list[Any] = []
        if parent is None or parent.is_remote:  # other local roots of the same trace go on
            found = self._counted(trace_id, [ended, *waiting.below(context.span_id)])
        else:
            waiting.by_parent.setdefault(parent.span_id, []).append(ended)
            if parent.span_id in self._decided:
                found = self._late(trace_id, waiting, parent.span_id)
        while self._size_bytes > self._max_bytes and self._waiting:
            self.early["bytes"] += 1
            found += self._given_up(next(iter(self._waiting), 0))
        return found + self._expired(now_ns)

    def _late(self, trace_id: int, waiting: _Waiting, parent_id: int) -> list[Any]:
        """What ended after its local root follows it; where that was dropped, a span with its own reason is kept alone."""
        reason = self._decided.get(parent_id)
        entries = self._left(trace_id, waiting.below(parent_id))
        self._remember(entries, reason)
        return [span for ended in entries for span in self._selected([ended.span], reason or ended.reason)]

    def _given_up(self, trace_id: int) -> list[Any]:
        """Decide a waiting trace before its end; what is still to come of it follows when it is kept."""
        waiting = self._waiting.get(trace_id)
        found = self._counted(trace_id, waiting.all()) if waiting is not None else []
        if found:
            self._kept[trace_id] = self._latest
            if len(self._kept) > _MOST_TRACES:
                self._kept.popitem(last=False)
        return found

    def _counted(self, trace_id: int, entries: list[_Ended]) -> list[Any]:
        """The spans of ``entries``, one local trace, that are kept, in the order in which they ended."""
        entries = self._left(trace_id, entries)
        reason = next((ended.reason for ended in entries if ended.reason), None)
        if reason is None and any(_is_sampled(ended.span) for ended in entries):
            reason = "ratio"
        self._latest = reason or "dropped"
        self._remember(entries, reason)
        self.decisions[self._latest] += 1
        return self._selected([ended.span for ended in entries], reason)

    def _left(self, trace_id: int, entries: list[_Ended]) -> list[_Ended]:
        """Account for ``entries``, which wait no longer; returns them in the order in which they ended."""
        self._size_bytes -= sum(ended.size_bytes for ended in entries)
        waiting = self._waiting.get(trace_id)
        if waiting is not None and not waiting.by_parent:
            self._waiting.pop(trace_id, None)
        return sorted(entries)

    def _remember(self, entries: list[_Ended], reason: str | None) -> None:
        """Note what was decided on them, on all in one step: a handler that closes this finds a trace decided or not."""
        self._decided.update(dict.fromkeys([ended.span.context.span_id for ended in entries], reason))
        while len(self._decided) > _MOST_REMEMBERED:
            self._decided.popitem(last=False)

    def _selected(self, spans: list[Any], reason: str | None) -> list[Any]:
        """Those of ``spans`` that are kept for ``reason``, saying with which probability they were; the others go."""
        if reason is not None and reason != "ratio":
            for span in spans:
                _say_certain(span)
            return spans
        kept = []
        for span in spans:
            if reason is not None and _is_sampled(span):
                kept.append(span)
            else:
                self._held.pop(span, None)
        return kept

    def _expired(self, now_ns: int) -> list[Any]:
        found: list[Any] = []
        while (oldest := next(iter(self._waiting.items()), None)) is not None:
            trace_id, waiting = oldest
            if now_ns - waiting.since_ns < self._max_age_ns:
                break
            self.early["age"] += 1
            found += self._given_up(trace_id)
        return found

    def _rest(self) -> list[Any]:
        return [span for trace_id in list(self._waiting) for span in self._given_up(trace_id)]

    def _sure(self) -> list[Any]:
        sure = [trace_id for trace_id, waiting in self._waiting.items() if _is_sure(waiting)]
        return [span for trace_id in sure for span in self._given_up(trace_id)]


def _popped(queue: deque[Any]) -> Any:
    """The first; None when somebody else has taken it since it was seen there."""
    try:
        return queue.popleft()
    except IndexError:
        return None


def _observations(key: str, counts: Counter[str], _options: CallbackOptions) -> list[Observation]:
    return [Observation(count, {key: value}) for value, count in dict(counts).items()]


def _is_sure(waiting: _Waiting) -> bool:
    return any(
        ended.reason is not None or _is_sampled(ended.span) for entries in waiting.by_parent.values() for ended in entries
    )


def _is_sampled(span: Any) -> bool:
    return bool(span.context.trace_flags.sampled)


def _say_certain(span: Any) -> None:
    # The head's probability would scale it up; every trace of its kind is kept.
    context = span.context
    state = with_threshold(context.trace_state, _CERTAIN)
    if type(span) is Span:
        span._trace_state = state
    span._context = SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)


def _size_bytes(span: Any) -> int:
    # Asking a native span for events would build them. The official one's attributes and events hold a plain lock while they
    # are gone through, in which a signal handler that closes this would wait for ever.
    is_native, size_bytes = type(span) is Span, _SPAN_BYTES
    attributes = span.attributes or {}
    for value in (attributes if is_native else attributes.copy()).values():
        size_bytes += _ATTRIBUTE_BYTES + (len(value) if isinstance(value, (str, bytes, tuple)) else 0)
    rare = span._rare if is_native else None
    events = span._events if not is_native else rare.events if rare is not None else ()
    return size_bytes + _EVENT_BYTES * len(events)
