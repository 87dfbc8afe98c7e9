"""urllib3 with a deadline for the whole answer.

urllib3's time-out is for each read of the socket: an answer that drips in byte by byte would never end. Here each read gets
what is left of the time-out, so that one attempt takes no longer than it says.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3


def pool_manager() -> urllib3.PoolManager:
    """A pool of one kept-alive connection, whose time-out is one for the whole answer."""
    pool = urllib3.PoolManager(num_pools=1, maxsize=1)
    pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return pool


class _DeadlineReader(io.RawIOBase):
    """Reads from ``source``, a socket's own reader, until the deadline."""

    def __init__(self, source: Any, connection: socket.socket) -> None:
        super().__init__()
        self._source = source
        self._connection = connection
        timeout_s = connection.gettimeout()
        self._until = None if timeout_s is None else time.monotonic() + timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._connection.settimeout(left_s)
        read: int | None = self._source.readinto(buffer)
        return read

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))


class _HttpConnection(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _HttpsConnection(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
