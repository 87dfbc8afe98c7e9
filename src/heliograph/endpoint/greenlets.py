"""Serves the WSGI application where threads are greenlets of gevent's, a greenlet for each request.

uvicorn would run an event loop of asyncio's there, on the one thread that all greenlets have, and each of them would find it
running. And a forked child would go on with its parent's loop, whose sockets are closed. Called by `server.py`.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler

from heliograph.recording.threads import own_thread

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_LONGEST_S: Final = 10.0  # for a request to come in, or an answer to go out


def serve(listening: socket.socket, app: WSGIApplication) -> None:
    """Answer until ``listening`` is closed."""
    while True:
        try:
            connection, address = listening.accept()
        except OSError:
            return
        own_thread(partial(_answer, connection, address, app), "heliograph-endpoint-request").start()


def _answer(connection: socket.socket, address: Any, app: WSGIApplication) -> None:
    connection.settimeout(_LONGEST_S)
    with connection, suppress(OSError):  # whoever asked has gone
        _Handler(connection, address, _Server(app))  # type: ignore[arg-type]


class _Server:
    """What a handler asks its server for."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.base_environ = {"SERVER_NAME": "", "SERVER_PORT": "", "GATEWAY_INTERFACE": "CGI/1.1", "SCRIPT_NAME": ""}

    def get_app(self) -> WSGIApplication:
        return self._app


class _Handler(WSGIRequestHandler):
    """One request; the application's standard error does not hear of it."""

    def log_message(self, format: str, *_args: object) -> None:  # noqa: A002  # the standard library's name
        return
