"""Django behind werkzeug's server on a real socket."""

from __future__ import annotations

from typing import Any

from django.core.wsgi import get_wsgi_application
from opentelemetry.instrumentation.django import DjangoInstrumentor

from tests.instrumentations.scenarios import django_site
from tests.instrumentations.scenarios.instrumenting import instrumented
from tests.instrumentations.servers import ask_for_orders, serving_wsgi


def run(_argument: str) -> Any:
    django_site.configure()
    with instrumented(DjangoInstrumentor()), serving_wsgi(get_wsgi_application()) as port:
        return {"statuses": ask_for_orders(port)}
