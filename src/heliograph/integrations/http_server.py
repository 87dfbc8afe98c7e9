"""What our ASGI and our WSGI middleware record of a request: a server span, its duration, and how many are being answered.

Called by ``asgi.py`` and ``wsgi.py``, which know how each protocol says things; calls the manager's recording calls. Names are
those of OpenTelemetry's semantic conventions for HTTP servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode

from heliograph.errors import NotStartedError
from heliograph.instrumentation.headers import response_headers
from heliograph.instrumentation.probes import USUAL, Mounts, Probes
from heliograph.manager import TelemetryManager
from heliograph.recording.calls.instruments import Histogram, UpDownCounter
from heliograph.recording.context import CURRENT, SPAN_KEY
from heliograph.recording.mishaps import Mishaps
from heliograph.text import described

# RFC 9110, 5789 and 10008; others are of the client's making, and would each be a series.
_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_OTHER: Final = "_OTHER"
_VERSIONS: Final = frozenset({"0.9", "1.0", "1.1", "2", "2.0", "3", "3.0"})  # a server may pass on what the client says
_FAILED: Final = 500
_DIGITS: Final = 5  # of a port
# Semantic conventions, `url.query`, and those of Azure and of the older AWS.
_SIGNATURES: Final = frozenset(
    {"AWSAccessKeyId", "Signature", "sig", "X-Amz-Credential", "X-Amz-Security-Token", "X-Amz-Signature", "X-Goog-Signature"}
)
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class HttpServer:
    """One middleware's side of it. ``telemetry`` is a manager, or None for the one that runs at the time."""

    def __init__(
        self,
        application: Any,
        telemetry: TelemetryManager | None,
        probes: Sequence[str] | None,
        getter: Getter[Any],
        *,
        has_headers: bool,
    ) -> None:
        if telemetry is not None and not isinstance(telemetry, TelemetryManager):
            raise TypeError(f"given {telemetry!r}, expected a TelemetryManager, or None for the running manager")
        self.mishaps = Mishaps()
        self.has_headers = has_headers
        self._telemetry = telemetry
        self._getter = getter
        self._given_probes = probes
        self._mounts = Mounts(application)
        self._known: TelemetryManager | None = None
        self._is_on = False
        self._probes = Probes([*(USUAL if probes is None else probes), "/metrics"])
        self._duration: Histogram | None = None
        self._active: UpDownCounter | None = None

    def at_work(self) -> TelemetryManager | None:
        """Whose recording calls are used now; None when nobody records."""
        telemetry = self._telemetry
        if telemetry is None:
            try:
                telemetry = TelemetryManager.current()
            except NotStartedError:
                return None
        if telemetry is not self._known:
            self._meet(telemetry)
        return telemetry if self._is_on else None

    def _meet(self, telemetry: TelemetryManager) -> None:
        paths = USUAL if self._given_probes is None else self._given_probes
        self._probes = Probes([*paths, telemetry.settings.effective_server.metrics_path])
        self._duration = telemetry.histogram("http.server.request.duration")
        self._active = telemetry.up_down_counter("http.server.active_requests")
        self._is_on = telemetry.is_enabled
        self._known = telemetry

    def is_probe(self, path: str) -> bool:
        """Whether nothing is recorded of a request for ``path``."""
        return self._probes.has(path) or self._mounts.has(path)

    def begin(
        self, telemetry: TelemetryManager, method: str, attributes: dict[str, Any], carrier: Any, *, is_measured: bool = True
    ) -> Exchange:
        """Start the span of a request, below the span that its caller says that it is in. ``attributes`` are the span's; those
        of the metrics are taken from them."""
        before = CURRENT.get()
        parent = propagate.get_global_textmap().extract(carrier, before, self._getter)
        known = method if method in _METHODS else _OTHER
        attributes["http.request.method"] = known
        if known is _OTHER:
            attributes["http.request.method_original"] = method
        span = telemetry.tracer.start_span("HTTP" if known is _OTHER else known, parent, SpanKind.SERVER, attributes)
        return Exchange(self, span, Context({**parent, SPAN_KEY: span}), attributes, is_measured=is_measured)

    def measure(self, telemetry_attributes: dict[str, Any], seconds: float) -> None:
        """Record how long a request took."""
        if self._duration is not None:
            self._duration.record(seconds, telemetry_attributes)

    def count(self, change: int, attributes: dict[str, Any]) -> None:
        """One request more, or one less, is being answered."""
        if self._active is not None:
            self._active.add(change, attributes)


