"""Runs programs about spans against any tracer provider.

Everything is a generator, so that a program can be suspended in the middle of its blocks: ``Pause`` is the only yield.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests.differential.span_steps import (
    Activate,
    Attached,
    Block,
    End,
    Flags,
    Observe,
    Parent,
    Pause,
    SpanSpec,
    Start,
    Step,
    Suspended,
    Target,
    Tasks,
    Threaded,
    Touch,
)
from tests.differential.span_touches import CAUGHT_AT_ONCE, ERRORS, TOUCHES, Keys, empty, made_context

Running = Generator[None, None, None]


class _Catching:
    """Ends an error of the program's own here, if it is to end here; notes what became of it on its way."""

    def __init__(self, interpreter: SpanInterpreter, *, catches: bool) -> None:
        self._interpreter = interpreter
        self._catches = catches

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        if error is None or not any(error is known for known in self._interpreter.raised):
            return False  # a generator being closed, or a fault of the recorder's
        self._interpreter.note("left by", type(error), type(error.__cause__), type(error.__context__))
        if not (self._catches or isinstance(error, CAUGHT_AT_ONCE)):
            return False
        error.__traceback__ = None  # it would keep suspended generators alive
        return True


class _Paused:
    def __await__(self) -> Iterator[None]:
        yield


