"""Our ASGI middleware: what it records of requests, on both recorders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import fastapi
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from heliograph import TelemetryManager
from heliograph.integrations.asgi import TelemetryMiddleware
from tests.instrumentations.servers import FOREIGN_CALLER, serving_asgi
from tests.support.processes import get
from tests.support.recorded import QUIET, RECORDERS, delivered, points_of

DURATION, ACTIVE = "http.server.request.duration", "http.server.active_requests"


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> TelemetryManager:
    return start(**QUIET, recorder=request.param)


def ask(application: Any, path: str = "/orders/7", *, gone_after: int | None = None, **scope: Any) -> list[dict[str, Any]]:
    """One request; returns the messages of the response. The client is gone after ``gone_after`` of them."""
    sent: list[dict[str, Any]] = []
    made: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "root_path": "",
        "http_version": "1.1",
        "client": ("127.0.0.9", 5000),
        "server": ("127.0.0.1", 8000),
        "headers": [],
        **scope,
    }

    to_come = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not to_come:
            await asyncio.Event().wait()  # the client waits for the answer
        return to_come.pop()

    async def send(message: dict[str, Any]) -> None:
        if gone_after is not None and len(sent) >= gone_after:
            raise OSError("the client has gone")
        sent.append(message)

    try:
        asyncio.run(application(made, receive, send))
    except Exception as error:
        sent.append({"type": "raised", "error": error})
    return sent


def the_span(telemetry: TelemetryManager) -> Any:
    (span,) = [span for span in delivered(telemetry, "traces") if span.kind is trace.SpanKind.SERVER]
    return span


def measured(telemetry: TelemetryManager, name: str = DURATION) -> dict[str, Any]:
    """The attributes of the only series."""
    (attributes,) = points_of(delivered(telemetry, "metrics")[-1])[name]
    return dict(attributes)


def answering(status: int = 200, *parts: bytes, headers: Any = ()) -> Any:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return application


async def hello(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


def test_a_request_is_a_server_span_with_the_attributes_of_the_conventions(telemetry: TelemetryManager) -> None:
    headers = [(b"host", b"shop.example:8080"), (b"user-agent", b"curl/8")]
    ask(TelemetryMiddleware(answering(), telemetry=telemetry), headers=headers, query_string=b"a=1&sig=abc")
    span = the_span(telemetry)
    assert (span.name, span.status.status_code) == ("GET", StatusCode.UNSET)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/orders/7",
        "url.query": "a=1&sig=REDACTED",
        "server.address": "shop.example",
        "server.port": 8080,
        "client.address": "127.0.0.9",
        "network.protocol.version": "1.1",
        "user_agent.original": "curl/8",
        "http.response.status_code": 200,
    }


def test_a_request_is_measured_as_the_catalogue_has_it(telemetry: TelemetryManager) -> None:
    ask(TelemetryMiddleware(answering(), telemetry=telemetry))
    assert measured(telemetry) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
    }
    points = points_of(delivered(telemetry, "metrics")[-1])
    (duration,) = points[DURATION].values()
    assert duration.count == 1
    assert duration.explicit_bounds[0] == 0.005
    assert [point.value for point in points[ACTIVE].values()] == [0]


def test_a_request_is_active_while_it_is_answered(telemetry: TelemetryManager) -> None:
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(point.value for point in points_of(delivered(telemetry, "metrics")[-1])[ACTIVE].values())
        await answering()(scope, receive, send)

    ask(TelemetryMiddleware(application, telemetry=telemetry))
    assert seen == [1]


def test_a_span_of_the_caller_is_the_parent(telemetry: TelemetryManager) -> None:
    headers = [(name.encode(), value.encode()) for name, value in FOREIGN_CALLER.items()]
    ask(TelemetryMiddleware(answering(), telemetry=telemetry), headers=headers)
    span = the_span(telemetry)
    assert f"{span.context.trace_id:032x}-{span.parent.span_id:016x}" == FOREIGN_CALLER["traceparent"][3:-3]
    assert span.context.trace_state["vendor"] == "value"


@pytest.mark.parametrize("path", ["/orders/7", "/api/orders/7", "/tenants/t1/orders/7"])
def test_the_route_is_what_the_framework_says_with_where_it_is_mounted(telemetry: TelemetryManager, path: str) -> None:
    orders = Starlette(routes=[Route("/orders/{number}", hello)])
    mounts = [Mount("/api", orders), Mount("/tenants/{tenant}", orders), *orders.routes]
    ask(TelemetryMiddleware(Starlette(routes=mounts), telemetry=telemetry), path)
    template = path.replace("/7", "/{number}").replace("t1", "{tenant}")
    assert the_span(telemetry).name == f"GET {template}"
    assert measured(telemetry)["http.route"] == template


def test_a_path_that_no_route_fits_is_no_series_of_its_own(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(Starlette(routes=[Route("/", hello)]), telemetry=telemetry)
    for number in range(3):
        ask(application, f"/nowhere/{number}")
    assert measured(telemetry)["http.response.status_code"] == 404
    assert "http.route" not in measured(telemetry)
    assert {span.name for span in delivered(telemetry, "traces")} == {"GET"}


@pytest.mark.parametrize(
    ("routes", "found"),
    [
        (["/orders/{id}", "/files/{name:path}"], "/orders/{id}"),
        (["/orders/<int:id>"], "/orders/<int:id>"),
        (["/files/{name:path}"], None),
        (lambda scope: f"{scope['path'][:7]}/x", "/orders/x"),
        (lambda scope: scope["no such key"], None),
    ],
)
def test_routes_can_be_given(telemetry: TelemetryManager, routes: Any, found: str | None) -> None:
    ask(TelemetryMiddleware(answering(), telemetry=telemetry, routes=routes))
    assert the_span(telemetry).attributes.get("http.route") == found


@pytest.mark.parametrize("routes", ["/orders", ["orders"], [7]])
def test_routes_that_are_none_are_refused_at_once(routes: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="expected"):
        TelemetryMiddleware(answering(), routes=routes)


def test_a_method_that_nobody_knows_is_no_series_of_its_own(telemetry: TelemetryManager) -> None:
    ask(TelemetryMiddleware(answering(), telemetry=telemetry), method="PROPFIND", routes=None)
    span = the_span(telemetry)
    assert (span.name, span.attributes["http.request.method_original"]) == ("HTTP", "PROPFIND")
    assert measured(telemetry)["http.request.method"] == "_OTHER"


def test_an_exception_is_recorded_and_goes_on_to_the_server(telemetry: TelemetryManager) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError("no such order")

    (raised,) = ask(TelemetryMiddleware(application, telemetry=telemetry))
    assert isinstance(raised["error"], LookupError)
    span = the_span(telemetry)
    assert (span.status.status_code, span.events[0].attributes["exception.message"]) == (StatusCode.ERROR, "no such order")
    assert measured(telemetry)["error.type"] == "LookupError"
    assert measured(telemetry)["http.response.status_code"] == 500


def test_an_exception_that_a_framework_answers_for_is_recorded_with_its_answer(telemetry: TelemetryManager) -> None:
    async def fail(_request: Any) -> None:
        raise LookupError("no such order")

    ask(TelemetryMiddleware(Starlette(routes=[Route("/fail", fail)]), telemetry=telemetry), "/fail")
    span = the_span(telemetry)
    assert [event.attributes["exception.type"] for event in span.events] == ["LookupError"]
    assert (span.attributes["http.route"], span.attributes["http.response.status_code"]) == ("/fail", 500)


@pytest.mark.parametrize(("status", "code", "error"), [(404, "UNSET", None), (503, "ERROR", "503")])
def test_a_failure_of_the_server_is_an_error_and_one_of_the_client_is_not(
    telemetry: TelemetryManager, status: int, code: str, error: str | None
) -> None:
    ask(TelemetryMiddleware(answering(status), telemetry=telemetry))
    assert the_span(telemetry).status.status_code.name == code
    assert measured(telemetry).get("error.type") == error


def test_a_streamed_body_is_measured_to_its_end_and_what_it_does_is_below_the_span(telemetry: TelemetryManager) -> None:
    async def stream(_request: Any) -> StreamingResponse:
        async def parts() -> Any:
            for number in range(3):
                await asyncio.sleep(0.02)
                with telemetry.span(f"part {number}"):
                    yield b"x"

        return StreamingResponse(parts())

    ask(TelemetryMiddleware(Starlette(routes=[Route("/stream", stream)]), telemetry=telemetry), "/stream")
    span = the_span(telemetry)
    assert span.end_time - span.start_time >= 60e6
    below = [each for each in delivered(telemetry, "traces") if each.parent and each.parent.span_id == span.context.span_id]
    assert [each.name for each in below] == ["part 0", "part 1", "part 2"]


def test_background_tasks_are_below_the_span_and_no_part_of_its_time(telemetry: TelemetryManager) -> None:
    async def later() -> None:
        await asyncio.sleep(0.1)
        with telemetry.span("later"):
            pass

    async def respond(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("x", background=BackgroundTask(later))

    ask(TelemetryMiddleware(Starlette(routes=[Route("/", respond)]), telemetry=telemetry), "/")
    span = the_span(telemetry)
    assert span.end_time - span.start_time < 90e6
    (task,) = [each for each in delivered(telemetry, "traces") if each.name == "later"]
    assert task.parent.span_id == span.context.span_id


@pytest.mark.parametrize("gone_after", [0, 2])
def test_a_client_that_goes_away_is_no_error_of_the_server(telemetry: TelemetryManager, gone_after: int) -> None:
    ask(TelemetryMiddleware(answering(200, b"a", b"b"), telemetry=telemetry), gone_after=gone_after)
    span = the_span(telemetry)
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.UNSET, "client_disconnected")
    assert points_of(delivered(telemetry, "metrics")[-1])[ACTIVE][
        (("http.request.method", "GET"), ("url.scheme", "http"))
    ].value == 0  # fmt: skip


def test_an_application_that_answers_nothing_counts_as_failed(telemetry: TelemetryManager) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    ask(TelemetryMiddleware(application, telemetry=telemetry))
    assert measured(telemetry)["http.response.status_code"] == 500


def test_trailers_belong_to_the_answer(telemetry: TelemetryManager) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": b"x"})
        await asyncio.sleep(0.05)
        await send({"type": "http.response.trailers", "headers": []})

    ask(TelemetryMiddleware(application, telemetry=telemetry))
    span = the_span(telemetry)
    assert span.end_time - span.start_time >= 50e6


def test_a_response_says_its_trace_and_the_id_of_its_request(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(answering(headers=[(b"content-type", b"text/plain")]), telemetry=telemetry)
    start, _body = ask(application, headers=[(b"x-request-id", b"r-1")])
    context = the_span(telemetry).context
    assert dict(start["headers"]) == {
        b"content-type": b"text/plain",
        b"traceresponse": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}".encode(),
        b"x-request-id": b"r-1",
    }


@pytest.mark.parametrize("odd", [b"a b", b"<x>", b"x" * 129, b"", b"a\nb"])
def test_an_odd_request_id_is_not_sent_back(telemetry: TelemetryManager, odd: bytes) -> None:
    start, _body = ask(TelemetryMiddleware(answering(), telemetry=telemetry), headers=[(b"x-request-id", odd)])
    assert dict(start["headers"])[b"x-request-id"] == f"{the_span(telemetry).context.trace_id:032x}".encode()


def test_headers_of_the_application_stay(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(answering(headers=[(b"X-Request-Id", b"mine")]), telemetry=telemetry)
    start, _body = ask(application)
    assert [value for name, value in start["headers"] if name.lower() == b"x-request-id"] == [b"mine"]


def test_without_response_headers_a_response_stays_as_it_is(telemetry: TelemetryManager) -> None:
    start, _body = ask(TelemetryMiddleware(answering(), telemetry=telemetry, response_headers=False))
    assert list(start["headers"]) == []


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/healthz", "/metrics", "/telemetry/metrics", "/telemetry/health"]
)
def test_probes_and_what_they_do_leave_no_trace(telemetry: TelemetryManager, path: str) -> None:
    async def probe(_request: Any) -> PlainTextResponse:
        with telemetry.span("work"), trace.get_tracer("x").start_as_current_span("more"):
            return PlainTextResponse("up")

    routes = [Mount("/telemetry", telemetry.asgi_app()), Route("/{path:path}", probe)]
    start, *rest = ask(TelemetryMiddleware(Starlette(routes=routes), telemetry=telemetry), path)
    assert start["status"] == 200, rest
    assert delivered(telemetry, "traces") == []
    assert DURATION not in points_of(delivered(telemetry, "metrics")[-1])


def test_the_probes_can_be_named(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(answering(), telemetry=telemetry, probes=["/internal/*"])
    ask(application, "/internal/up")
    ask(application, "/health")
    assert the_span(telemetry).attributes["url.path"] == "/health"


def test_probes_are_looked_for_below_the_root_of_the_application(telemetry: TelemetryManager) -> None:
    ask(TelemetryMiddleware(answering(), telemetry=telemetry), "/shop/health", root_path="/shop")
    assert delivered(telemetry, "traces") == []


def test_a_websocket_is_one_span_and_not_measured(telemetry: TelemetryManager) -> None:
    async def echo(websocket: Any) -> None:
        await websocket.accept()
        with telemetry.span("talk"):
            await websocket.close()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(_message: Any) -> None:
        pass

    scope = {"type": "websocket", "scheme": "ws", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}
    middleware = TelemetryMiddleware(Starlette(routes=[WebSocketRoute("/ws", echo)]), telemetry=telemetry)
    asyncio.run(middleware(scope, receive, send))
    assert the_span(telemetry).name == "GET /ws"
    assert DURATION not in points_of(delivered(telemetry, "metrics")[-1])


def test_middleware_in_middleware_records_once(telemetry: TelemetryManager) -> None:
    ask(TelemetryMiddleware(TelemetryMiddleware(answering(), telemetry=telemetry), telemetry=telemetry))
    assert len(delivered(telemetry, "traces")) == 1


def test_without_a_manager_the_application_is_called_as_it_is(start: Callable[..., TelemetryManager]) -> None:
    application = TelemetryMiddleware(answering())
    before, _body = ask(application)
    telemetry = start(**QUIET)
    ask(application)
    assert len(delivered(telemetry, "traces")) == 1
    telemetry.shutdown()
    after, _body = ask(application)
    assert list(before["headers"]) == list(after["headers"]) == []
    again = start(**QUIET)
    ask(application)
    assert len(delivered(again, "traces")) == 1


def test_a_target_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="expected a TelemetryManager"):
        TelemetryMiddleware(answering(), telemetry="shop")  # type: ignore[arg-type]


@pytest.mark.parametrize("headers", [None, [(b"traceparent", b"nonsense")], [(b"host", b"[::1]:x")], [(b"host", b"\xff")]])
def test_a_scope_of_an_odd_shape_costs_no_answer(telemetry: TelemetryManager, headers: Any) -> None:
    start, _body = ask(TelemetryMiddleware(answering(), telemetry=telemetry), headers=headers)
    assert start["status"] == 200


@pytest.mark.parametrize("said", [{"status": 200, "headers": [7]}, {"status": 200, "headers": [("a", "b")]}, {"headers": []}])
def test_a_response_of_an_odd_shape_is_the_servers_to_judge(telemetry: TelemetryManager, said: dict[str, Any]) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", **said})
        await send({"type": "http.response.body", "body": b""})

    sent = ask(TelemetryMiddleware(application, telemetry=telemetry))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert len(delivered(telemetry, "traces")) == 1


def test_behind_a_real_server_every_request_is_counted(telemetry: TelemetryManager) -> None:
    application = Starlette(routes=[Route("/orders/{number}", hello)])
    with serving_asgi(TelemetryMiddleware(application, telemetry=telemetry)) as port:
        statuses = [get(f"http://127.0.0.1:{port}/orders/{number}")[0] for number in range(5)]
    assert statuses == [200] * 5
    (duration,) = points_of(delivered(telemetry, "metrics")[-1])[DURATION].values()
    assert (duration.count, len(delivered(telemetry, "traces"))) == (5, 5)


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
def test_a_file_that_the_server_sends_is_a_whole_answer(telemetry: TelemetryManager, kind: str) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": kind, "path": "/srv/picture.png"})

    assert [message["type"] for message in ask(TelemetryMiddleware(application, telemetry=telemetry))][1:] == [kind]
    assert "error.type" not in measured(telemetry)


def test_the_telemetry_that_fastapi_has_built_in_makes_no_second_span_and_no_probe(telemetry: TelemetryManager) -> None:
    application = fastapi.FastAPI()
    for path in ("/orders/{number}", "/health"):
        application.get(path)(lambda number="": number)
    application.mount("/telemetry", telemetry.asgi_app())
    middleware = TelemetryMiddleware(application, telemetry=telemetry)
    for path in ("/orders/7", "/health", "/telemetry/metrics"):
        ask(middleware, path)
    assert [span.name for span in delivered(telemetry, "traces")] == ["GET /orders/{number}"]
    assert measured(telemetry)["http.route"] == "/orders/{number}"


def test_a_route_has_no_value_of_a_path_where_the_middleware_is_inside_of_the_application(telemetry: TelemetryManager) -> None:
    shop = fastapi.FastAPI()
    shop.get("/orders/{number}")(lambda number: number)
    application = Starlette(
        routes=[Mount("/shops/{name}", shop)], middleware=[Middleware(TelemetryMiddleware, telemetry=telemetry)]
    )
    for name in ("ann", "bob"):
        ask(application, f"/shops/{name}/orders/7")
    assert measured(telemetry)["http.route"] == "/shops/{name}/orders/{number}"


def test_a_place_that_no_route_names_is_no_series_of_its_own(telemetry: TelemetryManager) -> None:
    shop = fastapi.FastAPI()
    shop.get("/orders/{number}")(lambda number: number)

    async def by_name(scope: Any, receive: Any, send: Any) -> None:
        name = scope["path"].split("/")[1]
        scope["root_path"] = f"/{name}"
        await shop(scope, receive, send)

    middleware = TelemetryMiddleware(by_name, telemetry=telemetry)
    for name in ("ann", "bob"):
        ask(middleware, f"/{name}/orders/7")
    assert measured(telemetry)["http.route"] == "/orders/{number}"
