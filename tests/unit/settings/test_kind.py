"""A kind says what a value consists of, to those who read files and variables and to those who describe the settings."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from heliograph.settings import TelemetrySettings
from heliograph.settings.duration import parse_duration
from heliograph.settings.exporters import OtlpExporter, OtlpMetricExporter, TlsFiles, http_path, metric_exporters
from heliograph.settings.kind import Kind
from heliograph.settings.kinds import (
    choice,
    filled_text,
    flag,
    list_of,
    mapping_of,
    number,
    optional,
    scalar,
    section_of,
    text,
    whole,
)
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.section import Section
from heliograph.settings.sections import all_sections
from heliograph.settings.tracing import SampleRule, TracingSettings

_FIELDS = [(section, name, field) for section in all_sections(TelemetrySettings) for name, field in section.fields.items()]


@pytest.mark.parametrize(
    ("kind", "form", "is_text", "noun"),
    [
        (flag, "scalar", False, "true or false"),
        (text, "scalar", True, "text"),
        (filled_text, "scalar", True, "text"),
        (whole(1), "scalar", False, "whole number, at least 1"),
        (whole(0, 65535), "scalar", False, "whole number, 0 to 65535"),
        (number(), "scalar", False, "number"),
        (scalar, "scalar", False, "text, true or false, or number"),
        (choice(Literal["a", "b"]), "scalar", True, "one of 'a' or 'b'"),
        (parse_duration, "scalar", False, "duration"),
        (http_path, "scalar", True, "path"),
        (list_of(text), "list", False, "list"),
        (mapping_of(text), "mapping", False, "mapping"),
        (section_of(TlsFiles), "section", False, "section"),
        (metric_exporters.item, "one_of", False, "exporter"),
    ],
)
def test_a_kind_says_what_it_is(kind: Kind[Any], form: str, is_text: bool, noun: str) -> None:
    assert (kind.form, kind.is_text, kind.noun, kind.is_optional) == (form, is_text, noun, False)


@pytest.mark.parametrize("kind", [whole(1), filled_text, list_of(whole(1)), mapping_of(text), section_of(TlsFiles)])
def test_an_optional_kind_is_of_the_same_form_and_says_that_it_may_be_none(kind: Kind[Any]) -> None:
    made = optional(kind)
    parts = ("form", "item", "section", "sections", "noun", "is_text")
    assert [getattr(made, part) for part in parts] == [getattr(kind, part) for part in parts]
    assert made.is_optional
    assert (made(None), made.plain(None)) == (None, None)
    assert made.schema() == {"anyOf": [kind.schema(), {"type": "null"}]}


def test_a_kind_leads_to_the_kinds_of_what_is_inside() -> None:
    fields = TracingSettings.fields
    assert fields["sample_rules"].kind.item is not None
    assert fields["sample_rules"].kind.item.section is SampleRule
    exporters = MetricsSettings.fields["exporters"].kind
    assert exporters.item is not None
    assert list(exporters.item.sections) == ["prometheus", "otlp", "console", "file", "memory"]
    assert exporters.item.sections["otlp"] is OtlpMetricExporter
    assert TelemetrySettings.fields["tracing"].kind.section is TracingSettings
    headers = OtlpExporter.fields["headers"].kind
    assert (headers.form, headers.item is not None and headers.item.noun) == ("mapping", "secret text")


@pytest.mark.parametrize(("section", "name", "field"), _FIELDS, ids=[f"{row[0].__name__}.{row[1]}" for row in _FIELDS])
def test_every_setting_says_what_it_is_in_a_sentence_and_of_what_form(section: type[Section], name: str, field: Any) -> None:
    kind = field.kind
    assert isinstance(kind, Kind)
    assert field.doc[0].isupper() or field.doc[0] == "`"
    assert field.doc.endswith(".")
    assert "``" not in field.doc
    assert "|" not in field.doc  # it stands in a table
    assert kind.noun
    assert (kind.item is not None) == (kind.form in ("list", "mapping"))
    assert (kind.section is not None) == (kind.form == "section")
    assert bool(kind.sections) == (kind.form == "one_of")


def test_otlp_for_any_signal_is_taken_as_otlp_for_metrics() -> None:
    given = OtlpExporter(endpoint="http://a:1", headers={"k": "v"}, name="n")  # type: ignore[dict-item]
    (taken,) = TelemetrySettings(metrics={"exporters": [given]}).metrics.exporters  # type: ignore[arg-type]
    assert taken == OtlpMetricExporter(endpoint="http://a:1", headers={"k": "v"}, name="n")  # type: ignore[dict-item]
    assert taken.fields_set == {"type", "endpoint", "headers", "name"}
