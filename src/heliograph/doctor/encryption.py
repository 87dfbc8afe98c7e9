"""TLS that fails: certificates, of the server and of this client, and who trusts whom. Called by `diagnosis.py`."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from heliograph.clock import Clock
from heliograph.doctor.cause import Cause
from heliograph.doctor.target import Target
from heliograph.exporters.http_deadline import AttemptError, Deadline, connect
from heliograph.exporters.tls import TlsFileError, client_context, refusal, shake_hands

# The two times of "Validity" come before everything else in a certificate that looks like one (RFC 5280, section 4.1).
_VALIDITY: Final = rb"(?:\x17\x0d(\d{12}Z)|\x18\x0f(\d{14}Z))" * 2
CLOSED: Final = "TLS: connection closed after the handshake"
_GREETINGS: Final = {
    "http/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "h2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
}


class Shown:
    """The certificate that a server shows, as far as it can be read without trusting it."""

    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target, self._timeout_s = target, timeout_s

    def names(self) -> str:
        """The hosts that it is for."""
        found = self._decoded().get("subjectAltName", ())
        return ", ".join(str(entry[1]) for entry in found if isinstance(entry, tuple)) or "hosts that cannot be read here"

    def issuer(self) -> str:
        """Who signed it."""
        parts = self._decoded().get("issuer", ())
        pairs = dict(pair for part in parts for pair in part if isinstance(part, tuple))
        return str(pairs.get("commonName") or pairs.get("organizationName") or "an authority that cannot be read here")

    def validity(self) -> str:
        """From when to when it is valid."""
        found = re.search(_VALIDITY, self._der())
        if found is None:
            return "for a time that cannot be read"
        begin, end = (_day(short, long) for short, long in zip(found.groups()[::2], found.groups()[1::2], strict=True))
        return f"from {begin} to {end}"

    def _der(self) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with suppress(OSError, ValueError), self._connected(context) as secure:
            return secure.getpeercert(binary_form=True) or b""
        return b""

    def _decoded(self) -> dict[str, tuple[tuple[tuple[str, str], ...], ...]]:
        """Python decodes only what it trusts: so it is told to trust just this one."""
        der = self._der()
        if not der:
            return {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        with suppress(OSError, ValueError):
            context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(der))
            with self._connected(context) as secure:
                decoded: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = secure.getpeercert() or {}  # type: ignore[assignment]  # the stubs' is wider
                return decoded
        return {}

    def _connected(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection((self._target.host, self._target.port), timeout=self._timeout_s)
        try:
            return context.wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise


def _day(short: bytes | None, long: bytes | None) -> str:
    if long is not None:
        return f"{long[:4].decode()}-{long[4:6].decode()}-{long[6:8].decode()}"
    year = int((short or b"00")[:2])
    return f"{1900 + year if year >= 50 else 2000 + year}-{(short or b'')[2:4].decode()}-{(short or b'')[4:6].decode()}"


def refused_at(target: Target, timeout_s: float) -> str | None:
    """What a verified handshake and a greeting end in, in the words of the transports; None when nothing is wrong. For gRPC,
    whose library does not always say."""
    protocol = "h2" if target.protocol == "grpc" else "http/1.1"
    try:
        sock = connect(target.host, target.port, Deadline(timeout_s))
    except OSError:
        return None
    try:
        shake_hands(sock, target.tls, target.host)
    except AttemptError as error:
        return error.reason
    finally:
        sock.close()
    try:
        context = client_context(target.tls)
        context.set_alpn_protocols([protocol])
        with (
            socket.create_connection((target.host, target.port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as secure,
        ):
            secure.sendall(_GREETINGS[protocol])
            return None if secure.recv(1) else CLOSED
    except ssl.SSLError as error:
        return refusal(str(error))
    except ConnectionError:
        return CLOSED
    except (OSError, TlsFileError):
        return None


def encrypted(reason: str, target: Target, clock: Clock, timeout_s: float) -> Cause | None:
    """The cause, if ``reason`` is one of TLS; None when it is none that is known."""
    shown = Shown(target, timeout_s)
    for token, make in _ROWS:
        if token in reason:
            return make(target, shown, clock)
    return None


def grpc_authorities(target: Target) -> Cause:
    """Python's verification takes a certificate that gRPC's does not."""
    return Cause(
        what="gRPC does not trust the server's certificate, though this system does",
        why="Without tls.ca_file gRPC trusts the authorities that it ships, not those of the system.",
        fix="set tls: {ca_file: ...} in {exporter} to the system's file of authorities, or to that of your authority; or "
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    )


def _unknown_authority(target: Target, shown: Shown, _clock: Clock) -> Cause:
    trusted = f"those in {target.tls.ca_file}" if target.tls.ca_file else "those of the system"
    return Cause(
        what="the server's certificate is of an unknown authority",
        why=f"{target.place} shows a certificate that {shown.issuer()!r} signed; trusted are {trusted}.",
        fix="set tls: {ca_file: ...} in {exporter} to the PEM file with that authority's certificate "
        "(OTEL_EXPORTER_OTLP_CERTIFICATE)",
    )


def _expired(target: Target, shown: Shown, clock: Clock) -> Cause:
    return Cause(
        what="the server's certificate has expired",
        why=f"{target.place} shows one that is valid {shown.validity()}; here it is {_today(clock)}.",
        fix="renew the certificate of the server; if it is today's date here that is wrong, set this machine's clock",
    )


def _not_yet(target: Target, shown: Shown, clock: Clock) -> Cause:
    return Cause(
        what="the server's certificate is not yet valid",
        why=f"{target.place} shows one that is valid {shown.validity()}; here it is {_today(clock)}.",
        fix="set this machine's clock, or the certificate of the server",
    )


def _other_host(target: Target, shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the server's certificate is for another host",
        why=f"{target.host!r} was asked for; the certificate is for {shown.names()}.",
        fix="set the endpoint of {exporter} to a name that the certificate has, or have one issued for this name",
    )


def _wants_client(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the server wants a client certificate",
        why=target.place + " lets nobody in who shows none, and none is set in {exporter}.",
        fix="set tls: {cert_file: ..., key_file: ...} in {exporter} "
        "(OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY)",
    )


def _refuses_client(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the server refuses the client certificate",
        why=f"{target.place} does not accept {target.tls.cert_file}: expired, or of an authority that it does not know.",
        fix="set tls.cert_file in {exporter} to a certificate of an authority that the server trusts",
    )


def _closed(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    has_one = target.tls.cert_file is not None
    verb = "refuses the" if has_one else "wants a"
    how = "though it was shown a client certificate" if has_one else "and was shown no client certificate"
    return Cause(
        what=f"the server closes the connection after the TLS handshake: it {verb} client certificate, most likely",
        why=f"{target.place} takes the handshake and then says nothing, {how}.",
        fix="set tls: {cert_file: ..., key_file: ...} in {exporter} to a certificate of an authority that the server trusts",
    )


def _old(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the server offers nothing newer than TLS 1.1",
        why="TLS 1.0 and 1.1 are not safe (RFC 8996); heliograph speaks 1.2 and 1.3.",
        fix=f"let {target.place} offer TLS 1.2 or newer",
    )


def _unusable_file(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    files = [path for path in (target.tls.ca_file, target.tls.cert_file, target.tls.key_file) if path]
    return Cause(
        what="a file for TLS cannot be used",
        why=f"One of {', '.join(files)} cannot be read or holds something else.",
        fix="correct tls in {exporter}",
    )


def _not_valid(target: Target, shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the server's certificate is not valid",
        why=f"{target.place} shows one that {shown.issuer()!r} signed, valid {shown.validity()}, for {shown.names()}.",
        fix="have it issued anew, with its whole chain",
    )


def _unsettled(target: Target, _shown: Shown, _clock: Clock) -> Cause:
    return Cause(
        what="the TLS handshake comes to no end",
        why=f"{target.place} does not finish it: it speaks no TLS there, or something in between cuts it off.",
        fix="set the endpoint of {exporter} to http:// if the server speaks no TLS; else look at its log",
    )


def _today(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.time_ns() / 1e9, UTC).strftime("%Y-%m-%d")


# The first row whose text is in the reason. The reasons are those of `exporters/tls.py`.
_ROWS: Final[tuple[tuple[str, Callable[[Target, Shown, Clock], Cause]], ...]] = (
    ("certificate has expired", _expired),
    ("certificate is not yet valid", _not_yet),
    ("certificate is for another host", _other_host),
    ("certificate is of an unknown authority", _unknown_authority),
    ("certificate is not valid", _not_valid),
    ("the server wants a client certificate", _wants_client),
    ("the server refuses the client certificate", _refuses_client),
    ("nothing newer than TLS 1.1", _old),
    ("cannot be used", _unusable_file),
    (CLOSED, _closed),
    ("TLS:", _unsettled),
)
