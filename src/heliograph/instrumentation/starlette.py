"""Applications of Starlette and FastAPI. Probes pass the instrumentation by.

Made by ``instrumenting.py`` from ``table.py``; calls the instrumentation packages. To take all applications of a kind, the
call of the class is watched: that finds those too that were made before, or whose class was imported before.
"""

from __future__ import annotations

import logging
import sys
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.trace import Status, StatusCode, get_current_span

from heliograph.endpoint.mounting import is_endpoint
from heliograph.instrumentation.headers import REQUEST, asked_with
from heliograph.instrumentation.probes import Mounts, Probes
from heliograph.recording.suppression import suppressed_spans
from heliograph.text import described

logger = logging.getLogger("heliograph.instrumentation")

_REQUEST_ID: Final = REQUEST.encode()
_DEEPEST: Final = 8  # applications in applications
_OTHER: Final = "_OTHER"  # which is what the packages call a method that is none of HTTP's


class Screen:
    """Around everything that an application is made of: lets probes through in silence."""

    def __init__(self, app: Any, application: Any, probes: Probes) -> None:
        self.app = app  # FastAPI looks for instrumentation along this attribute
        self._probes = probes
        self._mounts = Mounts(application)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("fastapi.telemetry", None)  # FastAPI's own, which one that is mounted here would use
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self._is_probe(scope):
            with suppressed_spans():
                await self.app(scope, receive, send)
        else:
            with asked_with(request_id(scope)):
                await self.app(scope, receive, send)

    def _is_probe(self, scope: Any) -> bool:
        path, root = scope.get("path", ""), scope.get("root_path", "").rstrip("/")
        below = path[len(root) :] if root and path.startswith(f"{root}/") else path
        return self._probes.has(below) or self._mounts.has(below)


def request_id(scope: Any) -> str | None:
    """The header ``x-request-id`` of a request."""
    for name, value in scope.get("headers", ()):
        if name == _REQUEST_ID:
            return bytes(value).decode("latin-1")
    return None


class AsgiApplications:
    """The applications of ``kind``, which the package's ``instrumentor`` knows how to instrument."""

    def __init__(self, kind: Any, instrumentor: Any, probes: Probes, is_of_kind: Callable[[Any], bool]) -> None:
        self._kind = kind
        self.kinds = (kind,)
        self._instrumentor = instrumentor
        self._probes = probes
        self._is_of_kind = is_of_kind
        self._original: Any = None
        self._replacement: Any = None
        self.taken: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def take_all(self) -> None:
        if self._original is not None:
            return
        original = self._original = self._kind.__call__

        async def call(application: Any, scope: Any, receive: Any, send: Any) -> None:
            # One that is mounted in another is a part of it.
            if "app" not in scope and self._original is not None and application not in self.taken:
                self._take_quietly(application)
            await original(application, scope, receive, send)

        self._kind.__call__ = self._replacement = call

    def _take_quietly(self, application: Any) -> None:
        if not self._is_of_kind(application) or is_endpoint(application):
            return
        try:
            self.take(application)
        except Exception as error:  # the package's; the application goes on without it
            self.taken[application] = None
            logger.warning("%r is not instrumented: %s", application, described(error))

    def take(self, target: Any) -> None:
        if target in self.taken or getattr(target, "_is_instrumented_by_opentelemetry", False):
            return
        target.middleware_stack = None  # built already where this comes at start-up; it is built again
        self._instrumentor.instrument_app(target)
        around = _taken_outside(target)
        build = target.build_middleware_stack
        self.taken[target] = vars(target).get("build_middleware_stack")

        def build_screened() -> Screen:
            stack = around(build())
            _adjust(stack)
            return Screen(stack, target, self._probes)

        target.build_middleware_stack = build_screened

    def let_go(self) -> None:
        # Somebody else may have put theirs over ours meanwhile, which stays; ours takes nothing any more.
        if self._original is not None and self._kind.__call__ is self._replacement:
            self._kind.__call__ = self._original
        self._original = None
        for application, build in list(self.taken.items()):
            if "build_middleware_stack" in vars(application):
                if build is None:
                    del application.build_middleware_stack
                else:
                    application.build_middleware_stack = build
            application.user_middleware = [each for each in application.user_middleware if each.cls is not _Failures]
            self._instrumentor.uninstrument_app(application)
        self.taken.clear()


