"""The server behind a destination that is reached over the network, in the terms of its settings. Made by `diagnosis.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.exporters.jaeger import otlp_endpoint
from heliograph.exporters.otlp_http import signal_url
from heliograph.exporters.proxy import host_and_port
from heliograph.otlp.messages import SIGNALS
from heliograph.settings.exporters import JaegerExporter, TlsFiles

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``endpoint`` is the one that is used, which for Jaeger may be another than the settings have. The path of the signal is
    put behind it if ``is_path_appended``; ``path`` is what comes out. ``headers`` are those of the settings, secrets included:
    they are not shown."""

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
    )


def without_credentials(url: str) -> str:
    """The URL without the user and the password that may be in it, for showing."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
