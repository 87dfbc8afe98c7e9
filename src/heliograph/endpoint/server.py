"""Serves an ASGI application from a daemon thread of this process, with uvicorn.

The port is open from the start; the web server is loaded when the first connection comes, which waits for it in the meantime.
An application that nobody scrapes yet does not pay for it, and none pays at its start.

Several processes may share a port: each request then goes to one of them, whichever, and one that ends leaves no gap.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heliograph.endpoint.listening import CAN_SHARE, first_free, leave, listen_on
from heliograph.endpoint.sharing import listen_among
from heliograph.recording.threads import are_greenlets, own_thread
from heliograph.text import described

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    import uvicorn
    from starlette.applications import Starlette

logger = logging.getLogger("heliograph")

_ASKING_S: Final = 0.05  # who was accepted last has asked by then; a connection without a request is closed


class ThreadedServer:
    """A running server. :meth:`start` returns once the port is bound, so the address is known and requests wait for it.

    The lock guards the coming and going of the web server.
    """

    def __init__(
        self,
        listening: socket.socket,
        make_app: Callable[[], Starlette],
        thread_name: str,
        *,
        is_shared: bool = False,
        claim: int | None = None,
        make_wsgi_app: Callable[[], WSGIApplication] | None = None,
    ) -> None:
        self._socket = listening
        self._make_app = make_app
        self._in_greenlets = make_wsgi_app if are_greenlets() else None
        self._is_shared = is_shared
        self._claim = claim
        self._lock = threading.Lock()
        self._server: uvicorn.Server | None = None
        self._is_stopping = False
        self._wake, self._woken = socket.socketpair()
        self._thread = own_thread(self._run, thread_name)
        self.host, self.port = listening.getsockname()[:2]

    @classmethod
    def start(
        cls,
        make_app: Callable[[], Starlette],
        host: str,
        port: int,
        *,
        thread_name: str,
        ports: int = 1,
        shared: bool = False,
        among: Path | None = None,
        make_wsgi_app: Callable[[], WSGIApplication] | None = None,
    ) -> ThreadedServer:
        """Serve what ``make_app`` makes; port 0 means any free one. Of ``ports`` ports from ``port`` on, the first that is
        free is taken, or, with ``shared`` and where the system can do it, is shared by all processes that say so. With the
        directory ``among`` only by those that name the same one. Where threads are greenlets of gevent's, what
        ``make_wsgi_app`` makes is served instead. Raises ``OSError`` when none can be had."""
        is_shared, claim = shared and CAN_SHARE, None
        if is_shared and among is not None and port != 0:
            listening, claim = listen_among(among, host, port, ports)
        else:
            listening = first_free(port, ports, lambda candidate: listen_on(host, candidate, is_shared=is_shared))
        server = cls(listening, make_app, thread_name, is_shared=is_shared, claim=claim, make_wsgi_app=make_wsgi_app)
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
        self._give_up_claim()

    def stop(self, timeout_s: float) -> None:
        """Stop serving; wait at most ``timeout_s`` seconds for open requests. Connections to a shared port that wait to be
        accepted are served before: the system has given them to this process, no other one can."""
        deadline_s = time.monotonic() + timeout_s
        if self._is_shared:
            self._leave(timeout_s)
        with self._lock:
            self._is_stopping = True
            if self._server is not None:
                self._server.should_exit = True
        self._wake.close()
        if self._in_greenlets is not None:
            self._socket.close()
        self._thread.join(max(0.0, deadline_s - time.monotonic()))

    def _leave(self, timeout_s: float) -> None:
        leave(self._socket, timeout_s)
        server = self._server
        if server is None:
            return
        # Closed now, not when the web server next looks whether it is to end: those who come meanwhile go elsewhere.
        for accepting in getattr(server, "servers", ()):
            with contextlib.suppress(RuntimeError):  # its loop has ended, and closed it
                accepting.get_loop().call_soon_threadsafe(accepting.close)
        time.sleep(min(timeout_s, _ASKING_S))

    def _run(self) -> None:
        try:
            if self._in_greenlets is not None:
                from heliograph.endpoint.greenlets import serve  # the others do not need it  # noqa: PLC0415

                self._woken.close()  # it is woken by the end of the other socket
                serve(self._socket, self._in_greenlets())
                return
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                selector.select()
            self._woken.close()
            server = self._load()
        except Exception as error:  # uvicorn or Starlette cannot be loaded, for one: no port is better than one that hangs
            logger.warning("the telemetry endpoint at %s cannot serve, and is closed: %s", self.url, described(error))
        else:
            if server is not None:
                _serve(server, self._socket)
        finally:
            self._socket.close()
            self._give_up_claim()  # now, so that nobody takes a port for shared that is free

    def _give_up_claim(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            os.close(claim)

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
