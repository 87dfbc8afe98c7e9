"""A TCP server that says to each connection exactly the bytes that a test gives, for answers no HTTP library would send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


def read_request(connection: socket.socket) -> bytes:
    """Read one HTTP request with a Content-Length, or what there is of it."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (got := connection.recv(65536)):
            return data
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < length and (got := connection.recv(65536)):
        body += got
    return head + b"\r\n\r\n" + body


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen on loopback and call ``talk`` with each connection, one after the other; gives the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            connections.append(connection)
            with suppress(OSError), connection:
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """Read a request and send the next of ``answers`` (the last one again and again) on a connection that stays open."""
    waiting = list(answers)

    def talk(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return talk
