"""Span processors of the SDK that an application attached. One that raises or hangs costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor

from heliograph.recording.attached import all_done
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.traces import readable

if TYPE_CHECKING:
    from heliograph.recording.traces.span import Span

_KIND: Final = "span processor"


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
            self._mishaps.note(_KIND, error)

    def force_flush(self, timeout_s: float) -> bool:
        """Flush each; true when each said within ``timeout_s`` seconds for all together that it did."""
        timeout_ms = max(0, round(timeout_s * 1000))
        flushes = [partial(processor.force_flush, timeout_ms) for processor in self._span_processors]
        return all_done(flushes, timeout_s, self._mishaps, _KIND)

    def shutdown(self, timeout_s: float) -> bool:
        """Shut each down; true when each did within ``timeout_s`` seconds for all together."""
        return all_done([processor.shutdown for processor in self._span_processors], timeout_s, self._mishaps, _KIND)
