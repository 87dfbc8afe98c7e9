"""The server behind a destination that is reached over the network, in the terms of its settings. Made by `diagnosis.py`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from heliograph.exporters.jaeger import otlp_endpoint
from heliograph.exporters.otlp_http import signal_url
from heliograph.exporters.proxy import host_and_port
from heliograph.otlp.messages import SIGNALS
from heliograph.settings.exporters import JaegerExporter, TlsFiles
from heliograph.settings.secret import REDACTED

_PORTS: Final = {"http": 80, "https": 443}
_SHORTEST_SECRET: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``endpoint`` is the one that is used, which for Jaeger may be another than the settings have. The path of the signal is
    put behind it if ``is_path_appended``; ``path`` is what comes out. ``headers`` are those of the settings, secrets included,
    ``query`` is that of the endpoint: they are not shown."""

    signal: str
    endpoint: str
    protocol: str
    scheme: str
    host: str
    port: int
    path: str
    is_path_appended: bool
    tls: TlsFiles
    headers: Mapping[str, str]
    query: str = ""

    def without_secrets(self, text: str) -> str:
        """``text``, which may repeat what was sent, without the secrets that were sent to the server."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text

    def _secrets(self) -> Iterator[str]:
        for value in (*self.headers.values(), *(value for _name, value in parse_qsl(self.query))):
            scheme, _space, rest = value.strip().partition(" ")
            yield from filter(None, (value, rest.strip()))
            # Servers that refuse a token like to repeat it without its scheme, or a password as it was before encoding.
            words = rest.split()
            if scheme.lower() == "basic":
                words += _decoded(rest)
            yield from (word for word in words if len(word) >= _SHORTEST_SECRET)

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def place(self) -> str:
        """Host and port."""
        return host_and_port(self.host, self.port)

    def endpoint_with(self, *, scheme: str | None = None, path: str | None = None) -> str:
        """The endpoint as it should be."""
        kept = urlsplit(self.endpoint).path.rstrip("/") if path is None else path
        return f"{scheme or self.scheme}://{self.place}{kept}"


def target_of(signal: str, wanted: Any) -> Target:
    """Where ``wanted``, an OTLP or Jaeger exporter, sends a signal."""
    endpoint = wanted.endpoint
    if isinstance(wanted, JaegerExporter):
        endpoint, _warning = otlp_endpoint(endpoint, wanted.protocol)
    parts = urlsplit(endpoint)
    return Target(
        signal=signal,
        endpoint=without_credentials(endpoint),
        protocol=wanted.protocol,
        scheme=parts.scheme,
        host=parts.hostname or "",
        # gRPC and HTTP alike take the scheme's port.
        port=parts.port or _PORTS[parts.scheme],
        path=urlsplit(signal_url(endpoint, SIGNALS[signal].http_path) if wanted.append_path else endpoint).path or "/",
        is_path_appended=wanted.append_path,
        tls=wanted.tls or TlsFiles(),
        headers={name: secret.get_secret_value() for name, secret in wanted.headers.items()},
        query=parts.query,
    )


def _decoded(credentials: str) -> list[str]:
    """The password of credentials as in RFC 7617; nothing when they are none."""
    try:
        return [base64.b64decode(credentials, validate=True).decode().partition(":")[2]]
    except (binascii.Error, UnicodeDecodeError):
        return []


def without_credentials(url: str) -> str:
    """The URL without the user and the password that may be in it, for showing."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
