"""Exporters are written in three ways that mean the same, and their settings guard their secrets."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import (
    ConsoleExporter,
    FileExporter,
    JaegerExporter,
    MemoryExporter,
    OtlpExporter,
    PrometheusExporter,
    entries_form,
    entry_form,
)


def _traces(*entries: object) -> tuple[Any, ...]:
    return TelemetrySettings(tracing={"exporters": list(entries)}).tracing.exporters


def _metrics(*entries: object) -> tuple[Any, ...]:
    return TelemetrySettings(metrics={"exporters": list(entries)}).metrics.exporters


@pytest.mark.parametrize(
    "entry",
    [
        *["console", "Console", " CONSOLE ", {"type": "console"}, {"type": " Console "}, {"Console": {}}],
        *[{"console": None}, {" CONSOLE ": {}}, ConsoleExporter()],
    ],
    ids=repr,
)
def test_every_spelling_of_an_exporter_without_options_means_the_same(entry: object) -> None:
    assert _traces(entry) == (ConsoleExporter(),)


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "jaeger", "endpoint": "http://j:14268/api/traces", "compression": "none"},
        {"Jaeger": {"endpoint": "http://j:14268/api/traces", "compression": "none"}},
        JaegerExporter(endpoint="http://j:14268/api/traces", compression="none"),
    ],
)
def test_every_spelling_of_an_exporter_with_options_means_the_same(entry: object) -> None:
    (exporter,) = _traces(entry)
    assert isinstance(exporter, JaegerExporter)
    assert (exporter.endpoint, exporter.compression) == ("http://j:14268/api/traces", "none")


def test_the_given_mapping_is_left_as_it_was() -> None:
    entry = {"Jaeger": {"endpoint": "http://j:4318"}}
    _traces(entry)
    assert entry == {"Jaeger": {"endpoint": "http://j:4318"}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("otlp", OtlpExporter), ("jaeger", JaegerExporter), ("console", ConsoleExporter), ("memory", MemoryExporter)],
)
def test_traces_go_to_each_kind_of_exporter(name: str, expected: type) -> None:
    assert isinstance(_traces(name)[0], expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("prometheus", PrometheusExporter), ("otlp", OtlpExporter), ("console", ConsoleExporter), ("memory", MemoryExporter)],
)
def test_metrics_go_to_each_kind_of_exporter(name: str, expected: type) -> None:
    assert isinstance(_metrics(name)[0], expected)


@pytest.mark.parametrize(("section", "name"), [("tracing", "prometheus"), ("metrics", "jaeger"), ("logs", "jaeger")])
def test_an_exporter_that_cannot_take_the_signal_is_a_fault_that_names_those_that_can(section: str, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(**{section: {"exporters": [name]}})
    (fault,) = caught.value.faults
    assert (fault.path, fault.given) == (f"{section}.exporters[0].type", repr(name))
    assert "'otlp'" in fault.expected


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        ({}, "http://localhost:4318"),
        ({"protocol": "http"}, "http://localhost:4318"),
        ({"protocol": "grpc"}, "http://localhost:4317"),
        ({"protocol": "grpc", "endpoint": "http://c:1"}, "http://c:1"),
    ],
)
@pytest.mark.parametrize("kind", ["otlp", "jaeger"])
def test_the_default_endpoint_follows_the_protocol(kind: str, options: dict[str, str], endpoint: str) -> None:
    assert _traces({"type": kind, **options})[0].endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["http://c", "https://c:4318", "HTTP://c:1/v1/traces", "http://[::1]:4318", "http://10.0.0.1"]
)
def test_an_http_url_with_a_host_is_an_endpoint(endpoint: str) -> None:
    assert _traces({"type": "otlp", "endpoint": endpoint})[0].endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "c:4318",
        "localhost",
        "ftp://c",
        "http://",
        "http://:4318",
        "http://c:0",
        "http://c:99999",
        "http://c:x",
        "http://[::1",
        "/v1",
    ],
)
def test_anything_else_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _traces({"type": "otlp", "endpoint": endpoint})
    (fault,) = caught.value.faults
    assert fault.path == "tracing.exporters[0].endpoint"
    assert "http://localhost:4318" in fault.expected


@pytest.mark.parametrize("path", ["metrics", "/", "/a b", "/a?b", "/a#b", ""])
def test_a_path_that_cannot_be_served_is_a_fault(path: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _metrics({"Prometheus": {"path": path}})
    assert [fault.path for fault in caught.value.faults] == ["metrics.exporters[0].path"]


def test_a_file_exporter_needs_a_path() -> None:
    with pytest.raises(SettingsError, match=r"tracing\.exporters\[0\]\.path: given nothing"):
        _traces("file")
    assert _traces({"File": {"path": "t.json"}}) == (FileExporter(path="t.json"),)


@pytest.mark.parametrize(("options", "destination"), [({}, "otlp"), ({"name": "eu"}, "eu"), ({"name": " eu "}, "eu")])
def test_a_destination_is_called_by_its_name_or_else_its_type(options: dict[str, str], destination: str) -> None:
    assert OtlpExporter(**options).destination == destination


def test_headers_are_shown_by_no_repr() -> None:
    settings = TelemetrySettings(tracing={"exporters": [{"type": "otlp", "headers": {"authorization": "Bearer s3cret"}}]})
    assert "s3cret" not in repr(settings) + str(settings) + str(settings.model_dump())
    assert settings.tracing.exporters[0].headers["authorization"].get_secret_value() == "Bearer s3cret"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_bringing_an_entry_to_its_form_twice_is_the_same_as_once(entry: object) -> None:
    once = entry_form(entry)
    assert repr(entry_form(once)) == repr(once)


@given(_JSON)
def test_whatever_stands_for_the_exporters_gives_settings_or_their_error(exporters: object) -> None:
    entries_form(exporters)
    with contextlib.suppress(SettingsError):
        TelemetrySettings(tracing={"exporters": exporters}, metrics={"exporters": exporters}, logs={"exporters": exporters})
