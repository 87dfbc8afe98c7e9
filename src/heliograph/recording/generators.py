"""Generators inside a span: the span is current while the body runs, and not while the consumer does.

The two functions below differ only where the language makes them: ``yield`` and ``await`` cannot be shared.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.trace import Span, set_span_in_context

from heliograph.recording.context import Current

Start = Callable[[], Span]
Finish = Callable[[Span, BaseException | None], None]


class _Body:
    """The span of one generator, with the context in which its body was last suspended."""

    def __init__(self, start: Start) -> None:
        self.span = start()
        self._context = set_span_in_context(self.span)

    @contextmanager
    def running(self) -> Iterator[None]:
        stay = Current(self._context)
        try:
            yield
        finally:
            # The body may be suspended inside a span of its own, which is current again when it goes on.
            self._context = context_api.get_current()
            stay.leave()


def generator_in_span(
    function: Callable[..., Generator[Any, Any, Any]], start: Start, finish: Finish
) -> Callable[..., Generator[Any, Any, Any]]:
    """Wrap a generator function: each generator it makes runs in a span that starts at its first item."""

    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        body, error = _Body(start), None
        try:
            steps = function(*args, **kwargs)
            resume: Callable[[], Any] = partial(next, steps)
            while True:
                with body.running():
                    item = resume()
                try:
                    resume = partial(steps.send, (yield item))
                except GeneratorExit:
                    with body.running():
                        steps.close()
                    raise
                except BaseException as thrown:  # whatever the consumer throws belongs to the body
                    resume = partial(steps.throw, thrown)
        except StopIteration as stop:
            return stop.value
        except BaseException as raised:
            error = raised
            raise
        finally:
            finish(body.span, error)

    return call


def async_generator_in_span(
    function: Callable[..., AsyncGenerator[Any, Any]], start: Start, finish: Finish
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Wrap an async generator function, as :func:`generator_in_span` does a generator function."""

    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        body, error = _Body(start), None
        try:
            steps = function(*args, **kwargs)
            first = _first_step(steps)
            resume: Callable[[], Any] = lambda: first  # noqa: E731  # the others are calls too
            while True:
                with body.running():
                    item = await resume()
                try:
                    resume = partial(steps.asend, (yield item))
                except GeneratorExit:
                    with body.running():
                        await steps.aclose()
                    raise
                except BaseException as thrown:  # whatever the consumer throws belongs to the body
                    resume = partial(steps.athrow, thrown)
        except StopAsyncIteration:
            return
        except BaseException as raised:
            error = raised
            raise
        finally:
            finish(body.span, error)

    return call


def _first_step(steps: AsyncGenerator[Any, Any]) -> Awaitable[Any]:
    """Begin ``steps`` without the event loop's noticing: it would close the body and the generator around it at once."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return steps.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)
