"""A Django site in one module, which is also its urls. Used by the scenarios that serve it."""

from __future__ import annotations

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from opentelemetry import trace


def configure() -> None:
    """Make this module the process's Django site."""
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="of a test", LOGGING_CONFIG=None)
    django.setup()


def order(_request: HttpRequest, number: int) -> JsonResponse:
    with trace.get_tracer("app").start_as_current_span("look up", attributes={"number": number}):
        return JsonResponse({"number": number})


def fail(_request: HttpRequest) -> JsonResponse:
    raise LookupError("no such order")


urlpatterns = [path("orders/<int:number>", order), path("fail", fail)]
