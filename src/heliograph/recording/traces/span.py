"""The native span: a span of the OpenTelemetry API that does the least that it can.

Made by the tracer, ended by the application, encoded by ``otlp/traces.py`` as it lies. What most spans do not have (events,
links, losses) is not made before it is needed. No lock is held: each step that must not be torn is one that the interpreter
does not interrupt (docs/adr/0004), so a signal handler or a finaliser may record at any moment.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import monotonic_ns, time_ns
from types import MappingProxyType, TracebackType
from typing import Any, Final

from opentelemetry import trace as api
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes import exception_attributes
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceState

from heliograph.recording.attributes import SCALARS, put, put_all, taken
from heliograph.recording.exceptions import exception_fields
from heliograph.recording.traces import readable
from heliograph.recording.traces.rare import Rare, RecordedEvent, RecordedLink
from heliograph.recording.traces.source import Source
from heliograph.recording.traces.unrecorded import FLAGS, new_context
from heliograph.text import described, shown

logger = logging.getLogger("heliograph.recording")

UNSET: Final = Status(StatusCode.UNSET)
_OK: Final = StatusCode.OK


class Span(api.Span):
    """Thread-safe. After :meth:`end` every call is ignored, with one line in the log.

    Times are in ns since the epoch. The duration is measured by the monotonic clock, so it is never negative, unless the
    caller gives a time, which is taken as it is (an end before the start as the start).
    """

    __slots__ = (
        "_attributes",
        "_context",
        "_end_time",
        "_flags",
        "_is_open",
        "_kind",
        "_name",
        "_parent",
        "_rare",
        "_records_exception",
        "_sets_status",
        "_source",
        "_span_id",
        "_start_time",
        "_started_at",
        "_status",
        "_trace_id",
        "_trace_state",
    )

    _source: Source
    _trace_id: int
    _span_id: int
    _flags: int
    _trace_state: TraceState
    _context: SpanContext | None
    _parent: SpanContext | None
    _name: Any
    _kind: SpanKind
    _attributes: dict[str, Any]
    _rare: Rare | None
    _status: Status
    _start_time: int
    _started_at: int | None  # monotonic; None when the application gave the start
    _end_time: int | None
    _is_open: bool
    _records_exception: bool
    _sets_status: bool

    # Recording

    def get_span_context(self) -> SpanContext:
        context = self._context
        if context is None:
            fields = (self._trace_id, self._span_id, False, FLAGS[self._flags], self._trace_state, True)
            context = self._context = new_context(SpanContext, fields)
        return context

    def is_recording(self) -> bool:
        return self._is_open

    def set_attribute(self, key: str, value: Any) -> None:
        attributes, source = self._attributes, self._source
        if type(value) in SCALARS and self._is_open and type(key) is str and key and len(attributes) < source.most_simple:
            attributes[key] = value
        elif self._is_open_for("set_attribute"):
            limits = source.limits
            self._lose(put(attributes, key, value, limits.max_span_attributes, limits.max_span_attribute_length))

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        kept, source = self._attributes, self._source
        if (
            type(attributes) is dict
            and self._is_open
            and len(kept) + len(attributes) <= source.most_simple
            and "" not in attributes
        ):
            try:
                for value in attributes.values():
                    if type(value) not in SCALARS:
                        break
                else:
                    kept.update(attributes)
                    return
            except RuntimeError:  # another thread changes the mapping meanwhile
                pass
        if self._is_open_for("set_attributes"):
            limits = source.limits
            self._lose(put_all(kept, attributes, limits.max_span_attributes, limits.max_span_attribute_length))

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        if self._is_open_for("add_event"):
            self._add_event(name, attributes, timestamp, 0)

    def _add_event(self, name: str, attributes: Any, timestamp: int | None, dropped: int) -> None:
        limits, rare = self._source.limits, self._with_rare()
        if limits.max_events is not None and len(rare.events) >= limits.max_events:
            rare.dropped_events += 1
            return
        kept, more = taken(attributes, limits.max_event_attributes, limits.max_attribute_length)
        rare.events.append(RecordedEvent(name, time_ns() if timestamp is None else timestamp, kept, dropped + more))

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        if self._is_open_for("add_link"):
            self._add_link(context, attributes)

    def add_links(self, links: Any) -> None:
        """The links that it starts with; what is no link is ignored."""
        try:
            found = list(links)
        except Exception as error:  # something else in the place of links
            self._source.mishaps.note("span.links", error)
            return
        for link in found:
            try:
                self._add_link(link.context, link.attributes)
            except Exception as error:  # something else in the place of a link
                self._source.mishaps.note("span.links", error)

    def _add_link(self, context: Any, attributes: Any) -> None:
        # A link to nowhere is kept if it says anything (OpenTelemetry specification, "Link").
        if not (isinstance(context, SpanContext) and (context.is_valid or attributes or context.trace_state)):
            return
        limits, rare = self._source.limits, self._with_rare()
        if limits.max_links is not None and len(rare.links) >= limits.max_links:
            rare.dropped_links += 1
            return
        kept, dropped = taken(attributes, limits.max_link_attributes, limits.max_attribute_length)
        rare.links.append(RecordedLink(context, kept, dropped))

    def update_name(self, name: str) -> None:
        if self._is_open_for("update_name"):
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        if not self._is_open_for("set_status") or self._status._status_code is _OK:
            return
        given: Any = status
        if isinstance(given, StatusCode):
            given = Status(given, description)
        elif not isinstance(given, Status):
            self._source.mishaps.note("span.set_status", f"{shown(given)} is no Status and no StatusCode; it was ignored")
            return
        elif description is not None:
            logger.warning("set_status() was given a Status and a description; the description is ignored")
        if given.status_code is not StatusCode.UNSET:
            self._status = given

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002  # the API's signature
    ) -> None:
        if not self._is_open_for("record_exception"):
            return
        found = exception_fields(exception)
        found[exception_attributes.EXCEPTION_ESCAPED] = str(escaped)
        dropped = put_all(found, attributes, None, None) if attributes is not None else 0
        self._add_event("exception", found, timestamp, dropped)

    def fail(self, error: BaseException, *, escaped: bool = False) -> None:
        """What a block does that ``error`` leaves: record it and set the status, as far as the span was started so."""
        if self._is_open:
            if self._records_exception:
                self.record_exception(error, escaped=escaped)
            if self._sets_status:
                self.set_status(Status(StatusCode.ERROR, described(error)))

    def end(self, end_time: int | None = None) -> None:
        was_open, self._is_open = self._is_open, False  # not torn: one of two threads that end it finds it open
        if not was_open:
            logger.warning("end() was called on a span that had ended already: %s", shown(self._name))
            return
        if end_time is not None:
            self._end_time = _not_before(self._start_time, end_time)
        elif self._started_at is not None:
            self._end_time = self._start_time + monotonic_ns() - self._started_at
        else:
            self._end_time = _not_before(self._start_time, time_ns())
        source = self._source
        if source.processors is not None:
            source.processors.end(self)
        if self._flags & 1 or source.is_all_taken:
            source.accept(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None:
            self.fail(error, escaped=True)
        self.end()

    def _is_open_for(self, call: str) -> bool:
        if not self._is_open:
            logger.warning("%s() was called on a span that has ended: %s", call, shown(self._name))
        return self._is_open

    def _with_rare(self) -> Rare:
        rare = self._rare
        if rare is None:
            made = Rare()
            # Another thread may have been here first: setting it must not lose what that one put in.
            rare = self._rare = self._rare or made
        return rare

    def _lose(self, count: int) -> None:
        if count:
            self._with_rare().dropped_attributes += count

    # Reading: the surface of the SDK's ReadableSpan, which instrumentations and processors ask.

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r}, context={self.get_span_context()!r})"

    @property
    def context(self) -> SpanContext:
        return self.get_span_context()

    @property
    def name(self) -> Any:
        return self._name

    @property
    def kind(self) -> SpanKind:
        return self._kind

    @property
    def parent(self) -> SpanContext | None:
        return self._parent

    @property
    def start_time(self) -> int:
        return self._start_time

    @property
    def end_time(self) -> int | None:
        return self._end_time

    @property
    def status(self) -> Status:
        return self._status

    @property
    def attributes(self) -> Mapping[str, Any]:
        return MappingProxyType(readable.named(self._attributes))

    @property
    def events(self) -> Sequence[Any]:
        return readable.events(self)

    @property
    def links(self) -> Sequence[api.Link]:
        return readable.links(self)

    @property
    def resource(self) -> Resource:
        return self._source.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        return self._source.scope

    @property
    def dropped_attributes(self) -> int:
        return self._rare.dropped_attributes if self._rare is not None else 0

    @property
    def dropped_events(self) -> int:
        return self._rare.dropped_events if self._rare is not None else 0

    @property
    def dropped_links(self) -> int:
        return self._rare.dropped_links if self._rare is not None else 0

    def to_json(self, indent: int | None = 4) -> str:
        """The span as the SDK shows it, in its JSON."""
        return str(readable.view(self).to_json(indent))


def _not_before(start_ns: int, end_ns: Any) -> int:
    if type(end_ns) is int:
        return max(start_ns, end_ns)
    try:
        return max(start_ns, int(end_ns))
    except Exception:  # no time at all: it ends now
        return max(start_ns, time_ns())


SdkSpan.register(Span)  # for who asks isinstance(span, opentelemetry.sdk.trace.Span)
