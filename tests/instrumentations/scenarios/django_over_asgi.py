"""Django behind uvicorn on a real socket: its asynchronous side, with views that run in a thread."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application
from opentelemetry.instrumentation.django import DjangoInstrumentor

from tests.instrumentations.scenarios import django_site
from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import ask_for_orders, serving_asgi


def run(_argument: str) -> Any:
    django_site.configure()
    with instrumented(DjangoInstrumentor()), serving_asgi(get_asgi_application()) as port:
        return {"statuses": ask_for_orders(port)}
