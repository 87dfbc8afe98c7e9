"""Which paths are probes, and where our own applications are found below others."""

from __future__ import annotations

from typing import Any

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.routing import Host, Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from heliograph import TelemetryManager
from heliograph.instrumentation.probes import Mounts, Probes


@pytest.mark.parametrize(
    "path", ["/health", "/health/", "/health/live", "/health/ready", "/healthz", "/livez", "/readyz", "/metrics", "/metrics/"]
)
def test_health_checks_and_metrics_are_probes(path: str) -> None:
    assert Probes().has(path)


@pytest.mark.parametrize("path", ["/", "/orders", "/api/health", "/health-insurance", "/metrics/of/mine", "/healthy", ""])
def test_other_paths_are_none(path: str) -> None:
    assert not Probes().has(path)


def test_a_star_stands_for_anything() -> None:
    probes = Probes(["/internal/*", "/up"])
    assert [path for path in ("/internal/a/b", "/up", "/up/x", "/health") if probes.has(path)] == ["/internal/a/b", "/up"]


def test_without_patterns_nothing_is_a_probe() -> None:
    assert not Probes([]).has("/health")


@pytest.mark.parametrize("pattern", ["health", "", 7, None])
def test_a_pattern_that_is_no_path_is_refused(pattern: Any) -> None:
    with pytest.raises(ValueError, match="expected paths such as"):
        Probes([pattern])


class Around:
    def __init__(self, app: Any) -> None:
        self.app = app


def test_our_applications_are_found_wherever_they_are_mounted() -> None:
    telemetry = TelemetryManager()
    inner = Starlette(routes=[Mount("/b", Around(telemetry.asgi_app()))])
    application = Starlette(routes=[Mount("/a", inner), Mount("/w", Around(telemetry.wsgi_app()))])
    mounts = Mounts(Around(application))
    found = [path for path in ("/a", "/a/b", "/a/b/metrics", "/a/bc", "/w/health", "/metrics") if mounts.has(path)]
    assert found == ["/a/b", "/a/b/metrics", "/w/health"]


def test_an_application_that_is_mounted_later_is_found() -> None:
    application = Starlette()
    mounts = Mounts(application)
    assert not mounts.has("/t/metrics")
    application.mount("/t", TelemetryManager().asgi_app())
    assert mounts.has("/t/metrics")


def test_the_dispatcher_of_werkzeug_is_looked_into() -> None:
    dispatcher = DispatcherMiddleware(lambda *_: [], {"/t": TelemetryManager().wsgi_app()})
    assert Mounts(dispatcher).has("/t/health")


def test_one_that_is_mounted_at_the_root_does_not_make_everything_a_probe() -> None:
    application = Starlette(routes=[Mount("/", TelemetryManager().asgi_app())])
    assert not Mounts(application).has("/orders")


def test_applications_that_hold_each_other_are_looked_into_once() -> None:
    one, other = Around(None), Around(None)
    one.app, other.app = other, one
    assert not Mounts(one).has("/metrics")


def test_a_place_with_parameters_is_found_whatever_they_are() -> None:
    application = Starlette(routes=[Mount("/shops/{name}", Starlette(routes=[Mount("/t", TelemetryManager().asgi_app())]))])
    mounts = Mounts(application)
    found = [path for path in ("/shops/ann/t/metrics", "/shops/bob/t", "/shops/ann", "/shops/a/b/t") if mounts.has(path)]
    assert found == ["/shops/ann/t/metrics", "/shops/bob/t"]


def test_what_is_mounted_later_in_an_inner_application_is_found() -> None:
    inner = Starlette()
    mounts = Mounts(Starlette(routes=[Mount("/inner", inner)]))
    assert not mounts.has("/inner/t")
    inner.mount("/t", TelemetryManager().asgi_app())
    assert mounts.has("/inner/t")


def test_routers_that_fastapi_has_included_are_looked_into() -> None:
    router, application = fastapi.APIRouter(), fastapi.FastAPI()
    router.mount("/t", TelemetryManager().asgi_app())
    application.include_router(router, prefix="/shop")
    assert [path for path in ("/shop/t/metrics", "/t/metrics", "/shop") if Mounts(application).has(path)] == [
        "/shop/t/metrics"
    ]


def test_the_applications_of_a_host_are_looked_into() -> None:
    inner = Starlette(routes=[Mount("/t", TelemetryManager().asgi_app())])
    assert Mounts(Starlette(routes=[Host("shop.example", inner)])).has("/t/metrics")
