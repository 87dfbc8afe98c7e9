"""Serves an ASGI application from a daemon thread of this process, with uvicorn."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import threading
from typing import Final

import uvicorn
from starlette.applications import Starlette

_HIGHEST_PORT: Final = 65535


class ThreadedServer:
    """A running server. :meth:`start` returns once the port is bound, so the address is known and requests wait for it."""

    def __init__(self, listening: socket.socket, server: uvicorn.Server, thread: threading.Thread) -> None:
        self._socket = listening
        self._server = server
        self._thread = thread
        self.host, self.port = listening.getsockname()[:2]

    @classmethod
    def start(cls, app: Starlette, host: str, port: int, *, thread_name: str, ports: int = 1) -> ThreadedServer:
        """Serve ``app``; port 0 means any free one. Of ``ports`` ports from ``port`` on, the first that is free is taken.
        Raises ``OSError`` when none can be had."""
        listening = _listen_on_first_free(host, range(port, min(port + ports, _HIGHEST_PORT + 1)))
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=_serve, args=(server, listening), name=thread_name, daemon=True)
        thread.start()
        return cls(listening, server, thread)

    @property
    def url(self) -> str:
        """Where it serves, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def after_fork_in_child(self) -> None:
        """The parent serves; a child that kept the socket open would hold the port after the parent's end."""
        self._socket.close()

    def stop(self, timeout_s: float) -> None:
        """Stop serving; wait at most ``timeout_s`` seconds for open requests."""
        self._server.should_exit = True
        self._thread.join(timeout_s)
        if not self._thread.is_alive():  # else its loop still watches the socket; it closes it when it ends
            self._socket.close()


def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    # The application has not asked for a web server, so its log does not hear that one started; what is wrong, it does.
    quiet = threading.get_ident()
    chatter = logging.getLogger("uvicorn.error")

    def is_news(record: logging.LogRecord) -> bool:
        return record.thread != quiet or record.levelno >= logging.WARNING

    chatter.addFilter(is_news)
    try:
        server.run(sockets=[listening])
    finally:
        chatter.removeFilter(is_news)


def _listen_on_first_free(host: str, ports: range) -> socket.socket:
    for port in ports[:-1]:
        try:
            return _listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _listen(host, ports[-1])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host!r} is no host name: {error}") from error
    listening = socket.socket(family, kind, protocol)
    try:
        # On Windows this option would let two processes share the port.
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(False)
    return listening
