"""A span that is not recorded: it carries the decision on to what is below it, and costs as little as can be."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from heliograph.recording.traces import ids

# TraceFlags is a class of its own; its 256 values are made once.
FLAGS: Final = tuple(TraceFlags(number) for number in range(256))

new_context: Final[Any] = tuple.__new__  # SpanContext's constructor without its checks: for ids that are known to be valid


class UnrecordedSpan(NonRecordingSpan):
    """Its own id and its context are made when somebody asks for them, who sends them on. Made by the tracer."""

    __slots__ = ("_flags", "_known", "_trace_id", "_trace_state")

    _known: SpanContext | None
    _trace_id: int
    _flags: int
    _trace_state: TraceState

    def get_span_context(self) -> SpanContext:
        context = self._known
        if context is None:
            fields = (self._trace_id, ids.span_id(), False, FLAGS[self._flags], self._trace_state, True)
            made = new_context(SpanContext, fields)
            context = self._known = self._known or made  # another thread may have asked meanwhile
        return context

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_span_context()!r})"
