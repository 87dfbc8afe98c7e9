"""TLS for the raw server of the tests: what it says stays the test's, byte by byte."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.certificates import Certificate
from tests.support.raw_server import raw_server


def server_context(certificate: Certificate, *, clients_of: str | None = None) -> ssl.SSLContext:
    """A server that shows ``certificate`` and, with ``clients_of``, wants one of that authority from its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    if clients_of is not None:
        context.load_verify_locations(clients_of)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def old_server_context(certificate: Certificate) -> ssl.SSLContext:
    """A server that offers TLS 1.1 at most."""
    context = server_context(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@contextmanager
def tls_server(context: ssl.SSLContext, talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The raw server over TLS; gives the https URL. A handshake that fails ends the connection without a word more."""

    connections: list[socket.socket] = []

    def shake_hands_and_talk(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            connections.append(secure)
            talk(secure)

    with raw_server(shake_hands_and_talk) as url:
        try:
            yield url.replace("http://", "https://")
        finally:
            for connection in connections:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of TCP: the thread that talks has the TLS
