"""A small HTTP proxy: tunnels by CONNECT, passes other requests on, resolves the names that a test gives it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class ProxyServer:
    """``heads`` are the requests' heads as they came; ``answer`` is what it says instead of doing what it is asked to."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.heads: list[str] = []
        self.answer: bytes | None = None
        self.url = ""
        self._names = names

    @property
    def requested(self) -> list[str]:
        """The request line of each request."""
        return [head.partition("\r\n")[0] for head in self.heads]

    def serve(self, connection: socket.socket) -> None:
        head = _read_head(connection)
        if not head:
            return
        self.heads.append(head.decode("latin-1"))
        method, target, _version = self.requested[-1].split(" ")
        if self.answer is not None:
            connection.sendall(self.answer)
            while connection.recv(65536):
                pass
            return
        if method == "CONNECT":
            with self._connect(target) as beyond:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pass_on(connection, beyond)
        else:
            with self._connect(urlsplit(target).netloc) as beyond:
                beyond.sendall(head)
                _pass_on(connection, beyond)

    def _connect(self, place: str) -> socket.socket:
        host, _colon, port = self._names.get(place, place).rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=10)


def _read_head(connection: socket.socket) -> bytes:
    """All that has come when the head is there; for a plain request that may be a part of its body too."""
    data = b""
    while b"\r\n\r\n" not in data and (got := connection.recv(65536)):
        data += got
    return data


def _pass_on(left: socket.socket, right: socket.socket) -> None:
    while True:
        ready, _writable, _failed = select.select([left, right], [], [], 10)
        for source, target in ((left, right), (right, left)):
            if source in ready:
                got = source.recv(65536)
                if not got:
                    return
                target.sendall(got)
        if not ready:
            return


@contextmanager
def proxy_server(names: Mapping[str, str] | None = None) -> Iterator[ProxyServer]:
    """A proxy on loopback. ``names`` says where ``host:port`` really is, as ``127.0.0.1:port``."""
    proxy = ProxyServer(names or {})
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            proxy.serve(connection)

    def accept() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
