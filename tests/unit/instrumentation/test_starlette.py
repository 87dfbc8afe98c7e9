"""Applications of FastAPI and Starlette that are made, mounted and instrumented in other orders."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute

from heliograph import TelemetryManager
from tests.instrumentations.servers import get, serving_asgi
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> Iterator[TelemetryManager]:
    started = start(**QUIET, recorder=request.param)
    yield started
    started.uninstrument()


async def hello(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


def made_fastapi(**options: Any) -> fastapi.FastAPI:
    application = fastapi.FastAPI(**options)
    application.get("/orders/{number}")(lambda number: number)
    application.get("/health")(lambda: "up")
    return application


def asked(application: Any, *paths: str) -> list[int]:
    with serving_asgi(application) as port:
        return [get(port, path) for path in paths]


def test_an_application_may_be_instrumented_at_its_start_up(telemetry: TelemetryManager) -> None:
    @contextlib.asynccontextmanager
    async def lifespan(application: fastapi.FastAPI) -> AsyncIterator[None]:
        telemetry.instrument(fastapi=application)
        yield

    assert asked(made_fastapi(lifespan=lifespan), "/orders/7", "/health") == [200, 200]
    assert span_names(telemetry) == ["GET /orders/{number}"]


@pytest.mark.parametrize("how", [{}, {"starlette": True, "fastapi": True}])
def test_an_application_in_another_is_a_part_of_it(telemetry: TelemetryManager, how: dict[str, Any]) -> None:
    outer = Starlette(routes=[Mount("/api", made_fastapi()), Route("/hello", hello)])
    telemetry.instrument(**how)
    assert asked(outer, "/api/orders/7", "/hello") == [200, 200]
    assert span_names(telemetry) == ["GET /api/orders/{number}", "GET /hello"]


def test_only_the_application_that_is_given_is_instrumented(telemetry: TelemetryManager) -> None:
    one, other = (Starlette(routes=[Route("/hello", hello)]) for _ in range(2))
    telemetry.instrument(starlette=one)
    asked(one, "/hello")
    asked(other, "/hello")
    assert span_names(telemetry) == ["GET /hello"]


def test_several_applications_can_be_given(telemetry: TelemetryManager) -> None:
    applications = [Starlette(routes=[Route("/hello", hello)]) for _ in range(2)]
    telemetry.instrument(starlette=applications)
    for application in applications:
        asked(application, "/hello")
    assert span_names(telemetry) == ["GET /hello"] * 2


def test_an_application_that_was_served_before_is_instrumented(telemetry: TelemetryManager) -> None:
    application = made_fastapi(telemetry={"tracing": False, "metrics": False, "logs": False})
    asked(application, "/orders/7")
    telemetry.instrument()
    asked(application, "/orders/7")
    assert span_names(telemetry) == ["GET /orders/{number}"]


def test_the_endpoint_of_heliograph_itself_is_left_alone(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start(system={"enabled": False})
    telemetry.instrument()
    try:
        port = int(str(telemetry.endpoint_url).rsplit(":", 1)[1])
        assert [get(port, path) for path in ("/metrics", "/health", "/nowhere")] == [200, 200, 404]
        assert span_names(telemetry) == []
    finally:
        telemetry.uninstrument()


def test_other_probes_can_be_named(telemetry: TelemetryManager) -> None:
    application = Starlette(routes=[Route("/up", hello), Route("/health", hello), Route("/metrics", hello)])
    telemetry.instrument(starlette=application, probes=["/up"])
    asked(application, "/up", "/health", "/metrics")
    assert span_names(telemetry) == ["GET /health"]


def test_without_response_headers_responses_say_nothing(telemetry: TelemetryManager) -> None:
    application = Starlette(routes=[Route("/hello", hello)])
    telemetry.instrument(starlette=application, response_headers=False)
    with serving_asgi(application) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/hello") as answer:
        assert "traceresponse" not in answer.headers
    assert span_names(telemetry) == ["GET /hello"]


def test_a_method_of_the_clients_making_is_no_name_of_its_own(telemetry: TelemetryManager) -> None:
    application = Starlette(routes=[Mount("/shop", routes=[Route("/{name}", hello)])])
    telemetry.instrument(starlette=application)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
            await client.request("BREW", "/nowhere")
            await client.request("BREW", "/shop/tea")

    asyncio.run(ask())
    assert span_names(telemetry) == ["HTTP", "HTTP /shop"]


def test_a_websocket_that_fails_has_its_exception_once(telemetry: TelemetryManager) -> None:
    async def fail(_websocket: Any) -> None:
        raise LookupError("no such order")

    application = Starlette(routes=[WebSocketRoute("/{name}", fail)])
    telemetry.instrument(starlette=application)

    async def nothing(*_message: Any) -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/a", "headers": [], "query_string": b"", "scheme": "ws", "server": ("shop", 80)}
    with pytest.raises(LookupError):
        asyncio.run(application(scope, nothing, nothing))
    (span,) = delivered(telemetry, "traces")
    assert (span.name, len(span.events)) == ("/{name}", 1)


def test_a_route_below_a_host_is_its_template_and_never_a_path(telemetry: TelemetryManager) -> None:
    inner = Starlette(routes=[Route("/orders/{number}", hello)])
    application = Starlette(routes=[Host("127.0.0.1", inner)])
    telemetry.instrument(starlette=application)
    asked(application, "/orders/7", "/nowhere/7")
    assert span_names(telemetry) == ["GET /orders/{number}", "GET"]
