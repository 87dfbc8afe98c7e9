"""Middleware for any ASGI application: spans and metrics of its requests, where no instrumentation package exists.

Put around an application by who serves it; calls ``http_server.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from opentelemetry.propagators.textmap import Getter

from heliograph.integrations.http_server import Exchange, HttpServer, address, query_shown
from heliograph.integrations.routes import MountPrefixes, Routes, namer
from heliograph.manager import TelemetryManager
from heliograph.recording.context import CURRENT, SPAN_KEY, leave
from heliograph.recording.suppression import suppressed_spans

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_MARK: Final = "heliograph.middleware"
_FAILED: Final = 500
# The second and the third are extensions: a file by its path, or by its number.
_BODIES: Final = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
_TRAILERS: Final = frozenset({"http.response.trailers"})
_DISCONNECTED: Final = "client_disconnected"


class TelemetryMiddleware:
    """Records each request to ``app``.

    ``telemetry`` is a manager, or None for the one that runs at the time; without one the application is called as it is. The
    route of a request (``/orders/{id}``) is what Starlette, FastAPI and other frameworks leave in the scope; ``routes`` gives
    it for others: templates of paths, or a function of the scope. ``probes`` are paths of which nothing is recorded, with
    ``*`` for anything (by default those of health checks, and always that of metrics). With ``response_headers`` a response
    says its trace. A websocket is one span, and is not measured.
    """

    def __init__(
        self,
        app: Application,
        *,
        telemetry: TelemetryManager | None = None,
        routes: Routes = None,
        probes: Sequence[str] | None = None,
        response_headers: bool = True,
    ) -> None:
        self.app = app
        self._server = HttpServer(app, telemetry, probes, _GETTER, has_headers=response_headers)
        self._name, self._templates = namer(routes)
        self._mounts = MountPrefixes(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telemetry = self._server.at_work() if scope["type"] in _KINDS and _MARK not in scope else None
        if telemetry is None:
            await self.app(scope, receive, send)
            return
        scope[_MARK] = True  # for one that is mounted in another
        scope.setdefault("fastapi.telemetry", None)  # FastAPI's own, which would make each request two, and know no probes
        root = scope.get("root_path", "")
        if self._server.is_probe(_below(root, scope["path"])):
            with suppressed_spans():
                await self.app(scope, receive, send)
            return
        try:
            exchange = self._begin(telemetry, scope)
        except Exception as mishap:  # a scope of an odd shape: the application decides what to make of it
            self.note(mishap)
            await self.app(scope, receive, send)
            return
        token = CURRENT.set(exchange.context)
        try:
            await _KINDS[scope["type"]](self, exchange, scope, root).run(receive, send)
        finally:
            leave(token, exchange.context[SPAN_KEY])

    def _begin(self, telemetry: TelemetryManager, scope: Scope) -> Exchange:
        method = scope.get("method") or "GET"  # which is how a websocket begins
        scheme, path = scope.get("scheme", "http"), scope["path"]
        headers = _joined(scope["headers"])
        attributes: dict[str, Any] = {"url.scheme": scheme, "url.path": path}
        if query := scope.get("query_string"):
            attributes["url.query"] = query_shown(query.decode("latin-1"))
        if host := headers.get(b"host"):
            attributes.update(address(host.decode("latin-1"), scheme))
        elif server := scope.get("server"):
            attributes["server.address"] = server[0]
        if client := scope.get("client"):
            attributes["client.address"] = client[0]
        if version := scope.get("http_version"):
            attributes["network.protocol.version"] = version
        if agent := headers.get(b"user-agent"):
            attributes["user_agent.original"] = agent.decode("latin-1")
        return self._server.begin(telemetry, method, attributes, headers, is_measured=scope["type"] == "http")

    def note(self, mishap: Exception) -> None:
        """Something that the application is not to hear of went wrong."""
        self._server.mishaps.note("asgi", mishap)

    def route(self, scope: Scope, root: str) -> str | None:
        """The route of a request that was routed; ``root`` is where the application itself is. Never raises."""
        try:
            if self._name is not None:
                return self._name(scope)
            if self._templates is not None:
                return self._templates.route(_below(root, scope["path"]))
            return self._route_in(scope, root)
        except Exception as mishap:  # a function of the application's, or a framework's own objects
            self._server.mishaps.note("route", mishap)
            return None

    def _route_in(self, scope: Scope, root: str) -> str | None:
        """What frameworks leave in the scope: Litestar its template; FastAPI and Starlette the route, below the places where
        the application that has it is mounted."""
        template = scope.get("path_template")
        if isinstance(template, str):
            return template
        found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
        path = getattr(found, "path", None)
        if not isinstance(path, str):
            return None
        prefix = scope.get("root_path", "")[len(root) :]
        if not prefix:
            return path
        is_mount = hasattr(found, "routes")
        return self._mounts.template(prefix) + ("" if is_mount else path)


class _HttpRun:
    """The application at work on one HTTP request."""

    def __init__(self, middleware: TelemetryMiddleware, exchange: Exchange, scope: Scope, root: str) -> None:
        self._middleware = middleware
        self._exchange = exchange
        self._scope = scope
        self._root = root
        self._has_trailers = self._is_complete = self._is_client_gone = False

    async def run(self, receive: Receive, send: Send) -> None:
        self._from_client, self._to_client = receive, send
        try:
            await self._middleware.app(self._scope, self._receive, self._send)
        except BaseException as error:
            self._fail(error)
            raise
        if self._exchange.is_open:
            self._conclude()

    async def _receive(self) -> Message:
        message = await self._from_client()
        if message["type"] == "http.disconnect" and not self._is_complete:
            self._is_client_gone = True
        return message

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            try:
                self._start(message)
            except Exception as mishap:  # what the application says may be odd; the server decides what to make of it
                self._middleware.note(mishap)
        try:
            await self._to_client(message)
        except OSError:  # which is how a server says it, since version 2.4 of the protocol
            self._is_client_gone = True
            raise
        last, more = (_TRAILERS, "more_trailers") if self._has_trailers else (_BODIES, "more_body")
        if kind in last and not message.get(more, False):
            self._is_complete = True
            status = self._exchange.status
            # After a failure the exception that it was about may still come; background tasks are no part of the request.
            if status is None or status < _FAILED:
                self._end(error_type=_DISCONNECTED if self._is_client_gone else None)

    def _start(self, message: Message) -> None:
        self._exchange.status = message["status"]
        self._has_trailers = bool(message.get("trailers", False))
        headers = list(message.get("headers", ()))
        asked = next((value.decode("latin-1") for name, value in self._scope["headers"] if name == b"x-request-id"), None)
        said = self._exchange.headers(asked, lambda: {bytes(name).lower().decode("latin-1") for name, _value in headers})
        if said:
            message["headers"] = [*headers, *((name.encode(), value.encode("latin-1")) for name, value in said)]

    def _fail(self, error: BaseException) -> None:
        if self._is_client_gone or not isinstance(error, Exception):  # a cancelled task or an exit did not fail
            self._end(error_type=_DISCONNECTED if self._is_client_gone else "cancelled")
            return
        if self._exchange.status is None:
            self._exchange.status = _FAILED  # which is what the server says in its place
        self._end(error=error)

    def _conclude(self) -> None:
        """The application has returned. Without a whole answer the server ends the connection, or says 500."""
        if self._is_complete:
            self._end()
        elif self._is_client_gone:
            self._end(error_type=_DISCONNECTED)
        elif self._exchange.status is None:
            self._exchange.status = _FAILED
            self._end()
        else:
            self._end(error_type="incomplete_response")

    def _end(self, *, error: BaseException | None = None, error_type: str | None = None) -> None:
        exchange = self._exchange
        if exchange.is_open:
            exchange.route = self._middleware.route(self._scope, self._root)
            exchange.end(error=error, error_type=error_type)


class _WebsocketRun:
    """The application at work on one websocket: its span lasts as long as the connection."""

    def __init__(self, middleware: TelemetryMiddleware, exchange: Exchange, scope: Scope, root: str) -> None:
        self._middleware = middleware
        self._exchange = exchange
        self._scope = scope
        self._root = root

    async def run(self, receive: Receive, send: Send) -> None:
        error: BaseException | None = None
        try:
            await self._middleware.app(self._scope, receive, send)
        except BaseException as raised:
            # Frameworks say by an exception of this name that the client has gone, which is how most end.
            is_normal = not isinstance(raised, Exception) or type(raised).__name__ == "WebSocketDisconnect"
            error = None if is_normal else raised
            raise
        finally:
            self._exchange.route = self._middleware.route(self._scope, self._root)
            self._exchange.end(error=error)


_KINDS: Final[Mapping[str, type[_HttpRun | _WebsocketRun]]] = {"http": _HttpRun, "websocket": _WebsocketRun}


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; what comes several times is joined, as HTTP allows."""
    headers = list(headers)
    found = dict(headers)
    if len(found) != len(headers):
        for name in found:
            found[name] = b",".join(value for each, value in headers if each == name)
    return found


def _below(root: str, path: str) -> str:
    """The path as the application itself sees it."""
    root = root.rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


class _Headers(Getter[dict[bytes, bytes]]):
    def get(self, carrier: dict[bytes, bytes], key: str) -> list[str] | None:
        value = carrier.get(key.lower().encode("latin-1"))
        return None if value is None else [value.decode("latin-1")]

    def keys(self, carrier: dict[bytes, bytes]) -> list[str]:
        return [name.decode("latin-1") for name in carrier]


_GETTER: Final = _Headers()
