"""A span that is current: what ``start_as_current_span`` gives.

A context manager, an asynchronous one, and a decorator of functions, coroutine functions and generators. Made by the tracer.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Final, TypeVar, cast

from opentelemetry.context import Context
from opentelemetry.trace import Span as ApiSpan
from opentelemetry.trace import SpanKind

from heliograph.recording.context import CURRENT, SPAN_KEY, leave_elsewhere
from heliograph.recording.generators import async_generator_in_span, generator_in_span
from heliograph.recording.traces.span import Span

F = TypeVar("F", bound=Callable[..., Any])


class SpanActivation:
    """Starts its span where the block begins, and ends it where the block is left. Used for one block; as a decorator each
    call has a span of its own."""

    # Filled by the tracer, without a constructor: its call would cost as much as half of the rest, and so would one with a
    # tuple of the arguments that they are.
    _ARGUMENTS: ClassVar = (
        "_name",
        "_context",
        "_kind",
        "_attributes",
        "_links",
        "_start_time",
        "_records_exception",
        "_sets_status",
    )
    __slots__ = (*_ARGUMENTS, "_is_ended_on_exit", "_span", "_token", "_tracer")

    _tracer: Any
    _name: str
    _context: Context | None
    _kind: SpanKind
    _attributes: Any
    _links: Any
    _start_time: int | None
    _records_exception: bool
    _sets_status: bool
    _is_ended_on_exit: bool

    def __enter__(self) -> ApiSpan:
        self._span = span = self._tracer.start_span(
            self._name,
            self._context,
            self._kind,
            self._attributes,
            self._links,
            self._start_time,
            self._records_exception,
            self._sets_status,
        )
        before = CURRENT.get()  # as enter() does, without its call
        self._token = CURRENT.set(Context({**before, SPAN_KEY: span} if before else {SPAN_KEY: span}))
        return span  # type: ignore[no-any-return]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        span = self._span
        try:
            CURRENT.reset(self._token)
        except ValueError:  # entered in another contextvars context
            leave_elsewhere(self._token, span)
        if type(span) is Span:  # one that is not recorded has nothing to end
            # Only what is an error: a cancelled task or a closed generator did not fail.
            if error is not None and isinstance(error, Exception):
                span.fail(error)
            if self._is_ended_on_exit:
                span.end()

    async def __aenter__(self) -> ApiSpan:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        """Decorate ``function``, which stays what it was; the span of a generator lasts from its first item to its end, and is
        current while its body runs."""
        wrap = next((wrap for is_kind, wrap in _WRAPPERS if is_kind(function)), _wrap_function)
        return cast("F", functools.wraps(function)(wrap(self, function)))

    def _again(self) -> SpanActivation:
        again = SpanActivation()
        for field in ("_tracer", "_is_ended_on_exit", *self._ARGUMENTS):
            setattr(again, field, getattr(self, field))
        return again

    def _begin(self) -> ApiSpan:
        span: ApiSpan = self._tracer.start_span(*(getattr(self, field) for field in self._ARGUMENTS))
        return span

    def _end(self, span: ApiSpan, error: BaseException | None) -> None:
        if isinstance(error, Exception) and type(span) is Span:
            span.fail(error)
        if self._is_ended_on_exit:
            span.end()


def _wrap_function(activation: SpanActivation, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with activation._again():
            return function(*args, **kwargs)

    return call


def _wrap_coroutine_function(activation: SpanActivation, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with activation._again():
            return await function(*args, **kwargs)

    return call


def _wrap_generator_function(activation: SpanActivation, function: Callable[..., Any]) -> Callable[..., Any]:
    return generator_in_span(function, activation._begin, activation._end)


def _wrap_async_generator_function(activation: SpanActivation, function: Callable[..., Any]) -> Callable[..., Any]:
    return async_generator_in_span(function, activation._begin, activation._end)


_WRAPPERS: Final = (
    (inspect.isasyncgenfunction, _wrap_async_generator_function),
    (inspect.iscoroutinefunction, _wrap_coroutine_function),
    (inspect.isgeneratorfunction, _wrap_generator_function),
)
