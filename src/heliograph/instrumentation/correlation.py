"""The ids of the current span, for the application's own log lines.

Called by ``logs.py`` and by the bridges of other logging libraries; calls nothing but the current context.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from opentelemetry.trace import get_current_span

TRACE_ID: Final = "trace_id"
SPAN_ID: Final = "span_id"
SERVICE_NAME: Final = "service_name"


class Ids(NamedTuple):
    """In hexadecimal, as backends show them; empty outside of a span."""

    trace_id: str = ""
    span_id: str = ""


_NOWHERE: Final = Ids()


def current_ids() -> Ids:
    """Of the span that is current here, sampled or not."""
    context = get_current_span().get_span_context()
    return Ids(f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else _NOWHERE
