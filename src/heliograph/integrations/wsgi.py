"""Middleware for any WSGI application: spans and metrics of its requests, where no instrumentation package exists.

Put around an application by who serves it; calls ``http_server.py``. PEP 3333 is what it keeps to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.propagators.textmap import Getter

from heliograph.instrumentation.bodies import answered_silently, is_whole
from heliograph.integrations.http_server import Exchange, HttpServer, address, query_shown
from heliograph.integrations.routes import Routes, namer
from heliograph.manager import TelemetryManager
from heliograph.recording.context import CURRENT, SPAN_KEY, leave

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_MARK: Final = "heliograph.middleware"
_FAILED: Final = 500
_LENGTH_OF_STATUS: Final = 3


class TelemetryMiddleware:
    """Records each request to ``app``.

    ``telemetry`` is a manager, or None for the one that runs at the time; without one the application is called as it is.
    The route of a request (``/orders/<int:id>``) is what Flask and Bottle leave in the environment; ``routes`` gives it for
    others: templates of paths, or a function of the environment. ``probes`` are paths of which nothing is recorded, with ``*``
    for anything (by default those of health checks, and always that of metrics). With ``response_headers`` a response says its
    trace. A response that is made while it is sent is measured to its end.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        telemetry: TelemetryManager | None = None,
        routes: Routes = None,
        probes: Sequence[str] | None = None,
        response_headers: bool = True,
    ) -> None:
        self.app = app
        self._server = HttpServer(app, telemetry, probes, _GETTER, has_headers=response_headers)
        self._name, self._templates = namer(routes)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        telemetry = self._server.at_work() if _MARK not in environ else None
        if telemetry is None:
            return self.app(environ, start_response)
        environ[_MARK] = True  # for one that is mounted in another
        if self._server.is_probe(_path(environ)):
            return answered_silently(self.app, environ, start_response)
        try:
            exchange = self._begin(telemetry, environ)
        except Exception as mishap:  # an environment of an odd shape: the application decides what to make of it
            self._server.mishaps.note("wsgi", mishap)
            return self.app(environ, start_response)
        return self._answer(exchange, environ, start_response)

    def _begin(self, telemetry: TelemetryManager, environ: WSGIEnvironment) -> Exchange:
        scheme = environ.get("wsgi.url_scheme", "http")
        attributes: dict[str, Any] = {"url.scheme": scheme, "url.path": environ.get("SCRIPT_NAME", "") + _path(environ)}
        if query := environ.get("QUERY_STRING"):
            attributes["url.query"] = query_shown(query)
        if host := environ.get("HTTP_HOST") or environ.get("SERVER_NAME"):
            attributes.update(address(host, scheme))
        if client := environ.get("REMOTE_ADDR"):
            attributes["client.address"] = client
        if protocol := environ.get("SERVER_PROTOCOL"):
            attributes["network.protocol.version"] = protocol.removeprefix("HTTP/")
        if agent := environ.get("HTTP_USER_AGENT"):
            attributes["user_agent.original"] = agent
        return self._server.begin(telemetry, environ.get("REQUEST_METHOD", "GET"), attributes, environ)

    def _answer(self, exchange: Exchange, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            try:
                exchange.failure = error[0][1] if error and error[0] else None  # the answer is about that
                headers = self._started(exchange, environ, status, headers)
            except Exception as mishap:  # what the application says may be odd; the server decides what to make of it
                self._server.mishaps.note("wsgi", mishap)
            return start_response(status, headers, *error)

        token = CURRENT.set(exchange.context)
        try:
            body = self.app(environ, start)
            if is_whole(body, environ):
                exchange.end()
                return body
        except BaseException as error:
            exchange.route = exchange.route or self._route(environ)
            _fail(exchange, error)
            raise
        finally:
            leave(token, exchange.context[SPAN_KEY])
        return _Body(exchange, environ, body)

    def _started(
        self, exchange: Exchange, environ: WSGIEnvironment, status: str, headers: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """The response has begun; returns its headers."""
        code = status[:_LENGTH_OF_STATUS]
        if code.isascii() and code.isdigit():
            exchange.status = int(code)
        exchange.route = self._route(environ)  # Flask forgets it soon after
        said = exchange.headers(environ.get("HTTP_X_REQUEST_ID"), lambda: {name.lower() for name, _value in headers})
        return [*headers, *said] if said else headers

    def _route(self, environ: WSGIEnvironment) -> str | None:
        """The route of a request that was routed. Never raises."""
        try:
            if self._name is not None:
                return self._name(environ)
            if self._templates is not None:
                return self._templates.route(_path(environ))
            # What Flask's request and Bottle's route are called there.
            request, route = environ.get("werkzeug.request"), environ.get("bottle.route")
            rule = getattr(getattr(request, "url_rule", None) or route, "rule", None)
            return environ.get("SCRIPT_NAME", "") + rule if isinstance(rule, str) else None
        except Exception as mishap:  # a function of the application's, or a framework's own objects
            self._server.mishaps.note("route", mishap)
            return None


class _Body:
    """The body of a response that is made while it is sent. The span is current while it is made, not in between."""

    def __init__(self, exchange: Exchange, environ: WSGIEnvironment, body: Iterable[bytes]) -> None:
        self._exchange = exchange
        self._environ = environ
        self._body = body
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        token = CURRENT.set(self._exchange.context)
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except StopIteration:
            self._exchange.end()
            raise
        except BaseException as error:
            _fail(self._exchange, error)
            raise
        finally:
            leave(token, self._exchange.context[SPAN_KEY])

    def close(self) -> None:
        """The server is done: with all of it, or because its client has gone."""
        token = CURRENT.set(self._exchange.context)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            # Of an answer to HEAD nothing is sent but its headers.
            is_head = self._environ.get("REQUEST_METHOD") == "HEAD"
            self._exchange.end(error_type=None if is_head else "client_disconnected")
            leave(token, self._exchange.context[SPAN_KEY])


def _fail(exchange: Exchange, error: BaseException) -> None:
    if not isinstance(error, Exception):  # an exit did not fail
        exchange.end(error_type="cancelled")
        return
    if exchange.status is None:
        exchange.status = _FAILED  # which is what the server says in its place
    exchange.end(error=error)


def _path(environ: WSGIEnvironment) -> str:
    # The bytes, decoded as Latin-1.
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace") or "/"


class _Environment(Getter[dict[str, Any]]):
    def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
        value = carrier.get(f"HTTP_{key.upper().replace('-', '_')}")
        return None if value is None else [value]

    def keys(self, carrier: dict[str, Any]) -> list[str]:
        return [name[5:].lower().replace("_", "-") for name in carrier if name.startswith("HTTP_")]


_GETTER: Final = _Environment()
