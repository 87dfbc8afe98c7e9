"""The current context and the current span, looked up as cheaply as the language allows.

The context is OpenTelemetry's own, under its own key, so that foreign code sees our current span and we see that of others.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any, Final

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace.propagation import _SPAN_KEY


class _Runtime:
    """A runtime context that somebody else plugged into OpenTelemetry, with the surface of a ``ContextVar``."""

    get = staticmethod(context_api.get_current)
    set = staticmethod(context_api.attach)
    reset = staticmethod(context_api.detach)


SPAN_KEY: Final = _SPAN_KEY

# `get()`, `set(context) -> token`, `reset(token)`.
CURRENT: Final[ContextVar[Context]] = (
    context_api._RUNTIME_CONTEXT._current_context
    if type(context_api._RUNTIME_CONTEXT) is ContextVarsRuntimeContext
    else _Runtime()  # type: ignore[assignment]
)


def enter(span: object) -> Any:
    """Make ``span`` the current one; returns the token with which :func:`leave` brings back what was before."""
    before = CURRENT.get()
    return CURRENT.set(Context({**before, SPAN_KEY: span} if before else {SPAN_KEY: span}))


def leave(token: Any, span: object) -> None:
    """Make current again what was so before the context with ``span`` took its place and ``token`` was given."""
    try:
        CURRENT.reset(token)
    except ValueError:
        leave_elsewhere(token, span)


def leave_elsewhere(token: Any, span: object) -> None:
    """The same where the token cannot be used: a generator's body may be resumed in another ``contextvars`` context than it
    was suspended in. Nothing is said about it, and what has taken the place meanwhile stays."""
    if CURRENT.get().get(SPAN_KEY) is span:
        before: Any = getattr(token, "old_value", Token.MISSING)
        CURRENT.set(Context() if before is Token.MISSING else before)


class Current:
    """One stay of a context with a span as the current context. Used once: enter, then leave."""

    __slots__ = ("_span", "_token")

    def __init__(self, context: Context) -> None:
        self._span = context.get(SPAN_KEY)
        self._token = CURRENT.set(context)

    def leave(self) -> None:
        """Bring back what was current before, unless something else has taken its place here meanwhile."""
        leave(self._token, self._span)
