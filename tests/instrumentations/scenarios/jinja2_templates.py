"""Jinja2: a template that is loaded and rendered, and one that fails."""

from __future__ import annotations

from typing import Any

import jinja2
from opentelemetry import trace
from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor

from tests.instrumentations.scenarios.instrumenting import instrumented

_TEMPLATES = {"page.html": "{% include 'name.html' %}!", "name.html": "Hello {{ name }}", "broken.html": "{{ 1 / none }}"}


def run(_argument: str) -> Any:
    with instrumented(Jinja2Instrumentor()), trace.get_tracer("app").start_as_current_span("work"):
        environment = jinja2.Environment(loader=jinja2.DictLoader(_TEMPLATES), autoescape=True)
        text = environment.get_template("page.html").render(name="Ada")
        try:
            environment.get_template("broken.html").render()
        except TypeError as error:
            raised = type(error).__name__
    return {"text": text, "raised": raised}
