"""TLS of the OTLP transports: which files it uses, what is checked, and what its failures are called.

Never older than TLS 1.2, never without a valid certificate for the host, never downgraded. The files are checked when a
transport is built and read again for each new connection (HTTP) or channel (gRPC), so that a certificate that was replaced
is used as soon as a connection is opened anew, which every TLS failure leads to.
Without a ``ca_file`` HTTP trusts the system's authorities (OpenSSL's, with SSL_CERT_FILE and SSL_CERT_DIR) and gRPC those it
ships (or GRPC_DEFAULT_SSL_ROOTS_FILE_PATH).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heliograph.errors import SettingsError, SettingsFault
from heliograph.exporters.http_deadline import AttemptError, DeadlineSocket
from heliograph.settings.exporters import TlsFiles

# The first row whose text is in what OpenSSL (or BoringSSL, for gRPC) says names the failure, in words that stay the same
# for the same cause. No waiting mends any of these: a certificate, an address or a setting has to change.
_REFUSALS: Final[tuple[tuple[str, str], ...]] = (
    ("certificate has expired", "certificate has expired"),
    ("certificate is not yet valid", "certificate is not yet valid"),
    ("Hostname mismatch", "certificate is for another host"),
    ("IP address mismatch", "certificate is for another host"),
    ("Hostname Verification Check failed", "certificate is for another host"),
    ("self-signed certificate", "certificate is of an unknown authority"),
    ("self signed certificate", "certificate is of an unknown authority"),
    ("unable to get local issuer certificate", "certificate is of an unknown authority"),
    ("unable to get issuer certificate", "certificate is of an unknown authority"),
    ("unable to verify the first certificate", "certificate is of an unknown authority"),
    ("CERTIFICATE_VERIFY_FAILED", "certificate is not valid"),
    ("ALERT_CERTIFICATE_REQUIRED", "the server wants a client certificate"),
    ("ALERT_UNKNOWN_CA", "the server refuses the client certificate"),
    ("ALERT_BAD_CERTIFICATE", "the server refuses the client certificate"),
    ("ALERT_CERTIFICATE_", "the server refuses the client certificate"),
    ("ALERT_UNSUPPORTED_CERTIFICATE", "the server refuses the client certificate"),
    ("ALERT_ACCESS_DENIED", "the server refuses the client certificate"),
    ("ALERT_DECRYPT_ERROR", "the server refuses the client certificate"),
    ("UNSUPPORTED_PROTOCOL", "the server offers nothing newer than TLS 1.1"),
    ("ALERT_PROTOCOL_VERSION", "the server offers nothing newer than TLS 1.1"),
    ("HANDSHAKE_FAILURE", "the server refuses the handshake"),
    ("UNRECOGNIZED_NAME", "the server does not know the host name"),
    ("WRONG_VERSION_NUMBER", "the server speaks no TLS on this port"),
    ("RECORD_LAYER_FAILURE", "the server speaks no TLS on this port"),
    ("ALPN", "the server speaks no HTTP/2 on this port"),
)

_SECTIONS: Final = {"traces": "tracing", "metrics": "metrics", "logs": "logs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPem:
    """What is in the files, for gRPC; None for a file that is not set."""

    ca: bytes | None
    cert: bytes | None
    key: bytes | None


class TlsFileError(ValueError):
    """A file of the TLS options that cannot be used: ``option`` names it, ``expected`` says what should have been there."""

    def __init__(self, option: str, given: str, expected: str) -> None:
        super().__init__(f"{option}: given {given!r}, expected {expected}")
        self.option = option
        self.given = given
        self.expected = expected

    def as_settings_error(self, signal: str, destination: str) -> SettingsError:
        """The same in the terms of the settings, for the exporter ``destination`` of ``signal``."""
        path = f"{_SECTIONS[signal]}.exporters[{destination}].tls.{self.option}"
        return SettingsError([SettingsFault(path=path, given=repr(self.given), expected=self.expected)])


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Read the files and make the context of a client from them; raises :class:`TlsFileError`."""
    trusted = _certificates("ca_file", files.ca_file) if files.ca_file is not None else None
    context = ssl.create_default_context(cafile=trusted)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the system's OpenSSL may be set to less
    context.set_alpn_protocols(["http/1.1"])
    if files.cert_file is not None:
        _certificates("cert_file", files.cert_file)
        _load_key(context, files.cert_file, files.key_file)
    return context


def read_pem(files: TlsFiles) -> TlsPem:
    """Read what gRPC needs; raises :class:`TlsFileError` for what :func:`client_context` refuses too."""
    client_context(files)
    key_file = files.key_file or files.cert_file
    return TlsPem(
        ca=_content("ca_file", files.ca_file) if files.ca_file else None,
        cert=_content("cert_file", files.cert_file) if files.cert_file else None,
        key=_content("key_file", key_file) if key_file else None,
    )


def refusal(text: str) -> str | None:
    """The name of the failure that ``text`` of a TLS library tells of; None when it is none of verification."""
    return next((f"TLS: {name}" for token, name in _REFUSALS if token in text), None)


def shake_hands(sock: DeadlineSocket, files: TlsFiles, host: str) -> None:
    """Begin TLS with ``host`` on a connected socket; raises :class:`AttemptError`. Nothing of a request is sent."""
    try:
        sock.start_tls(client_context(files), host)
    except TlsFileError as error:
        raise AttemptError(f"TLS: {error.option} cannot be used", is_refusal=True) from error
    except TimeoutError as error:
        raise AttemptError("TLS: no handshake in time") from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise AttemptError("TLS: connection closed during the handshake") from error
    except ssl.SSLError as error:
        reason = refusal(str(error)) or f"TLS: handshake failed ({error.reason or 'unknown'})"
        raise AttemptError(reason, is_refusal=True) from error
    except OSError as error:
        raise AttemptError("TLS: connection closed during the handshake") from error


def _content(option: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        why = error.strerror if isinstance(error, OSError) else "no such path is possible"
        raise TlsFileError(option, path, f"a PEM file that can be read ({why})") from error


def _certificates(option: str, path: str) -> str:
    """Return ``path`` if there is at least one certificate in the file."""
    _content(option, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:
        expected = "a PEM file with at least one certificate (-----BEGIN CERTIFICATE-----)"
        raise TlsFileError(option, path, expected) from error
    return path


def _load_key(context: ssl.SSLContext, cert_file: str, key_file: str | None) -> None:
    option, path = ("cert_file", cert_file) if key_file is None else ("key_file", key_file)
    _content(option, path)
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except _EncryptedError as error:
        raise TlsFileError(option, path, "a private key without a pass phrase") from error
    except OSError as error:
        is_other = isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH"
        expected = "a PEM file with the private key of the certificate in cert_file"
        if key_file is None:
            expected = "a PEM file that holds the private key beside the certificate, or key_file set to where it is"
        raise TlsFileError(option, path, expected + (" (this is the key of another)" if is_other else "")) from error


class _EncryptedError(Exception):
    """The key is encrypted."""


def _no_password() -> str:
    raise _EncryptedError
