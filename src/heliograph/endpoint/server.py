"""Serves an ASGI application from a daemon thread of this process, with uvicorn.

The port is open from the start; the web server is loaded when the first connection comes, which waits for it in the meantime.
An application that nobody scrapes yet does not pay for it, and none pays at its start.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from heliograph.text import described

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

logger = logging.getLogger("heliograph")

_HIGHEST_PORT: Final = 65535


class ThreadedServer:
    """A running server. :meth:`start` returns once the port is bound, so the address is known and requests wait for it.

    The lock guards the coming and going of the web server.
    """

    def __init__(self, listening: socket.socket, make_app: Callable[[], Starlette], thread_name: str) -> None:
        self._socket = listening
        self._make_app = make_app
        self._lock = threading.Lock()
        self._server: uvicorn.Server | None = None
        self._is_stopping = False
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)
        self.host, self.port = listening.getsockname()[:2]

    @classmethod
    def start(
        cls, make_app: Callable[[], Starlette], host: str, port: int, *, thread_name: str, ports: int = 1
    ) -> ThreadedServer:
        """Serve what ``make_app`` makes; port 0 means any free one. Of ``ports`` ports from ``port`` on, the first that is
        free is taken. Raises ``OSError`` when none can be had."""
        listening = _listen_on_first_free(host, range(port, min(port + ports, _HIGHEST_PORT + 1)))
        server = cls(listening, make_app, thread_name)
        server._thread.start()
        return server

    @property
    def url(self) -> str:
        """Where it serves, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def after_fork_in_child(self) -> None:
        """The parent serves; a child that kept the socket open would hold the port after the parent's end."""
        for inherited in (self._socket, self._wake, self._woken):
            inherited.close()

    def stop(self, timeout_s: float) -> None:
        """Stop serving; wait at most ``timeout_s`` seconds for open requests."""
        with self._lock:
            self._is_stopping = True
            if self._server is not None:
                self._server.should_exit = True
        self._wake.close()
        self._thread.join(timeout_s)
        if not self._thread.is_alive():  # else its loop still watches the socket; it closes it when it ends
            self._socket.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            selector.select()
        self._woken.close()
        try:
            server = self._load()
        except Exception as error:  # uvicorn or Starlette cannot be loaded, for one: no port is better than one that hangs
            logger.warning("the telemetry endpoint at %s cannot serve, and is closed: %s", self.url, described(error))
            self._socket.close()
            return
        if server is not None:
            _serve(server, self._socket)

    def _load(self) -> uvicorn.Server | None:
        if self._is_stopping:
            return None
        import uvicorn  # noqa: PLC0415

        config = uvicorn.Config(
            self._make_app(), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        with self._lock:
            if not self._is_stopping:
                self._server = uvicorn.Server(config)
            return self._server


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
