"""A span that is not recorded: it carries the decision on to what is below it, and costs as little as can be."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import DEFAULT_TRACE_STATE, NonRecordingSpan, SpanContext, TraceFlags, TraceState

from heliograph.recording.traces import ids

# TraceFlags is a class of its own; its 256 values are made once.
FLAGS: Final = tuple(TraceFlags(number) for number in range(256))

RANDOM: Final = 2  # W3C Trace Context Level 2, "random-trace-id"

_new: Final = object.__new__
new_context: Final[Any] = tuple.__new__  # SpanContext's constructor without its checks: for ids that are known to be valid


class UnrecordedSpan(NonRecordingSpan):
    """Its ids and its context are made when somebody asks for them, who sends them on. Made by the tracer.

    ``_decided`` is the trace id, the span id (0 is to be made), the flags and the trace state; None for a new trace of which
    nothing is known yet.
    """

    __slots__ = ("_decided", "_known")

    _decided: tuple[int, int, int, TraceState] | None
    _known: SpanContext | None

    def get_span_context(self) -> SpanContext:
        context = self._known
        if context is None:
            trace_id, span_id, flags, state = self._decided or (ids.trace_id(), 0, RANDOM, DEFAULT_TRACE_STATE)
            made = new_context(SpanContext, (trace_id, span_id or ids.span_id(), False, FLAGS[flags], state, True))
            context = self._known = self._known or made  # another thread may have asked meanwhile
        return context

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_span_context()!r})"


def unrecorded_root() -> UnrecordedSpan:
    """The beginning of a trace that is not recorded, whatever its id will be."""
    span: UnrecordedSpan = _new(UnrecordedSpan)
    span._decided = span._known = None
    return span


def unrecorded_span(trace_id: int, span_id: int, flags: int, state: TraceState) -> UnrecordedSpan:
    """A span of a trace that is known."""
    span: UnrecordedSpan = _new(UnrecordedSpan)
    span._decided, span._known = (trace_id, span_id, flags, state), None
    return span