class SpanInterpreter:
    """Runs one program once. ``observed`` is what the program saw of its spans."""

    def __init__(self, tracers: Sequence[Tracer], *, keys_are_unique: bool = False) -> None:
        self.observed: list[Any] = []
        self.raised: list[BaseException] = []
        self._tracers = tracers
        self._keys = Keys(are_unique=keys_are_unique)
        self._slots: dict[int, Span] = {}
        self._made: list[Span] = []

    def run(self, steps: Iterable[Step]) -> None:
        """Run ``steps`` in a context of their own, then end every span, in the order in which they were made."""
        contextvars.Context().run(self._run_to_end, self._steps(steps, INVALID_SPAN))
        for span in self._made:
            span.end()

    def note(self, *what: Any) -> None:
        self.observed.append(what)

    def _run_to_end(self, running: Iterable[None]) -> None:
        with _Catching(self, catches=True):
            for _ in running:
                pass
        self._observe(trace.get_current_span())

    def _steps(self, steps: Iterable[Step], own: Span) -> Running:
        for step in steps:
            yield from _RUN[type(step)](self, step, own)

    # Spans as the steps want them

    def _arguments(self, spec: SpanSpec) -> dict[str, Any]:
        return {
            "name": spec.name,
            "context": self._parent(spec.parent),
            "kind": spec.kind,
            "attributes": self._keys.made(spec.attributes),
            "links": [Link(made_context(link.context), self._keys.made(link.attributes)) for link in spec.links],
            "start_time": spec.started_at_ns,
        }

    def _parent(self, parent: Parent) -> Context | None:
        if parent == "current":
            return None
        if parent == "empty":
            return Context()
        span = self._slots.get(parent, INVALID_SPAN) if isinstance(parent, int) else _foreign(parent)
        return trace.set_span_in_context(span, Context())

    def _started(self, spec: SpanSpec, slot: int, **more: Any) -> Span:
        arguments = self._arguments(spec)
        span = self._tracer(spec).start_span(**arguments, **more)
        empty(arguments["attributes"])
        return self._kept(span, slot)

    def _tracer(self, spec: SpanSpec) -> Tracer:
        return self._tracers[spec.tracer % len(self._tracers)]

    def _kept(self, span: Span, slot: int) -> Span:
        self._slots[slot] = span
        self._made.append(span)
        return span

    def _meant(self, target: Target, own: Span) -> Span:
        if target == "own":
            return own
        return trace.get_current_span() if target == "current" else self._slots.get(target, INVALID_SPAN)

    # Steps

    def _run_start(self, step: Start, _own: Span) -> Iterable[None]:
        self._started(step.span, step.slot)
        return ()

    def _run_end(self, step: End, own: Span) -> Iterable[None]:
        self._meant(step.target, own).end(step.ended_at_ns)
        return ()

    def _run_touch(self, step: Touch, own: Span) -> Iterable[None]:
        TOUCHES[step.call](self._meant(step.target, own), self._keys, *step.arguments)
        return ()

    def _run_observe(self, step: Observe, own: Span) -> Iterable[None]:
        self._observe(self._meant(step.target, own))
        return ()

    def _run_pause(self, _step: Pause, _own: Span) -> Iterable[None]:
        return (None,)

    def _run_attached(self, step: Attached, own: Span) -> Running:
        token = context_api.attach(trace.set_span_in_context(_foreign(step.context)))
        try:
            yield from self._steps(step.body, own)
        finally:
            context_api.detach(token)

    def _run_activate(self, step: Activate, _own: Span) -> Running:
        span = self._slots.get(step.slot, INVALID_SPAN)
        yield from self._in_use(span, step.flags, step.body, step.error, catches=True)

    def _in_use(self, span: Span, flags: Flags, body: Iterable[Step], error: str | None, *, catches: bool) -> Running:
        given = {
            "end_on_exit": flags.end_on_exit,
            "record_exception": flags.record_exception,
            "set_status_on_exception": flags.set_status_on_exception,
        }
        with _Catching(self, catches=catches), trace.use_span(span, **given):
            yield from self._steps(body, span)
            self._raise(error)

    def _raise(self, error: str | None) -> None:
        if error is not None:
            self.raised.append(ERRORS[error]())
            raise self.raised[-1]

    # Blocks

    def _run_block(self, step: Block, _own: Span) -> Running:
        yield from _HOW[step.how](self, step)

    def _manager(self, step: Block) -> Any:
        flags = step.flags
        return self._tracer(step.span).start_as_current_span(
            **self._arguments(step.span),
            record_exception=flags.record_exception,
            set_status_on_exception=flags.set_status_on_exception,
            end_on_exit=flags.end_on_exit,
        )

    def _block_with(self, step: Block) -> Running:
        with _Catching(self, catches=step.catches), self._manager(step) as span:
            self._kept(span, step.slot)
            yield from self._steps(step.body, span)
            self._raise(step.error)

    def _block_decorated(self, step: Block) -> Iterable[None]:
        @self._manager(step)
        def work(said: str) -> str:
            """Says what it was told."""
            span = self._kept(trace.get_current_span(), step.slot)
            for _ in self._steps(step.body, span):
                pass
            self._raise(step.error)
            return said

        self.note("decorated", work.__name__, work.__doc__)
        for number in range(step.calls):
            with _Catching(self, catches=step.catches):
                self.note("returned", work(said=str(number)))
        return ()

    def _block_decorated_async(self, step: Block) -> Running:
        @self._manager(step)
        async def work(said: str) -> str:
            """Says what it was told, later."""
            span = self._kept(trace.get_current_span(), step.slot)
            for _ in self._steps(step.body, span):
                await _Paused()
            self._raise(step.error)
            return said

        self.note("decorated", work.__name__, work.__doc__)
        for number in range(step.calls):
            with _Catching(self, catches=step.catches):
                yield from _driven(work(said=str(number)), lambda said: self.note("returned", said))

    def _block_used(self, step: Block) -> Running:
        span = self._started(step.span, step.slot)
        yield from self._in_use(span, step.flags, step.body, step.error, catches=step.catches)

    def _block_span(self, step: Block) -> Running:
        flags = step.flags
        span = self._started(
            step.span,
            step.slot,
            record_exception=flags.record_exception,
            set_status_on_exception=flags.set_status_on_exception,
        )
        with _Catching(self, catches=step.catches), span as entered:
            self.note("entered itself", entered is span)
            yield from self._steps(step.body, span)
            self._raise(step.error)

    # Threads, tasks and generators

    def _run_threaded(self, step: Threaded, own: Span) -> Iterable[None]:
        running = self._steps(step.body, own)
        context = contextvars.Context() if step.how == "bare thread" else contextvars.copy_context()
        if step.how == "pool":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(context.run, self._run_to_end, running).result()
        else:
            _in_thread(lambda: context.run(self._run_to_end, running))
        return ()

    def _run_tasks(self, step: Tasks, own: Span) -> Iterable[None]:
        async def one(running: Running) -> None:
            with _Catching(self, catches=True):
                for _ in running:
                    await asyncio.sleep(0)
            self._observe(trace.get_current_span())

        async def every() -> None:
            await asyncio.gather(*(one(self._steps(body, own)) for body in step.bodies))

        # A thread of its own, for there may be a loop in this one.
        context = contextvars.copy_context()
        _in_thread(lambda: context.run(asyncio.run, every()))
        return ()

    def _run_suspended(self, step: Suspended, own: Span) -> Running:
        running = self._steps(step.body, own)
        with _Catching(self, catches=True):
            next(running, None)
        copied = contextvars.copy_context()
        self._observe(trace.get_current_span())
        yield from self._steps(step.meanwhile, own)
        if step.finish == "in a copy":
            copied.run(self._finished, running)
        elif step.finish == "in a thread":
            _in_thread(partial(copied.run, self._finished, running))
        elif step.finish == "closed":
            running.close()
        elif step.finish == "thrown into":
            self.raised.append(ERRORS["value"]())
            with _Catching(self, catches=True), contextlib.suppress(StopIteration):  # its end, when it catches the error
                running.throw(self.raised[-1])
            self._finished(running)
        elif step.finish == "here":
            self._finished(running)
        del running
        self._observe(trace.get_current_span())

    def _finished(self, running: Running) -> None:
        with _Catching(self, catches=True):
            for _ in running:
                pass

    def _observe(self, span: Span) -> None:
        context, carrier = span.get_span_context(), {}
        TraceContextTextMapPropagator().inject(carrier)
        seen: list[Any] = [context, span.is_recording(), span == INVALID_SPAN, isinstance(span, NonRecordingSpan), carrier]
        if span.is_recording():
            readable: Any = span
            seen += [readable.name, readable.kind, readable.parent, list(readable.attributes.items())]
        self.note("saw", *seen)


