"""Endpoints as OpenTelemetry's configuration writes them: with or without a scheme, a base URL or the URL of one signal."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

GRPC_PORT: Final = 4317  # OTLP specification, "OTLP/gRPC Default Port"
_PATHS: Final = {"tracing": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*://"


def has_scheme(endpoint: str) -> bool:
    """Whether ``endpoint`` says how it is reached."""
    return re.match(_SCHEME, endpoint) is not None


def is_grpc_port(endpoint: str) -> bool:
    """Whether the port of ``endpoint`` is the one that OTLP over gRPC has by default."""
    try:
        return urlsplit(endpoint if has_scheme(endpoint) else f"//{endpoint}").port == GRPC_PORT
    except ValueError:
        return False


def with_scheme(endpoint: str, *, is_insecure: bool) -> str:
    """``endpoint`` as a URL: one without a scheme is https unless it ``is_insecure``."""
    return endpoint if has_scheme(endpoint) else f"{'http' if is_insecure else 'https'}://{endpoint}"


def is_exact_url(endpoint: str, section: str) -> bool:
    """Whether the exporters of ``section`` post to ``endpoint`` as it is, since it has their path."""
    return urlsplit(endpoint).path.endswith(_PATHS[section])
