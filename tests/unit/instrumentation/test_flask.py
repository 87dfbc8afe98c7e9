"""Applications of Flask: when they are instrumented, how requests are named, and what stays when it is taken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest

from heliograph import TelemetryManager
from tests.support.recorded import QUIET, RECORDERS, delivered, span_names


@pytest.fixture(params=RECORDERS)
def telemetry(start: Callable[..., TelemetryManager], request: pytest.FixtureRequest) -> Iterator[TelemetryManager]:
    started = start(**QUIET, recorder=request.param)
    yield started
    started.uninstrument()


@pytest.fixture
def shop() -> flask.Flask:
    application = flask.Flask("shop")
    application.add_url_rule("/orders/<number>", view_func=lambda number: number)
    return application


@pytest.mark.parametrize("is_named", [True, False])
def test_an_application_that_has_served_is_instrumented_again_and_again(
    telemetry: TelemetryManager, shop: flask.Flask, *, is_named: bool
) -> None:
    for _time in range(2):
        shop.test_client().get("/orders/7")
        assert telemetry.instrument(**({"flask": shop} if is_named else {}))
        assert "x-request-id" in shop.test_client().get("/orders/7").headers
        telemetry.uninstrument()
    assert span_names(telemetry) == ["GET /orders/<number>"] * 2


def test_what_is_put_around_an_instrumented_application_stays(telemetry: TelemetryManager, shop: flask.Flask) -> None:
    telemetry.instrument(flask=shop)
    inner, paths = shop.wsgi_app, []

    def around(environ: Any, start_response: Any) -> Any:
        paths.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    shop.wsgi_app = around  # type: ignore[method-assign]
    for change in (telemetry.uninstrument, lambda: telemetry.instrument(flask=shop)):
        shop.test_client().get("/orders/7")
        change()
    shop.test_client().get("/orders/7")
    assert paths == ["/orders/7"] * 3
    assert span_names(telemetry) == ["GET /orders/<number>"] * 2


@pytest.mark.parametrize(("method", "name"), [("GET", "GET"), ("BREW", "HTTP")])
def test_a_path_that_no_route_fits_is_no_name_of_its_own(
    telemetry: TelemetryManager, shop: flask.Flask, method: str, name: str
) -> None:
    telemetry.instrument(flask=shop)
    shop.test_client().open("/nowhere/7", method=method)
    assert span_names(telemetry) == [name]


def test_what_a_probe_does_while_its_body_is_sent_leaves_no_trace(telemetry: TelemetryManager, shop: flask.Flask) -> None:
    def check() -> Iterator[str]:
        with telemetry.span("query"):
            yield "healthy"

    shop.add_url_rule("/health", "health", view_func=lambda: flask.Response(check()))
    telemetry.instrument(flask=shop)
    assert shop.test_client().get("/health").text == "healthy"
    assert delivered(telemetry, "traces") == []
