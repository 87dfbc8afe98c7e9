"""Span processors of the SDK that an application attached. One that raises or hangs costs nothing but itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor

from heliograph.recording.mishaps import Mishaps
from heliograph.recording.traces import readable

if TYPE_CHECKING:
    from heliograph.recording.traces.span import Span


class Processors:
    """Several as one. Replaced as a whole when one is added, so it is read without a lock."""

    def __init__(self, processors: tuple[SpanProcessor, ...], mishaps: Mishaps) -> None:
        self._span_processors = processors  # the name that the SDK's own has, for who looks there
        self._mishaps = mishaps

    def start(self, span: Span, parent_context: Context | None) -> None:
        """A span has started."""
        for processor in self._span_processors:
            self._call(processor.on_start, span, parent_context=parent_context)

    def end(self, span: Span) -> None:
        """A span has ended."""
        for processor in self._span_processors:
            # Only processors of newer releases of the SDK have it.
            if (on_ending := getattr(processor, "_on_ending", None)) is not None:
                self._call(on_ending, span)
        shown = readable.view(span)
        for processor in self._span_processors:
            self._call(processor.on_end, shown)

    def _call(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        try:
            call(*arguments, **options)
        except Exception as error:  # somebody else's code; the application and the other processors go on
            self._mishaps.note("span processor", error)

    def force_flush(self, timeout_s: float) -> bool:
        """Flush each; true when each said within ``timeout_s`` seconds for all together that it did."""
        timeout_ms = max(0, round(timeout_s * 1000))
        results = run_each([_flushing(processor, timeout_ms) for processor in self._span_processors], timeout_s, self._mishaps)
        return all(result is not False for result in results)

    def shutdown(self, timeout_s: float) -> bool:
        """Shut each down; true when each did within ``timeout_s`` seconds for all together."""
        results = run_each([processor.shutdown for processor in self._span_processors], timeout_s, self._mishaps)
        return all(result is not False for result in results)


def _flushing(processor: SpanProcessor, timeout_ms: int) -> Callable[[], Any]:
    return lambda: processor.force_flush(timeout_ms)


def run_each(calls: list[Callable[[], Any]], timeout_s: float, mishaps: Mishaps) -> list[Any]:
    """Run all at once, each on a thread of its own that is left behind when it hangs; False for what hangs or raises."""
    results: list[Any] = [False] * len(calls)

    def run(at: int) -> None:
        try:
            results[at] = calls[at]()
        except BaseException as error:  # somebody else's code
            mishaps.note("span processor", error)

    threads = [threading.Thread(target=run, args=(at,), name="heliograph-flush", daemon=True) for at in range(len(calls))]
    deadline = monotonic() + timeout_s
    for at, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError:  # the interpreter is exiting: no threads any more
            run(at)
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - monotonic()))
    return list(results)
