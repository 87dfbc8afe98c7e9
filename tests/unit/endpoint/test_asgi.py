"""The endpoint in an ASGI application: alone or mounted, it answers what Answers answers, and never on the event loop."""

import asyncio
import gzip
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, Gauge
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from heliograph.endpoint.answers import Answers, Request
from heliograph.endpoint.asgi import asgi_app
from heliograph.endpoint.server import ThreadedServer
from heliograph.health.builtin import CallableHealthCheck
from heliograph.health.manager import HealthCheckManager
from heliograph.prometheus.exposition import Exposition


def _answers(*checks: CallableHealthCheck) -> Answers:
    health = HealthCheckManager(cache_ttl_s=0)
    for check in checks:
        health.add_check(check)
    return Answers(exposition=Exposition(CollectorRegistry()), health=health, metrics_path="/metrics", is_compressed=True)


def _ask(app: Any, method: str, path: str, client: tuple[str, int] = ("127.0.0.1", 1), **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return await http.request(method, path, headers=headers)

    return asyncio.run(ask())


async def _hello(_request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse("hello")


def _alone(app: Starlette) -> tuple[Starlette, str]:
    return app, ""


def _mounted(app: Starlette) -> tuple[Starlette, str]:
    return Starlette(routes=[Mount("/telemetry", app), Route("/{path:path}", _hello)]), "/telemetry"


def _mounted_deep(app: Starlette) -> tuple[Starlette, str]:
    inner = Starlette(routes=[Mount("/b/{tenant}", app), Route("/hello", _hello)])
    return Starlette(routes=[Mount("/a", inner), Route("/hello", _hello)]), "/a/b/c"


@pytest.fixture(params=[_alone, _mounted, _mounted_deep])
def place(request: pytest.FixtureRequest) -> Callable[[Starlette], tuple[Starlette, str]]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", "/metrics"), ("GET", "/metrics/"), ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready")],
        *[("GET", "/nope"), ("GET", "/"), ("GET", "/health/nope"), ("GET", "/metrics/metrics")],
        *[("POST", "/metrics"), ("DELETE", "/health"), ("OPTIONS", "/health"), ("POST", "/nope")],
    ],
)
def test_it_answers_what_answers_answers_wherever_it_is_mounted(
    place: Callable[[Starlette], tuple[Starlette, str]], method: str, path: str
) -> None:
    answers = _answers()
    app, prefix = place(asgi_app(answers))
    response = _ask(app, method, prefix + path)
    expected = answers.answer(Request(method=method, path=path, client="127.0.0.1"))
    assert (response.status_code, response.content) == (expected.status, expected.body)
    assert response.headers == httpx.Headers(expected.header_items())


def test_the_application_it_is_mounted_in_keeps_its_own_paths() -> None:
    app, _prefix = _mounted(asgi_app(_answers()))
    assert _ask(app, "GET", "/metrics").text == "hello"


def test_a_query_for_names_is_passed_on() -> None:
    registry = CollectorRegistry()
    Gauge("stock", "Things in stock.", registry=registry).set(1)
    Gauge("space", "What is left.", registry=registry).set(1)
    answers = Answers(
        exposition=Exposition(registry), health=HealthCheckManager(), metrics_path="/metrics", is_compressed=True
    )
    for query in ("name[]=stock", "name%5B%5D=stock"):
        response = _ask(asgi_app(answers), "GET", f"/metrics?{query}")
        assert (response.status_code, b"stock 1.0" in response.content, b"space" in response.content) == (200, True, False)


def test_a_query_does_not_matter_for_health() -> None:
    assert _ask(asgi_app(_answers()), "GET", "/health?verbose=1&path=/nope").status_code == 200


def test_a_path_that_climbs_leads_nowhere() -> None:
    assert _ask(asgi_app(_answers()), "GET", "/%2e%2e/metrics").status_code == 404


def test_the_headers_of_the_request_are_passed_on() -> None:
    exposition = Exposition(CollectorRegistry())
    provider = MeterProvider(metric_readers=[exposition.reader({})], shutdown_on_exit=False)
    counter = provider.get_meter("ours").create_counter("hits")
    for number in range(100):
        counter.add(1, {"number": number})
    app = asgi_app(Answers(exposition=exposition, health=HealthCheckManager(), metrics_path="/metrics", is_compressed=True))
    accept = "application/openmetrics-text; version=1.0.0"
    packed = _ask(app, "GET", "/metrics", Accept=accept, **{"Accept-Encoding": "gzip"})
    plain = _ask(app, "GET", "/metrics", Accept=accept, **{"Accept-Encoding": "identity"})
    provider.shutdown()
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Type"].startswith("application/openmetrics-text")
    assert packed.text == plain.text
    assert int(packed.headers["Content-Length"]) == len(gzip.compress(plain.content, 1, mtime=0))


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_a_head_request_to_the_server_gets_the_headers_of_the_get_and_no_body(coding: str) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("stock", "Things in stock.", ["thing"], registry=registry)
    for number in range(100):
        gauge.labels(f"thing {number}").set(number)
    answers = Answers(
        exposition=Exposition(registry), health=HealthCheckManager(), metrics_path="/metrics", is_compressed=True
    )
    server = ThreadedServer.start(lambda: asgi_app(answers), "127.0.0.1", 0, thread_name="head-and-get")
    url, headers = f"{server.url}/metrics", {"Accept-Encoding": coding}
    with httpx.Client(headers=headers) as http:
        got, head = http.get(url), http.head(url)
    server.stop(5)
    assert got.headers.get("Content-Encoding", "identity") == coding
    assert head.content == b""
    assert got.text.count("stock{") == 100
    told = {name: value for name, value in got.headers.items() if name != "date"}
    assert {name: value for name, value in head.headers.items() if name != "date"} == told
    assert ("Vary", "Accept, Accept-Encoding") in {(name.title(), value) for name, value in told.items()}


def test_details_of_health_are_for_callers_on_this_machine() -> None:
    app = asgi_app(_answers(CallableHealthCheck("db", lambda: False)))
    near, far = _ask(app, "GET", "/health"), _ask(app, "GET", "/health", client=("10.0.0.5", 1))
    assert (near.status_code, far.status_code) == (503, 503)
    assert near.json()["checks"]["db"]["message"] == "returned False"
    assert far.json() == {"status": "unhealthy"}


def test_a_caller_without_an_address_sees_no_details() -> None:
    async def unix_socket(scope: Any, receive: Any, send: Any) -> None:
        await asgi_app(_answers(CallableHealthCheck("db", lambda: False)))({**scope, "client": None}, receive, send)

    assert _ask(unix_socket, "GET", "/health").json() == {"status": "unhealthy"}


def test_a_slow_check_does_not_hold_up_the_event_loop() -> None:
    let_go = threading.Event()
    app = asgi_app(_answers(CallableHealthCheck("slow", lambda: let_go.wait(10))))

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            slow = asyncio.create_task(http.get("/health"))
            metrics = await http.get("/metrics")
            assert metrics.status_code == 200
            assert not slow.done()
            let_go.set()
            return (await slow).status_code

    assert asyncio.run(ask()) == 200
