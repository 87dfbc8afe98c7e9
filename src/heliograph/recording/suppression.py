"""Keeps our own traffic out of our own telemetry: instrumented HTTP clients make no spans inside this context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context

# The two keys under which instrumentation packages look (opentelemetry-instrumentation, `utils.suppress_instrumentation`):
# the older ones read the plain name, the newer ones the API's own key.
_KEYS = ("suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY)


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


def is_suppressed() -> bool:
    """Whether this code runs on behalf of telemetry itself."""
    return bool(context.get_value(_KEYS[1]))