class _Failures:
    """Innermost: records what the application raises, while the span is open still."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            span = get_current_span()
            if scope["type"] == "http" and span.is_recording():  # of a websocket the package does it
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, described(error)))
            raise


def _taken_outside(target: Any) -> Callable[[Any], Any]:
    """Starlette's package puts its middleware inside of what answers when the application fails, so that failures would be
    measured without a status: what puts it around everything instead. FastAPI's does so itself."""
    first = target.user_middleware[0] if target.user_middleware else None
    if first is None or getattr(first.cls, "__name__", "") != "OpenTelemetryMiddleware":
        return lambda stack: stack
    target.user_middleware[0] = type(first)(_Failures)
    return lambda stack: first.cls(stack, *first.args, **first.kwargs)


def _adjust(stack: Any) -> None:
    """No spans for the single messages of a request and its answer, of which the packages make two or three a request; and
    whole routes, where they know but the place at which an application is mounted."""
    while stack is not None:
        if hasattr(stack, "exclude_send_span"):
            stack.exclude_send_span = stack.exclude_receive_span = True
            stack.default_span_details = _with_whole_route(stack.default_span_details)
        stack = getattr(stack, "app", None)


def _with_whole_route(details: Callable[[Any], tuple[str, dict[str, Any]]]) -> Callable[[Any], tuple[str, dict[str, Any]]]:
    def whole(scope: Any) -> tuple[str, dict[str, Any]]:
        name, attributes = details(scope)
        said, method = scope.get("method", ""), sanitize_method(scope.get("method", ""))
        if said and method == _OTHER:  # of the client's making: each would be another name
            name, said = f"HTTP{name.removeprefix(said)}" if name.startswith(said) else name, "HTTP"
        mounted = attributes.get(HTTP_ROUTE)
        routes = scope["app"].routes
        route = _route_below(routes, scope, _DEEPEST) if mounted is not None else None
        # What is below a host the packages call by its path.
        is_path = mounted is not None and mounted == scope.get("path") and any(hasattr(each, "host") for each in routes)
        if is_path and route is None:
            return said, {key: value for key, value in attributes.items() if key != HTTP_ROUTE}
        if route is None or route == mounted or not (is_path or route.startswith(f"{mounted}/")):
            return name, attributes
        return f"{said} {route}".lstrip(), {**attributes, HTTP_ROUTE: route}

    sanitize_method = import_module("opentelemetry.util.http").sanitize_method  # comes with the packages
    return whole


def _route_below(routes: Any, scope: Any, levels: int) -> str | None:
    """The template of the path through all that is mounted in each other; None when no route fits."""
    for route in routes if levels else ():
        match, found = route.matches(scope)
        if match.name == "FULL":
            path = getattr(route, "path", None)
            inner = getattr(route, "routes", None)
            if not isinstance(path, str):  # of a host
                return _route_below(inner or (), {**scope, **found}, levels - 1)
            return path if inner is None else path + (_route_below(inner, {**scope, **found}, levels - 1) or "")
    return None


def starlette_applications(probes: Probes) -> AsgiApplications:
    """Those that are not FastAPI's."""

    def is_plain(application: Any) -> bool:
        fastapi = sys.modules.get("fastapi.applications")
        return fastapi is None or not isinstance(application, fastapi.FastAPI)

    return AsgiApplications(
        import_module("starlette.applications").Starlette,
        import_module("opentelemetry.instrumentation.starlette").StarletteInstrumentor,
        probes,
        is_plain,
    )


def fastapi_applications(probes: Probes) -> AsgiApplications:
    """Those of FastAPI."""
    return AsgiApplications(
        import_module("fastapi.applications").FastAPI,
        import_module("opentelemetry.instrumentation.fastapi").FastAPIInstrumentor,
        probes,
        lambda _application: True,
    )
