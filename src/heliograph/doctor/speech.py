"""What answers at an address: whether anything does, over TLS or in plain, in HTTP/1.1 or HTTP/2.

Asked by `diagnosis.py` when a delivery failed. It tells by what the server itself says, whatever its port: a TLS hello, an
empty OTLP request in HTTP/1.1, the preface of HTTP/2, each on a connection of its own.
Sources: RFC 9113, sections 3.4 and 4.1 (a server begins with a SETTINGS frame); RFC 8446, section 4.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from heliograph.exporters.proxy import host_and_port

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS: Final = 4
_FRAME_HEAD_BYTES: Final = 9
_HEARD_BYTES: Final = 256
_SHORTEST_LOOK_UP_S: Final = 1.0


class Reach(StrEnum):
    """How far a connection gets."""

    NO_NAME = "the name does not resolve"
    SLOW_NAME = "the look-up of the name does not end"
    REFUSED = "the connection was refused"
    UNREACHABLE = "there is no way to the address"
    NO_ANSWER = "nothing answered the attempt to connect"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """``is_tls``: it takes TLS. ``speaks_http1`` and ``speaks_http2`` are over TLS then, in plain otherwise. ``said`` is the
    beginning of what it said that is neither; ``is_closing``: it closed each connection instead of saying anything."""

    reach: Reach
    detail: str = ""
    is_tls: bool = False
    speaks_http1: bool = False
    speaks_http2: bool = False
    said: bytes = b""
    is_closing: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it speaks anything that OTLP goes over."""
        return self.speaks_http1 or self.speaks_http2


def heard_at(host: str, port: int, path: str, *, client: tuple[str, str | None] | None, timeout_s: float) -> Speech:
    """Listen to what is at ``host:port``; ``path`` is asked for in HTTP/1.1, ``client`` the certificate and key to show. Each
    step takes ``timeout_s`` at most."""
    reach, detail = _reach(host, port, timeout_s)
    if reach is not Reach.CONNECTED:
        return Speech(reach=reach, detail=detail)
    line = _Line(host, port, timeout_s, client)
    is_tls = line.takes_tls()
    head = f"POST {path} HTTP/1.1\r\nHost: {host_and_port(host, port)}\r\n"
    request = f"{head}Content-Type: application/x-protobuf\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(
        "ascii", "replace"
    )
    first = line.answer_to(request, "http/1.1", is_tls=is_tls)
    second = line.answer_to(_PREFACE, "h2", is_tls=is_tls)
    speaks_http1, speaks_http2 = first.startswith(b"HTTP/1."), _is_settings(second)
    return Speech(
        reach=reach,
        is_tls=is_tls,
        speaks_http1=speaks_http1,
        speaks_http2=speaks_http2,
        said=b"" if speaks_http1 or speaks_http2 else first or second,
        is_closing=not (first or second or line.has_waited),
    )


class _Line:
    """Connects anew for each thing that is said."""

    def __init__(self, host: str, port: int, timeout_s: float, client: tuple[str, str | None] | None) -> None:
        self._host, self._port, self._timeout_s, self._client = host, port, timeout_s, client
        self.has_waited = False  # in vain, for an answer

    def takes_tls(self) -> bool:
        try:
            with self._connected() as plain, self._context(()).wrap_socket(plain, server_hostname=self._host):
                return True
        except ssl.SSLError as error:
            return "ALERT" in str(error).upper()  # only who speaks TLS can say that he will not
        except (OSError, ValueError):  # ValueError: a host that is no name for TLS
            return False

    def answer_to(self, said: bytes, protocol: str, *, is_tls: bool) -> bytes:
        """The beginning of the answer; empty when there is none."""
        heard = b""
        try:
            with self._connected() as plain:
                if not is_tls:
                    plain.sendall(said)
                    return plain.recv(_HEARD_BYTES)
                with self._context((protocol,)).wrap_socket(plain, server_hostname=self._host) as secure:
                    secure.sendall(said)
                    heard = secure.recv(_HEARD_BYTES)
        except TimeoutError:
            self.has_waited = True
        except (OSError, ValueError):  # closed, or reset; ValueError: a host that is no name for TLS
            pass
        return heard

    def _connected(self) -> socket.socket:
        return socket.create_connection((self._host, self._port), timeout=self._timeout_s)

    def _context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """Trusts everybody: it is asked what is there, and nothing is told."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if self._client is not None:
            with suppress(OSError):  # one that cannot be used is said elsewhere
                context.load_cert_chain(*self._client, password=lambda: "")
        return context


def _reach(host: str, port: int, timeout_s: float) -> tuple[Reach, str]:
    try:
        addresses = _looked_up(host, port, max(timeout_s, _SHORTEST_LOOK_UP_S))
    except TimeoutError:
        return Reach.SLOW_NAME, ""
    except (OSError, UnicodeError) as error:
        return Reach.NO_NAME, getattr(error, "strerror", None) or str(error)
    found = ", ".join(dict.fromkeys(str(address[4][0]) for address in addresses))
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return Reach.CONNECTED, found
    except TimeoutError:
        return Reach.NO_ANSWER, found
    except OSError as error:
        refused = error.errno in (errno.ECONNREFUSED, errno.ECONNRESET)
        return (Reach.REFUSED if refused else Reach.UNREACHABLE), f"{found}: {error.strerror or error}"


def _looked_up(host: str, port: int, timeout_s: float) -> list[Any]:
    """The addresses of a name; raises TimeoutError when they take long, which the system's resolver sets no limit to."""
    found: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    return found.result(timeout_s)


def _is_settings(heard: bytes) -> bool:
    """Whether this begins with a SETTINGS frame of HTTP/2, which is for the connection as a whole."""
    return (
        len(heard) >= _FRAME_HEAD_BYTES
        and heard[3] == _SETTINGS
        and not int.from_bytes(heard[:3]) % 6
        and not int.from_bytes(heard[5:9])
    )
