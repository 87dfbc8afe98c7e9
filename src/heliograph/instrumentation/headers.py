"""The headers that a response tells its trace with: ``traceresponse`` (W3C Trace Context Level 2) and ``x-request-id``.

The instrumentation packages of web frameworks call OpenTelemetry's global response propagator, in whose place
:class:`ResponseHeaders` is put; our middleware calls :func:`response_headers`. A header that the application sets stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, get_current_span

TRACE: Final = "traceresponse"
REQUEST: Final = "x-request-id"

# Letters of UUIDs, of base64 and of what proxies make; what else comes is not sent back to anybody.
_SANE: Final = re.compile(r"[A-Za-z0-9._:/+=@~-]{1,128}").fullmatch
_asked: ContextVar[str | None] = ContextVar("heliograph_request_id", default=None)


def response_headers(context: SpanContext, request_id: str | None, present: Collection[str]) -> list[tuple[str, str]]:
    """The headers of a response in the span with ``context``. ``request_id`` is what the request said, ``present`` the names,
    in small letters, that the response has already."""
    trace_id = f"{context.trace_id:032x}"
    found = {
        TRACE: f"00-{trace_id}-{context.span_id:016x}-{context.trace_flags:02x}",
        REQUEST: request_id if request_id is not None and _SANE(request_id) else trace_id,
    }
    return [(name, value) for name, value in found.items() if name not in present]


@contextmanager
def asked_with(request_id: str | None) -> Iterator[None]:
    """Within the block, responses are to a request with the header ``x-request-id`` of this value."""
    token = _asked.set(request_id)
    try:
        yield
    finally:
        _asked.reset(token)


class ResponseHeaders:
    """OpenTelemetry's response propagator: packages call :meth:`inject` with whatever holds their response's headers."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        try:
            span = get_current_span(context).get_span_context()
            if not span.is_valid or not _is_start(carrier):
                return
            for name, value in response_headers(span, _asked.get(), _present(carrier)):
                if setter is None:
                    carrier[name] = value
                else:
                    setter.set(carrier, name, value)
        except Exception:  # a response of an odd shape: it goes without
            return


def _is_start(carrier: Any) -> bool:
    """ASGI packages call with each message of a response, of which the first has the headers."""
    if isinstance(carrier, dict) and "type" in carrier:
        if carrier["type"] != "http.response.start":
            return False
        carrier["headers"] = list(carrier.get("headers") or ())
    return True


def _present(carrier: Any) -> set[str]:
    if isinstance(carrier, dict) and "headers" in carrier:
        return {bytes(name).lower().decode("latin-1") for name, _value in carrier["headers"]}
    if isinstance(carrier, list):
        return {str(name).lower() for name, _value in carrier}
    return {name for name in (TRACE, REQUEST) if name in carrier}


_ours: Final = ResponseHeaders()


def set_response_headers(*, is_on: bool) -> None:
    """Put ours in the place of the global response propagator, or take it away. One of somebody else's stays."""
    from opentelemetry.instrumentation import propagators  # noqa: PLC0415  # only who instruments has it

    if propagators._RESPONSE_PROPAGATOR in (None, _ours):
        propagators.set_global_response_propagator(_ours if is_on else None)  # type: ignore[no-untyped-call]