class Exchange:
    """One request and its answer. ``context`` has its span as the current one. Ended once; a second time nothing happens.

    Who makes it says ``status``, ``route`` and ``failure``, an exception that was answered, when they are known."""

    __slots__ = (
        "_attributes",
        "_counted",
        "_is_measured",
        "_server",
        "_started_s",
        "context",
        "failure",
        "is_open",
        "route",
        "span",
        "status",
    )

    def __init__(
        self, server: HttpServer, span: Span, context: Context, attributes: Mapping[str, Any], *, is_measured: bool
    ) -> None:
        method = attributes["http.request.method"]
        self._server = server
        self._started_s = perf_counter()
        self._is_measured = is_measured
        self.is_open = True
        self._counted = {"http.request.method": method, "url.scheme": attributes["url.scheme"]}
        self._attributes = dict(self._counted)
        if (version := attributes.get("network.protocol.version")) in _VERSIONS:
            self._attributes["network.protocol.version"] = version
        self.span = span
        self.context = context
        self.status: int | None = None
        self.route: str | None = None
        self.failure: BaseException | None = None
        if is_measured:
            server.count(1, self._counted)

    def headers(self, request_id: str | None, present: Callable[[], set[str]]) -> list[tuple[str, str]]:
        """What its response says of the trace. ``present`` are the names of the headers that the response has."""
        context: SpanContext = self.span.get_span_context()
        return response_headers(context, request_id, present()) if self._server.has_headers and context.is_valid else []

    def end(self, *, error: BaseException | None = None, error_type: str | None = None) -> None:
        """End the span and measure. ``error`` is what the application raised, ``error_type`` what else went wrong. Must run
        in :attr:`context`, which the measurement refers to. Never raises."""
        if not self.is_open:
            return
        self.is_open = False
        try:
            self._end(error, error_type)
        except Exception as mishap:  # processors of somebody else's may raise anything
            self._server.mishaps.note("http server", mishap)

    def _end(self, error: BaseException | None, error_type: str | None) -> None:
        said, status = self._attributes, self.status
        if status is not None:
            said["http.response.status_code"] = status
            if status >= _FAILED:
                error_type = error_type or str(status)
        error = error or self.failure
        if error is not None:
            error_type = type(error).__qualname__
        if error_type is not None:
            said["error.type"] = error_type
        if self.route:
            said["http.route"] = self.route
        if self.span.is_recording():
            self._complete(self.span, error)
        if self._is_measured:
            self._server.measure(said, perf_counter() - self._started_s)
            self._server.count(-1, self._counted)
        self.span.end()

    def _complete(self, span: Span, error: BaseException | None) -> None:
        said = self._attributes
        if self.route:
            method = said["http.request.method"]
            span.update_name(f"{'HTTP' if method is _OTHER else method} {self.route}")
        span.set_attributes({name: said[name] for name in _OF_ANSWERS if name in said})
        if error is not None:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, described(error)))
        elif self.status is not None and self.status >= _FAILED:
            span.set_status(Status(StatusCode.ERROR))


_OF_ANSWERS: Final = ("http.response.status_code", "error.type", "http.route")


def address(host: str, scheme: str) -> dict[str, Any]:
    """``server.address`` and ``server.port`` of what a client called the server: ``name``, ``name:port``, ``[::1]:port``."""
    if host.startswith("["):
        name, _bracket, rest = host[1:].partition("]")
        port = rest[1:]
    else:
        name, _colon, port = host.partition(":")
    is_port = len(port) <= _DIGITS and port.isascii() and port.isdigit()
    return {"server.address": name, "server.port": int(port) if is_port else _PORTS.get(scheme, 80)}


def query_shown(query: str) -> str:
    """``query`` without the values of what signs a link: who reads them could use it."""
    if not any(name in query for name in _SIGNATURES):
        return query
    parts = (part.partition("=") for part in query.split("&"))
    return "&".join(f"{name}=REDACTED" if name in _SIGNATURES else name + equals + value for name, equals, value in parts)
