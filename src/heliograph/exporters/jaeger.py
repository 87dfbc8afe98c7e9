"""Jaeger's endpoints: OTLP, and what an old Thrift endpoint is mapped to."""

from __future__ import annotations

from urllib.parse import urlsplit

_THRIFT_PORT = 14268


def otlp_endpoint(endpoint: str, protocol: str) -> tuple[str, str | None]:
    """Return the OTLP endpoint for ``endpoint``, and the warning to give when it had to be mapped.

    A Thrift collector endpoint (port 14268, or path ``/api/traces``) becomes OTLP on the same host, on Jaeger's port for
    the protocol (4318 for HTTP, 4317 for gRPC). Any other endpoint is returned as it is.
    """
    parts = urlsplit(endpoint)
    if parts.port != _THRIFT_PORT and not parts.path.rstrip("/").endswith("/api/traces"):
        return endpoint, None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    mapped = f"{parts.scheme}://{host}:{4317 if protocol == 'grpc' else 4318}"
    shown = f"{parts.scheme}://{host}:{parts.port or _THRIFT_PORT}{parts.path}"
    return mapped, (
        f"Jaeger endpoint {shown} speaks Thrift, which OpenTelemetry exporters no longer do; "
        f"sending OTLP to {mapped} instead. Set the endpoint to that to silence this warning."
    )
