"""Sockets with one deadline for a whole attempt, whatever lies between: connecting, a proxy, TLS, the request, the answer.

A socket's own time-out is for each call: an answer that drips in byte by byte would never end. Here each call gets what is
left until the deadline. Only the look-up of a name cannot be given one; it ends when the system's resolver gives up.
Used by the HTTP transport, its proxy and its TLS, on the delivery thread.
"""

from __future__ import annotations

import http.client
import io
import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

_LARGEST_SEND_BYTES: Final = 64 * 1024
# poll() takes descriptors above 1023 and, unlike epoll, needs none of its own; Windows has select() only.
_SELECTOR: Final[type[selectors.BaseSelector]] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class AttemptError(Exception):
    """An attempt that got no answer. ``reason`` is the same for the same cause: it holds no addresses of objects, no secrets.

    ``place`` is set where it is not the endpoint's; the flags are those of
    :class:`~heliograph.pipeline.outcome.Retry`.
    """

    def __init__(
        self, reason: str, *, place: str | None = None, may_have_arrived: bool = False, is_refusal: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.may_have_arrived = may_have_arrived
        self.is_refusal = is_refusal


Reasons: TypeAlias = Sequence[tuple[type[Exception], str]]

CONNECTING: Final[Reasons] = (
    (socket.gaierror, "DNS: the name does not resolve"),
    (UnicodeError, "DNS: the name does not resolve"),  # a label that is empty or too long
    (TimeoutError, "no connection in time"),
    (OSError, "connection refused or unreachable"),
)
ANSWERING: Final[Reasons] = (
    (TimeoutError, "no answer in time"),
    (OSError, "connection closed early"),
    (http.client.IncompleteRead, "connection closed early"),
    (http.client.HTTPException, "no HTTP answer"),
)


@contextmanager
def failing_as(
    reasons: Reasons, *, before: str = "", place: str | None = None, may_have_arrived: bool = False
) -> Iterator[None]:
    """Turn what fails inside into an :class:`AttemptError` with the first of ``reasons`` whose type fits."""
    try:
        yield
    except tuple(kind for kind, _reason in reasons) as error:
        reason = next(reason for kind, reason in reasons if isinstance(error, kind))
        raise AttemptError(before + reason, place=place, may_have_arrived=may_have_arrived) from error


class Deadline:
    """The moment, ``timeout_s`` seconds from now, at which an attempt has to be over."""

    def __init__(self, timeout_s: float) -> None:
        self._until = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return the seconds that are left, more than zero; raises TimeoutError when there are none."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s


class DeadlineSocket:
    """What :mod:`http.client` needs of a socket, each call of which ends by ``deadline``; replaced for the next attempt."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(self.deadline.left_s())
            view = view[self._socket.send(view[:_LARGEST_SEND_BYTES]) :]

    def read_into(self, buffer: Any, source: Any) -> int | None:
        self._socket.settimeout(self.deadline.left_s())
        read: int | None = source.readinto(buffer)
        return read

    def makefile(self, _mode: str = "rb", *_arguments: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._socket.makefile("rb", buffering=0)))

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Shake hands as ``context`` says with a server that has to prove that it is ``host``."""
        self._socket.settimeout(self.deadline.left_s())
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def is_quiet(self) -> bool:
        """Whether there is nothing to read. Before a request there is only what ends a connection: its close or garbage."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return False
        with _SELECTOR() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def close(self) -> None:
        self._socket.close()

    def abandon(self) -> None:
        """Close a forked child's copy of the descriptor; no lock is taken, which a thread of the parent might have held."""
        descriptor = self._socket.detach()
        if descriptor >= 0:
            os.close(descriptor)


class _Reader(io.RawIOBase):
    """Reads from ``source``, a socket's own reader, until the socket's deadline."""

    def __init__(self, owner: DeadlineSocket, source: Any) -> None:
        super().__init__()
        self._owner = owner
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._owner.read_into(buffer, self._source)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """An answer whose status is final: interim ones (1xx) before it are passed over, as RFC 9110, section 15.2, says."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # unknown to the library's stubs
        # http.client passes over 100 only. 101 is final: it ends the use of HTTP.
        is_interim = 102 <= status < 200
        return version, http.HTTPStatus.CONTINUE if is_interim else status, reason


def connect(host: str, port: int, deadline: Deadline) -> DeadlineSocket:
    """Connect to the first address of ``host`` that answers; each gets its share of the time, so that none takes it all."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError("the name has no address")
    for position, (family, kind, protocol, _name, address) in enumerate(found):
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.settimeout(deadline.left_s() / (len(found) - position))
            connecting.connect(address)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connecting.close()
            failure = error
        else:
            return DeadlineSocket(connecting, deadline)
    raise failure
