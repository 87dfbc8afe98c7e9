"""Keeps out of our telemetry what is about telemetry: our own traffic, and probes with everything below them.

Within :func:`suppressed_instrumentation` instrumented libraries record nothing, while spans that the application makes itself
are recorded. Within :func:`suppressed_spans` nobody makes a span: the current one is a :class:`SuppressedSpan`, which the
native tracer gives in the place of each span below it; the official SDK asks the sampler, which looks at the context. Requests
are not measured there; logs, and metrics that must add up (connections in use), go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan

from heliograph.recording.context import CURRENT, SPAN_KEY, leave

# The two keys under which instrumentation packages look (opentelemetry-instrumentation, `utils.suppress_instrumentation`):
# the older ones read the plain name, the newer ones the API's own key.
_KEYS: Final = ("suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY)
_HTTP_KEY: Final = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY
_SPANS_KEY: Final = context.create_key("heliograph-suppressed-spans")


class SuppressedSpan(NonRecordingSpan):
    """Stands for every span of a context in which nothing is recorded. It has no ids, so that nothing is sent on either."""


SUPPRESSED: Final = SuppressedSpan(INVALID_SPAN_CONTEXT)


@contextmanager
def suppressed_instrumentation() -> Iterator[None]:
    """Suppress instrumentation in the current context until the block ends."""
    changed = context.get_current()
    for key in _KEYS:
        changed = context.set_value(key, value=True, context=changed)
    token = context.attach(changed)
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def suppressed_spans() -> Iterator[None]:
    """Suppress spans of any kind, and what is measured of HTTP requests, in the current context until the block ends."""
    token = CURRENT.set(silenced(CURRENT.get()))
    try:
        yield
    finally:
        leave(token, SUPPRESSED)


def silenced(current: Context) -> Context:
    """``current`` as a context in which nobody makes a span."""
    return Context({**current, _HTTP_KEY: True, _SPANS_KEY: True, SPAN_KEY: SUPPRESSED})


def is_suppressed() -> bool:
    """Whether this code runs on behalf of telemetry itself."""
    return bool(context.get_value(_KEYS[1]))


def is_silenced(current: Context | None = None) -> bool:
    """Whether nobody makes a span in ``current``, by default in the current context."""
    return bool(context.get_value(_SPANS_KEY, current))
