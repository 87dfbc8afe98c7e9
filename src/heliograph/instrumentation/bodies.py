"""The bodies of WSGI responses: a generator does its work while it is sent, after the application has returned.

Called by the adoption of Flask and by our WSGI middleware; calls the suppression of spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from heliograph.recording.suppression import suppressed_spans

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def is_whole(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether ``body`` is made already, or is a file that the server may know how to send: it is handed on as it is then."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper))


def answered_silently(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """What ``application`` answers to a probe: nobody makes a span, neither now nor while the body is made."""
    with suppressed_spans():
        body = application(environ, start_response)
    return body if is_whole(body, environ) else _SilentBody(body)


class _SilentBody:
    def __init__(self, body: Iterable[bytes]) -> None:
        self._body: Any = body
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> _SilentBody:
        return self

    def __next__(self) -> bytes:
        with suppressed_spans():
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)

    def close(self) -> None:
        """The server is done with it."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with suppressed_spans():
                close()
