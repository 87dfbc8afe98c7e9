"""Clients and engines, all of a kind or one that the application hands over: httpx, redis, SQLAlchemy.

Made by ``instrumenting.py`` from ``table.py``; calls the instrumentation packages. A client is never instrumented twice: that
would give each of its calls two spans.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any


class Clients:
    """The clients of one library, which are of ``kinds``; ``instrumentor`` is its package's, which knows
    ``instrument_client``."""

    def __init__(self, instrumentor: Any, kinds: tuple[type, ...]) -> None:
        self._instrumentor = instrumentor
        self.kinds = kinds
        self._is_ours = False
        self.taken: weakref.WeakSet[Any] = weakref.WeakSet()

    def take_all(self) -> None:
        # What was taken by itself goes on as it is: what it calls is from before.
        if not self._instrumentor.is_instrumented_by_opentelemetry:
            self._instrumentor.instrument()
            self._is_ours = True

    def take(self, target: Any) -> None:
        if not self._instrumentor.is_instrumented_by_opentelemetry and target not in self.taken:
            self._instrumentor.instrument_client(target)
            self.taken.add(target)

    def let_go(self) -> None:
        for client in list(self.taken):
            self._instrumentor.uninstrument_client(client)
        self.taken.clear()
        if self._is_ours:
            self._is_ours = False
            self._instrumentor.uninstrument()


class Engines(Clients):
    """The engines of SQLAlchemy. The package's own way to instrument one engine also changes how others are made."""

    def __init__(self, instrumentor: Any, tracer_of: Callable[..., Any], kinds: tuple[type, ...]) -> None:
        super().__init__(instrumentor, kinds)
        self._tracer_of = tracer_of

    def take(self, target: Any) -> None:
        from opentelemetry import metrics, trace  # noqa: PLC0415  # loaded by the package; its own scope is used

        engine = getattr(target, "sync_engine", target)  # of an asynchronous one
        if any(known() is engine for known, *_listener in self._tracer_of._remove_event_listener_params):  # type: ignore[attr-defined]
            return
        scope = import_module("opentelemetry.instrumentation.sqlalchemy")
        meter = metrics.get_meter(scope.__name__, scope.__version__)
        usage = meter.create_up_down_counter(
            name="db.client.connections.usage",
            unit="connections",
            description="The number of connections that are currently in state described by the state attribute.",
        )
        self._tracer_of(trace.get_tracer(scope.__name__, scope.__version__), engine, usage)
        self.taken.add(engine)

    def let_go(self) -> None:
        if self._is_ours:
            self._is_ours = False
            self._instrumentor.uninstrument()
        elif self.taken:
            self._tracer_of.remove_all_event_listeners()  # type: ignore[attr-defined]
        self.taken.clear()


def httpx_clients() -> Clients:
    """Those of httpx."""
    httpx = import_module("httpx")
    package = import_module("opentelemetry.instrumentation.httpx")
    return Clients(package.HTTPXClientInstrumentor(), (httpx.Client, httpx.AsyncClient))


def redis_clients() -> Clients:
    """Those of redis."""
    redis, awaited = import_module("redis"), import_module("redis.asyncio")
    kinds = (redis.Redis, redis.RedisCluster, awaited.Redis, awaited.RedisCluster)
    return Clients(import_module("opentelemetry.instrumentation.redis").RedisInstrumentor(), kinds)


def sqlalchemy_engines() -> Engines:
    """Those of SQLAlchemy."""
    package = import_module("opentelemetry.instrumentation.sqlalchemy")
    tracer_of = import_module("opentelemetry.instrumentation.sqlalchemy.engine").EngineTracer
    kinds = (import_module("sqlalchemy.engine").Engine, import_module("sqlalchemy.ext.asyncio").AsyncEngine)
    return Engines(package.SQLAlchemyInstrumentor(), tracer_of, kinds)
