"""What the endpoint answers, without a web framework: a request's essentials in, status, headers and body out.

The ASGI and the WSGI application are thin skins over :class:`Answers`, so that both say the same.
"""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from heliograph.endpoint.encodings import chosen, is_identity_refused
from heliograph.endpoint.names import names_asked
from heliograph.health.check import HealthCheckResult
from heliograph.health.manager import HealthCheckManager, HealthReport
from heliograph.prometheus.exposition import Exposition
from heliograph.text import shown

HEALTH_PATHS: Mapping[str, str | None] = {"/health": None, "/health/live": "live", "/health/ready": "ready"}
_COMPRESSED_FROM_BYTES = 1024
_DEEPEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The part of a request that matters here. ``query`` is what follows the question mark, as it was sent;
    ``client`` is the caller's address, or "" when it is not known."""

    method: str
    path: str
    query: str = ""
    accept: str = ""
    accept_encoding: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def header_items(self) -> list[tuple[str, str]]:
        """All headers, those that every answer has included."""
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.headers.items(),
        ]


class Answers:
    """Answers requests for metrics and health. Thread-safe; may wait for health checks, so async callers use a thread."""

    def __init__(self, *, exposition: Exposition, health: HealthCheckManager, metrics_path: str, is_compressed: bool) -> None:
        self._exposition = exposition
        self._health = health
        self._metrics_path = metrics_path.rstrip("/")
        self._is_compressed = is_compressed

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is answered."""
        return (self._metrics_path, *HEALTH_PATHS)

    def answer(self, request: Request) -> Response:
        """Answer ``request``; 404 names the paths that there are, 405 the methods."""
        path = request.path.rstrip("/") or "/"
        if path not in self.paths:
            return _text(404, f"nothing here; try {', '.join(self.paths)}\n")
        if request.method not in ("GET", "HEAD"):
            return _text(405, "expected GET or HEAD\n", Allow="GET, HEAD")
        if path == self._metrics_path:
            return self._metrics(request)
        return self._health_report(self._health.check_all(HEALTH_PATHS[path]), is_detailed=_is_local(request.client))

    def _metrics(self, request: Request) -> Response:
        try:
            names = names_asked(request.query)
        except ValueError as error:
            return _text(400, f"{error}\n")
        body, content_type = self._exposition.render(request.accept, names=names)
        headers = {"Vary": "Accept, Accept-Encoding"}
        asked = request.accept_encoding
        if self._is_compressed and (len(body) >= _COMPRESSED_FROM_BYTES or is_identity_refused(asked)):
            encoding = chosen(asked)
            if encoding is not None:
                body = encoding.compress(body)
                headers["Content-Encoding"] = encoding.name
        return Response(status=200, content_type=content_type, body=body, headers=headers)

    def _health_report(self, report: HealthReport, *, is_detailed: bool) -> Response:
        document: dict[str, object] = {"status": report.status.value}
        if is_detailed:
            document["checks"] = {name: self._check(result) for name, result in report.checks.items()}
        body = json.dumps(document, indent=2, default=str).encode() + b"\n"
        return Response(status=200 if report.is_available else 503, content_type="application/json", body=body)

    def _check(self, result: HealthCheckResult) -> dict[str, object]:
        return {
            "status": result.status.value,
            "message": result.message,
            "timestamp": result.timestamp,
            "age_s": round(self._health.age_s(result), 3),
            "check_duration_s": round(result.check_duration, 6),
            "metadata": _plain(result.metadata, depth=0),
        }


def _plain(value: object, *, depth: int) -> object:
    """``value`` as JSON can say it, whatever a check put there."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {shown(key): _plain(inner, depth=depth + 1) for key, inner in value.items()}
    if depth < _DEEPEST and isinstance(value, (list, tuple)):
        return [_plain(inner, depth=depth + 1) for inner in value]
    return shown(value)


def _is_local(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _text(status: int, text: str, **headers: str) -> Response:
    return Response(status=status, content_type="text/plain; charset=utf-8", body=text.encode(), headers=headers)
