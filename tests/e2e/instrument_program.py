"""An application of one framework behind a real server, instrumented by one line; says as JSON what was recorded.

Run by test_instrument_web.py: ``instrument_program.py FRAMEWORK RECORDER HOW``, where HOW is ``given`` (the application is
handed over), ``found`` (everything that is installed) or ``late`` (the application is there before).
"""

# ruff: noqa: PLC0415  # each run imports one framework, some of them after it is instrumented

from __future__ import annotations

import http.client
import json
import sys
import urllib.request
from typing import Any

from heliograph import TelemetryManager
from tests.instrumentations.servers import serving_asgi, serving_wsgi
from tests.support.recorded import points_of

framework, recorder, how = sys.argv[1:]
telemetry = TelemetryManager.start(
    "shop",
    recorder=recorder,
    tracing={"exporters": ["memory"]},
    metrics={"exporters": ["memory", "prometheus"]},
    logs={"exporters": ["memory"]},
    server={"port": 0},
    system={"enabled": False},
)


def work(number: int) -> dict[str, int]:
    with telemetry.span("work"):
        return {"number": number}


def fastapi_application() -> Any:
    import fastapi

    application = fastapi.FastAPI()
    application.get("/orders/{number}")(lambda number: work(int(number)))
    application.get("/health")(lambda: work(0))
    application.get("/fail")(fail)
    application.mount("/internal/telemetry", telemetry.asgi_app())
    return application


def starlette_application() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route

    return Starlette(
        routes=[
            Route("/orders/{number}", lambda request: JSONResponse(work(int(request.path_params["number"])))),
            Route("/health", lambda _request: JSONResponse(work(0))),
            Route("/fail", lambda _request: fail()),
            Mount("/internal/telemetry", telemetry.asgi_app()),
        ]
    )


def flask_application() -> Any:
    import flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    application = flask.Flask("shop")
    application.logger.disabled = True
    application.add_url_rule("/orders/<number>", view_func=lambda number: work(int(number)), endpoint="order")
    application.add_url_rule("/health", view_func=lambda: work(0), endpoint="health")
    application.add_url_rule("/fail", view_func=fail)
    application.wsgi_app = DispatcherMiddleware(application.wsgi_app, {"/internal/telemetry": telemetry.wsgi_app()})
    return application


def django_application() -> Any:
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse
    from django.urls import path

    urls = (
        path("orders/<int:number>", lambda _request, number: JsonResponse(work(number))),
        path("health", lambda _request: JsonResponse(work(0))),
        path("fail", lambda _request: fail()),
    )
    settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="of a test", LOGGING_CONFIG=None)
    django.setup()
    return get_wsgi_application()


def fail() -> Any:
    raise LookupError("no such order")


make = {
    "fastapi": fastapi_application,
    "starlette": starlette_application,
    "flask": flask_application,
    "django": django_application,
}[framework]
serving = serving_asgi if framework in ("fastapi", "starlette") else serving_wsgi


def instrumented() -> Any:
    if how == "found":
        assert framework in telemetry.instrument()
        return make()
    if framework == "django":
        telemetry.instrument(django=True)
        return make()
    application = make()
    names = telemetry.instrument() if how == "late" else telemetry.instrument(**{framework: application})
    assert (framework in names) if how == "late" else (names == (framework,))
    telemetry.instrument() if how == "late" else telemetry.instrument(**{framework: application})
    return application


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


paths = ["/orders/7", "/fail", "/health", "/health/", "/metrics"]
paths += [] if framework == "django" else [f"/internal/telemetry/{name}" for name in ("metrics", "health", "health/live")]
application = instrumented()
with serving(application) as port:
    answers = {path: ask(port, path, {"x-request-id": "r-1", "user-agent": "test"}) for path in paths}
    answers["odd id"] = ask(port, "/orders/8", {"x-request-id": "no good <script>"})
urllib.request.urlopen(f"{telemetry.endpoint_url}/metrics").read()
assert telemetry.force_flush()
spans = telemetry.exporter("traces", "memory").items()
by_id = {span.context.span_id: span.name for span in spans}
metrics = points_of(telemetry.exporter("metrics", "memory").items()[-1])
telemetry.uninstrument()
with serving(application) as port:
    after = ask(port, "/orders/7", {})
assert telemetry.force_flush()
print(
    json.dumps(
        {
            "answers": answers,
            "after": after,
            "traces": [f"{span.context.trace_id:032x}" for span in spans if span.kind.name == "SERVER"],
            "spans": sorted(
                [
                    span.name,
                    span.kind.name,
                    by_id.get(span.parent.span_id) if span.parent else None,
                    span.status.status_code.name,
                ]
                for span in spans
            ),
            "routes": sorted(
                [dict(attributes).get("http.route"), dict(attributes).get("http.response.status_code"), point.count]
                for attributes, point in metrics.get("http.server.request.duration", {}).items()
            ),
            "active": [point.value for point in metrics["http.server.active_requests"].values()],
            "spans after": len(telemetry.exporter("traces", "memory").items()) - len(spans),
        }
    )
)
telemetry.shutdown()
