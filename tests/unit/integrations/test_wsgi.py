"""Our WSGI middleware: what it records of requests, on both recorders."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import flask
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from heliograph import TelemetryManager
from heliograph.integrations.wsgi import TelemetryMiddleware
from tests.instrumentations.servers import FOREIGN_CALLER, _in_thread
from tests.support.processes import get
from tests.support.recorded import QUIET, RECORDERS, delivered, points_of

DURATION, ACTIVE = "http.server.request.duration", "http.server.active_requests"


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> TelemetryManager:
    return start(**QUIET, recorder=request.param)


class Answer:
    """What a server got from one request, which it read to its end unless told otherwise."""

    def __init__(self, application: Any, path: str = "/orders/7", *, parts: int | None = None, **environ: Any) -> None:
        self.headers: dict[str, str] = {}
        self.error: BaseException | None = None
        made: dict[str, Any] = {"PATH_INFO": path, "REMOTE_ADDR": "127.0.0.9", "SERVER_PROTOCOL": "HTTP/1.1", **environ}
        setup_testing_defaults(made)
        try:
            self.body = application(made, self._start)
            for number, _part in enumerate(self.body):
                if number + 1 == parts:
                    break
            if hasattr(self.body, "close"):
                self.body.close()
        except Exception as error:
            self.error = error

    def _start(self, status: str, headers: list[tuple[str, str]], *_error: Any) -> Any:
        self.status, self.headers = status, {name.lower(): value for name, value in headers}
        return lambda _part: None


def answering(status: str = "200 OK", headers: Any = ()) -> Any:
    def application(_environ: Any, start_response: Any) -> Any:
        start_response(status, [("Content-Type", "text/plain"), *headers])
        return [b"hello"]

    return application


def the_span(telemetry: TelemetryManager) -> Any:
    (span,) = [span for span in delivered(telemetry, "traces") if span.kind is trace.SpanKind.SERVER]
    return span


def measured(telemetry: TelemetryManager, name: str = DURATION) -> dict[str, Any]:
    (attributes,) = points_of(delivered(telemetry, "metrics")[-1])[name]
    return dict(attributes)


def test_a_request_is_a_server_span_with_the_attributes_of_the_conventions(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(answering(), telemetry=telemetry)
    Answer(application, HTTP_HOST="[::1]:8080", HTTP_USER_AGENT="curl/8", QUERY_STRING="a=1&X-Amz-Signature=abc")
    span = the_span(telemetry)
    assert (span.name, span.status.status_code) == ("GET", StatusCode.UNSET)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/orders/7",
        "url.query": "a=1&X-Amz-Signature=REDACTED",
        "server.address": "::1",
        "server.port": 8080,
        "client.address": "127.0.0.9",
        "network.protocol.version": "1.1",
        "user_agent.original": "curl/8",
        "http.response.status_code": 200,
    }


def test_a_request_is_measured_as_the_catalogue_has_it(telemetry: TelemetryManager) -> None:
    Answer(TelemetryMiddleware(answering("404 Not Found"), telemetry=telemetry))
    assert measured(telemetry) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.response.status_code": 404,
    }
    points = points_of(delivered(telemetry, "metrics")[-1])
    assert [(point.count, point.explicit_bounds[0]) for point in points[DURATION].values()] == [(1, 0.005)]
    assert [point.value for point in points[ACTIVE].values()] == [0]


def test_a_span_of_the_caller_is_the_parent(telemetry: TelemetryManager) -> None:
    headers = {f"HTTP_{name.upper()}": value for name, value in FOREIGN_CALLER.items()}
    Answer(TelemetryMiddleware(answering(), telemetry=telemetry), **headers)
    span = the_span(telemetry)
    assert f"{span.context.trace_id:032x}-{span.parent.span_id:016x}" == FOREIGN_CALLER["traceparent"][3:-3]


def test_the_route_is_that_of_flask(telemetry: TelemetryManager) -> None:
    application = flask.Flask("shop")
    application.add_url_rule("/orders/<int:number>", view_func=lambda number: f"order {number}")
    middleware = TelemetryMiddleware(application, telemetry=telemetry)
    Answer(middleware)
    Answer(middleware, SCRIPT_NAME="/shop")
    Answer(middleware, "/nowhere")
    assert [span.name for span in delivered(telemetry, "traces")] == [
        "GET /orders/<int:number>",
        "GET /shop/orders/<int:number>",
        "GET",
    ]


@pytest.mark.parametrize("routes", [["/orders/{id}"], lambda _environ: "/orders/{id}"])
def test_routes_can_be_given(telemetry: TelemetryManager, routes: Any) -> None:
    Answer(TelemetryMiddleware(answering(), telemetry=telemetry, routes=routes))
    assert measured(telemetry)["http.route"] == "/orders/{id}"


def test_an_exception_is_recorded_and_goes_on_to_the_server(telemetry: TelemetryManager) -> None:
    def application(_environ: Any, _start_response: Any) -> Any:
        raise LookupError("no such order")

    assert isinstance(Answer(TelemetryMiddleware(application, telemetry=telemetry)).error, LookupError)
    span = the_span(telemetry)
    assert (span.status.status_code, span.events[0].attributes["exception.message"]) == (StatusCode.ERROR, "no such order")
    assert (measured(telemetry)["error.type"], measured(telemetry)["http.response.status_code"]) == ("LookupError", 500)


def streaming(telemetry: TelemetryManager, fails: bool = False) -> Any:
    def application(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        for number in range(3):
            time.sleep(0.02)
            with telemetry.span(f"part {number}"):
                yield b"x"
        if fails:
            raise LookupError("no such part")

    return application


def test_a_body_that_is_made_while_it_is_sent_is_measured_to_its_end(telemetry: TelemetryManager) -> None:
    Answer(TelemetryMiddleware(streaming(telemetry), telemetry=telemetry))
    span = the_span(telemetry)
    assert span.end_time - span.start_time >= 60e6
    below = [each for each in delivered(telemetry, "traces") if each.parent and each.parent.span_id == span.context.span_id]
    assert [each.name for each in below] == ["part 0", "part 1", "part 2"]
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_body_that_fails_is_an_error(telemetry: TelemetryManager) -> None:
    assert isinstance(Answer(TelemetryMiddleware(streaming(telemetry, fails=True), telemetry=telemetry)).error, LookupError)
    span = the_span(telemetry)
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "LookupError")


def test_a_client_that_goes_away_is_no_error_of_the_server(telemetry: TelemetryManager) -> None:
    Answer(TelemetryMiddleware(streaming(telemetry), telemetry=telemetry), parts=1)
    span = the_span(telemetry)
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.UNSET, "client_disconnected")
    assert [point.value for point in points_of(delivered(telemetry, "metrics")[-1])[ACTIVE].values()] == [0]


def test_a_body_that_is_there_already_or_is_a_file_stays_what_it_is(telemetry: TelemetryManager) -> None:
    def file(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"x"))

    assert Answer(TelemetryMiddleware(answering(), telemetry=telemetry)).body == [b"hello"]
    answer = Answer(TelemetryMiddleware(file, telemetry=telemetry), **{"wsgi.file_wrapper": FileWrapper})
    assert isinstance(answer.body, FileWrapper)
    assert len(delivered(telemetry, "traces")) == 2


def test_a_response_says_its_trace_and_the_id_of_its_request(telemetry: TelemetryManager) -> None:
    answer = Answer(TelemetryMiddleware(answering(), telemetry=telemetry), HTTP_X_REQUEST_ID="r-1")
    context = the_span(telemetry).context
    assert answer.headers["traceresponse"].split("-")[1:3] == [f"{context.trace_id:032x}", f"{context.span_id:016x}"]
    assert answer.headers["x-request-id"] == "r-1"


def test_headers_of_the_application_stay(telemetry: TelemetryManager) -> None:
    application = TelemetryMiddleware(answering(headers=[("X-Request-Id", "mine")]), telemetry=telemetry)
    assert Answer(application, HTTP_X_REQUEST_ID="r-1").headers["x-request-id"] == "mine"


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics", "/metrics/"])
def test_probes_and_what_they_do_leave_no_trace(telemetry: TelemetryManager, path: str) -> None:
    def application(_environ: Any, start_response: Any) -> Any:
        with telemetry.span("work"):
            start_response("200 OK", [])
        return [b"up"]

    assert Answer(TelemetryMiddleware(application, telemetry=telemetry), path).status == "200 OK"
    assert delivered(telemetry, "traces") == []
    assert DURATION not in points_of(delivered(telemetry, "metrics")[-1])


@pytest.mark.parametrize("headers", [[7], [(b"a", 1)], None])
def test_a_response_of_an_odd_shape_is_the_servers_to_judge(telemetry: TelemetryManager, headers: Any) -> None:
    seen = []

    def application(_environ: Any, start_response: Any) -> Any:
        start_response("odd", headers)
        return [b"x"]

    environ: dict[str, Any] = {"PATH_INFO": "/"}
    TelemetryMiddleware(application, telemetry=telemetry)(environ, lambda *said: seen.append(said) or (lambda _part: None))
    assert [status for status, *_rest in seen] == ["odd"]
    assert len(delivered(telemetry, "traces")) == 1


def test_middleware_in_middleware_records_once(telemetry: TelemetryManager) -> None:
    Answer(TelemetryMiddleware(TelemetryMiddleware(answering(), telemetry=telemetry), telemetry=telemetry))
    assert len(delivered(telemetry, "traces")) == 1


def test_without_a_manager_the_application_is_called_as_it_is() -> None:
    answer = Answer(TelemetryMiddleware(answering()))
    assert (answer.status, list(answer.headers)) == ("200 OK", ["content-type"])


def test_a_request_that_asks_for_the_head_only_is_no_client_that_went_away(telemetry: TelemetryManager) -> None:
    class Unread:
        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            pass

    def application(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Unread()

    environ: dict[str, Any] = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/"}
    TelemetryMiddleware(application, telemetry=telemetry)(environ, lambda *_said: lambda _part: None).close()  # type: ignore[attr-defined]
    assert "error.type" not in the_span(telemetry).attributes


def test_behind_a_real_server_it_keeps_to_the_protocol(telemetry: TelemetryManager) -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_args: object) -> None:
            pass

    application = validator(TelemetryMiddleware(validator(answering()), telemetry=telemetry))
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    with server, _in_thread(lambda: server.serve_forever(0.02), server.shutdown):
        answers = [get(f"http://127.0.0.1:{server.server_port}/orders/{number}") for number in range(5)]
    assert answers == [(200, b"hello")] * 5
    (duration,) = points_of(delivered(telemetry, "metrics")[-1])[DURATION].values()
    assert duration.count == 5


def test_what_a_probe_does_while_its_body_is_sent_leaves_no_trace(telemetry: TelemetryManager) -> None:
    ended = []

    def application(_environ: Any, start_response: Any) -> Any:
        try:
            start_response("200 OK", [])
            with telemetry.span("query"):
                yield b"healthy"
        finally:
            with telemetry.span("end"):
                ended.append(True)

    middleware = TelemetryMiddleware(application, telemetry=telemetry)
    answers = [Answer(middleware, "/health"), Answer(middleware, "/health", parts=1)]
    assert [answer.error for answer in answers] == [None, None]
    assert ended == [True, True]
    assert delivered(telemetry, "traces") == []


def test_an_exception_that_is_answered_with_start_response_is_recorded(telemetry: TelemetryManager) -> None:
    def application(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        try:
            {}["no such order"]
        except KeyError:
            start_response("500 Internal Server Error", [], sys.exc_info())
        return [b"sorry"]

    assert Answer(TelemetryMiddleware(application, telemetry=telemetry)).error is None
    span = the_span(telemetry)
    assert (span.status.status_code, span.events[0].attributes["exception.message"]) == (StatusCode.ERROR, "'no such order'")
    assert (measured(telemetry)["error.type"], measured(telemetry)["http.response.status_code"]) == ("KeyError", 500)


def test_a_version_of_the_clients_making_is_no_series_of_its_own(telemetry: TelemetryManager) -> None:
    Answer(TelemetryMiddleware(answering(), telemetry=telemetry), SERVER_PROTOCOL="HTTP/1.4711")
    assert the_span(telemetry).attributes["network.protocol.version"] == "1.4711"
    assert "network.protocol.version" not in measured(telemetry)
