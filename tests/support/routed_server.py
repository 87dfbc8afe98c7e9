"""OTLP servers that answer by path, over TLS when a context is given, and live through anything that is said to them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc

from tests.support.certificates import Certificate


@dataclass(frozen=True)
class Reply:
    """What one path answers. ``date`` is its Date header; None is the time, as servers have it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    date: str | None = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_about: object) -> None:
        """A handshake that fails is what some tests are about."""


@contextmanager
def routed_server(
    routes: Mapping[str, Reply] | None = None, *, others: Reply = Reply(404), tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """An HTTP server on loopback; gives its URL. ``routes`` are the answers to POST by path, ``others`` that to all else."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            reply = (routes or {}).get(self.path, others)
            self.send_response_only(reply.status)
            self.send_header("Date", reply.date or self.date_time_string())
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_args: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls is not None else 'http'}://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def grpc_tls_server(certificate: Certificate, *, clients_of: str | None = None) -> Iterator[str]:
    """A gRPC server over TLS that takes every call; ``clients_of`` is the authority of certificates that it wants."""

    class Service(grpc.GenericRpcHandler):
        def service(self, _details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")

    pair = (Path(certificate.key_file).read_bytes(), Path(certificate.cert_file).read_bytes())
    authority = Path(clients_of).read_bytes() if clients_of is not None else None
    credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(Service(),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"https://localhost:{port}"
    finally:
        server.stop(0).wait()
