"""``telemetry.span(...)``: one object that is a context manager and a decorator, for sync and async code and generators.

Called by application code through the manager; calls the OpenTelemetry tracer that records at the moment.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar, cast

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, Status, StatusCode, Tracer

from heliograph.recording.context import enter, leave
from heliograph.recording.generators import async_generator_in_span, generator_in_span
from heliograph.recording.mishaps import Mishaps
from heliograph.text import described, plain, shown

P = ParamSpec("P")
R = TypeVar("R")

_INTERNAL: Final = SpanKind.INTERNAL


class Spans:
    """Starts and ends spans on the tracer that ``tracer()`` returns at that moment; never raises."""

    def __init__(self, tracer: Callable[[], Tracer], mishaps: Mishaps) -> None:
        self._tracer = tracer
        self._mishaps = mishaps

    def start(
        self,
        name: str,
        attributes: Any,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
        parent: Context | None = None,
    ) -> Span:
        """Start a span without making it current; one that does nothing when the tracer cannot start it."""
        try:
            if type(name) is not str:
                name = self._text(name)
            if type(attributes) is not dict:
                attributes = self._mapping(attributes)
            if kind is not _INTERNAL and type(kind) is not SpanKind:
                kind, attributes = _INTERNAL, self._with_kind(attributes, kind)
            return self._tracer().start_span(name, parent, kind, attributes, links)
        except Exception as error:  # samplers, processors and odd values may raise anything; the application goes on
            self._mishaps.note("span.start", error)
            return self._plainly(name, attributes, parent)

    def _plainly(self, name: object, attributes: object, parent: Context | None) -> Span:
        """A second try with nothing that could be odd; its children still have a parent then."""
        try:
            plain_attributes = {shown(key): plain(value) for key, value in self._mapping(attributes).items()}
            return self._tracer().start_span(shown(name), context=parent, attributes=plain_attributes)
        except Exception:  # then it was not the values; what it was has been noted
            return INVALID_SPAN

    def joined(self, attributes: Any, more: dict[str, Any]) -> Mapping[str, Any]:
        """Both as one mapping; ``more`` wins."""
        return {**self._mapping(attributes), **more} if attributes is not None else more

    def _text(self, name: object) -> str:
        if isinstance(name, str):
            return name
        self._mishaps.note("span.name", f"{shown(name)} is no text; its str() was used")
        return shown(name)

    def _with_kind(self, attributes: dict[str, Any], kind: object) -> dict[str, Any]:
        """``span("pack", kind="lamp")`` means an attribute, most likely."""
        if kind is None:
            return attributes
        self._mishaps.note("span.kind", f"{shown(kind)} is no SpanKind (SpanKind.SERVER); it is set as the attribute 'kind'")
        return {"kind": kind, **attributes}

    def _mapping(self, attributes: object) -> dict[str, Any]:
        try:
            return dict(attributes) if isinstance(attributes, Mapping) else self._no_mapping(attributes)
        except Exception as error:  # a mapping of the user's own may raise anything; the span goes without it
            return self._no_mapping(error)

    def _no_mapping(self, given: object) -> dict[str, Any]:
        if given is not None:
            self._mishaps.note("span.attributes", f"expected a mapping of names to values: {shown(given)}")
        return {}

    def finish(self, span: Span, error: BaseException | None) -> None:
        """End ``span``; an ``Exception`` is recorded on it and sets its status. Cancellation and exits are no errors."""
        if error is not None and isinstance(error, Exception):
            self._record_failure(span, error)
        try:
            span.end()
        except Exception as mishap:  # a processor may raise anything
            self._mishaps.note("span.end", mishap)

    def _record_failure(self, span: Span, error: Exception) -> None:
        try:
            if span.is_recording():
                span.set_status(Status(StatusCode.ERROR, described(error)))
                span.record_exception(error)
        except Exception as mishap:  # an exception whose __str__ raises, for one
            self._mishaps.note("span.record_exception", mishap)


class SpanScope:
    """A span that starts where a ``with`` block or a call begins and ends where it ends.

    As a decorator, each call gets a span of its own; that of a generator lasts from its first item to its end, and is the
    current span while its body runs, not in between. Thread-safe as a decorator; use one ``with`` at a time otherwise.
    """

    __slots__ = ("_arguments", "_open", "_spans")

    def __init__(self, spans: Spans, name: str, attributes: Any, kind: SpanKind, links: Sequence[Link]) -> None:
        if type(name) is not str and inspect.isroutine(name):
            raise TypeError(
                f"span() was given {name!r}, expected the span's name as text; "
                "decorate with @telemetry.trace, or with @telemetry.span('name')"
            )
        self._spans = spans
        self._arguments = (name, attributes, kind, links)
        self._open: tuple[Any, ...] = ()  # the span, its token, and the same of the block around that this object is used for

    def __enter__(self) -> Span:
        span = self._spans.start(*self._arguments)
        self._open = (span, enter(span), self._open)
        return span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        span, token, self._open = self._open
        leave(token, span)
        self._spans.finish(span, error)

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate ``function``, which stays what it was: a function, coroutine function, generator or async generator."""
        wrap = next((wrap for is_kind, wrap in _WRAPPERS if is_kind(function)), _wrap_function)
        return cast("Callable[P, R]", functools.wraps(function)(wrap(self, function)))

    def _start(self) -> Span:
        return self._spans.start(*self._arguments)

    def _again(self) -> SpanScope:
        return SpanScope(self._spans, *self._arguments)


def _wrap_function(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with scope._again():
            return function(*args, **kwargs)

    return call


def _wrap_coroutine_function(scope: SpanScope, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with scope._again():
            return await function(*args, **kwargs)

    return call


def _wrap_generator_function(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    return generator_in_span(function, scope._start, scope._spans.finish)


def _wrap_async_generator_function(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    return async_generator_in_span(function, scope._start, scope._spans.finish)


_WRAPPERS: tuple[tuple[Callable[[object], bool], Callable[[SpanScope, Callable[..., Any]], Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _wrap_async_generator_function),
    (inspect.iscoroutinefunction, _wrap_coroutine_function),
    (inspect.isgeneratorfunction, _wrap_generator_function),
)
