"""Makes a context the current one for a while, also when the while ends somewhere else than it began.

A generator's body may be resumed in another ``contextvars`` context than the one it was suspended in, and a block may be left
in another task than it was entered in. Then the token of the entering cannot be used, and nothing is said about it.
"""

from __future__ import annotations

from contextvars import Token
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.context import Context


class Current:
    """One stay of ``context`` as the current context. Used once: enter, then leave."""

    __slots__ = ("_before", "_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._before = context_api.get_current()
        self._token: Any = context_api.attach(context)

    def leave(self) -> None:
        """Bring back what was current before, unless something else has taken its place here meanwhile."""
        if not isinstance(self._token, Token):
            context_api.detach(self._token)  # a runtime context of somebody else's making
            return
        try:
            self._token.var.reset(self._token)
        except ValueError:  # entered in another contextvars context
            if context_api.get_current() is self._context:
                context_api.attach(self._before)
