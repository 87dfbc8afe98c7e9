"""Real servers on loopback that scenarios talk to or put their application behind, each ended when its block ends.

Called by the scenarios. None of them is instrumented itself.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn
from werkzeug.serving import make_server

from tests.support.processes import free_port
from tests.support.waiting import until

# A caller that is not recorded here: the example of the W3C recommendation "Trace Context", with a state.
FOREIGN_CALLER = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=value",
}

_STATUSES = {"/ok": 200, "/missing": 404, "/broken": 500}


@dataclass
class Website:
    """A plain HTTP server: where it is, and the trace context that each request (``GET /ok``) came with."""

    url: str = ""
    contexts: dict[str, str | None] = field(default_factory=dict)


@contextlib.contextmanager
def website() -> Iterator[Website]:
    """Answers /ok, /missing and /broken with 200, 404 and 500."""
    site = Website()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            site.contexts[f"{self.command} {self.path}"] = self.headers.get("traceparent")
            self.send_response(_STATUSES[self.path.partition("?")[0]])
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    with _in_thread(server.serve_forever, server.shutdown):
        yield site
    server.server_close()


@contextlib.contextmanager
def serving_wsgi(application: Any) -> Iterator[int]:
    """Serve a WSGI application; gives the port."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    server.daemon_threads = False  # so that closing it waits for requests whose span ends after the answer has left
    with _in_thread(server.serve_forever, server.shutdown):
        yield server.server_port
    server.server_close()


@contextlib.contextmanager
def serving_asgi(application: Any) -> Iterator[int]:
    """Serve an ASGI application; gives the port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_config=None))

    def stop() -> None:
        server.should_exit = True

    with _in_thread(server.run, stop):
        until(lambda: server.started)
        yield port


@contextlib.contextmanager
def _in_thread(serve: Any, stop: Any) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(10)


def get(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    """Ask a server with the plainest client there is, which no instrumentation package patches; gives the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"User-Agent": "plain", **(headers or {})})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def ask_for_orders(port: int) -> list[int]:
    """Ask an application for an order as a foreign caller, for a page that raises, and for one that is not there."""
    return [get(port, "/orders/7", FOREIGN_CALLER), get(port, "/fail"), get(port, "/nowhere")]


def closed_port() -> int:
    """A port on which nobody listens."""
    return free_port()
