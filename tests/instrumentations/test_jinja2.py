"""Jinja2."""

from __future__ import annotations

from tests.instrumentations.comparison import equal_on_both


def test_loading_compiling_and_rendering_have_spans() -> None:
    recorded = equal_on_both("jinja2_templates")
    assert recorded.facts == {"text": "Hello Ada!", "raised": "TypeError"}
    load = ["  jinja2.load INTERNAL", "    jinja2.compile INTERNAL"]
    nested = [f"  {line}" for line in load]
    failed = "  jinja2.render INTERNAL ERROR"
    assert recorded.outline() == ["work INTERNAL", *load, failed, *load, "  jinja2.render INTERNAL", *nested]


def test_spans_name_the_template() -> None:
    below = equal_on_both("jinja2_templates").span("work")["children"]
    rendered = {span["attributes"]["jinja2.template_name"]: span for span in below if span["name"] == "jinja2.render"}
    assert set(rendered) == {"page.html", "broken.html"}
    assert rendered["broken.html"]["events"][0]["attributes"]["exception.type"] == "TypeError"
