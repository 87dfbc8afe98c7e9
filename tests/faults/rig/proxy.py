"""A TCP proxy with faults: what stands between an application and its collector when the network is to blame."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Literal

Mode = Literal["pass", "refuse", "black_hole", "reset"]


class Proxy:
    """Hands connections on to a port of this machine.

    ``mode`` may change at any time, for what comes next: ``pass``; ``refuse`` (nobody listens, open connections are reset);
    ``black_hole`` (connections are accepted and nothing is read from them any more, open ones included); ``reset`` (each
    connection is reset once ``reset_after_bytes`` have gone up). ``bytes_per_s`` (0 is no limit) throttles and ``delay_s``
    holds back what goes up.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream = ("127.0.0.1", upstream_port)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._is_ended = False
        self._listener: socket.socket | None = None
        self.port = 0
        self.connections = 0
        self.mode: Mode = "pass"
        self.reset_after_bytes = 0
        self.bytes_per_s = 0
        self.delay_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        self._listen()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_ended = True
        self._stop_listening()
        self._reset_all()

    def set(self, mode: Mode) -> None:
        """Change ``mode``, with what it does to the connections that there are."""
        self.mode = mode
        if mode == "refuse":
            self._stop_listening()
            self._reset_all()
        elif self._listener is None:
            self._listen()

    def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # close() alone does not wake who accepts
            listener.close()

    def _reset_all(self) -> None:
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            _reset(connection)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            self.connections += 1
            with self._lock:
                self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._wait_while_black()
        try:
            upstream = socket.create_connection(self._upstream, timeout=5)
        except OSError:
            _reset(client)
            return
        upstream.settimeout(None)
        with self._lock:
            self._open.append(upstream)
        threading.Thread(target=self._pump, args=(upstream, client), kwargs={"is_up": False}, daemon=True).start()
        self._pump(client, upstream, is_up=True)

    def _pump(self, source: socket.socket, target: socket.socket, *, is_up: bool) -> None:
        passed = 0
        try:
            while data := source.recv(1024 if is_up and (self.bytes_per_s or self.mode == "reset") else 65536):
                self._wait_while_black()
                if is_up:
                    time.sleep(self.delay_s + (len(data) / self.bytes_per_s if self.bytes_per_s else 0.0))
                target.sendall(data)
                passed += len(data)
                if is_up and self.mode == "reset" and passed >= self.reset_after_bytes:
                    _reset(target)
                    _reset(source)
                    return
        except OSError:
            _reset(target)
            return
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _wait_while_black(self) -> None:
        while self.mode == "black_hole" and not self._is_ended:
            time.sleep(0.02)


def _reset(connection: socket.socket) -> None:
    """Close with a RST, also under a thread that reads from it."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
    connection.close()