def _foreign(context: Any) -> Span:
    return NonRecordingSpan(made_context(context))


def _driven(work: Coroutine[Any, Any, Any], tell: Callable[[Any], None]) -> Running:
    """Run a coroutine to its end, without a loop."""
    try:
        while True:
            try:
                work.send(None)
            except StopIteration as returned:
                tell(returned.value)
                return
            yield
    finally:
        work.close()


def _in_thread(work: Callable[[], Any]) -> None:
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # raised where the test sees it
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure


_HOW: dict[str, Callable[[SpanInterpreter, Block], Iterable[None]]] = {
    "with": SpanInterpreter._block_with,
    "decorator": SpanInterpreter._block_decorated,
    "async decorator": SpanInterpreter._block_decorated_async,
    "use_span": SpanInterpreter._block_used,
    "span": SpanInterpreter._block_span,
}
_RUN: dict[type, Callable[[SpanInterpreter, Any, Span], Iterable[None]]] = {
    Block: SpanInterpreter._run_block,
    Start: SpanInterpreter._run_start,
    Activate: SpanInterpreter._run_activate,
    End: SpanInterpreter._run_end,
    Touch: SpanInterpreter._run_touch,
    Observe: SpanInterpreter._run_observe,
    Pause: SpanInterpreter._run_pause,
    Attached: SpanInterpreter._run_attached,
    Threaded: SpanInterpreter._run_threaded,
    Tasks: SpanInterpreter._run_tasks,
    Suspended: SpanInterpreter._run_suspended,
}
