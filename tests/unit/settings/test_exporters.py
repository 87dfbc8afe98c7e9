"""Exporters are written in three ways that mean the same, and their settings guard their secrets."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.entries import entries_form, entry_form
from heliograph.settings.exporters import (
    ConsoleExporter,
    FileExporter,
    JaegerExporter,
    MemoryExporter,
    OtlpExporter,
    OtlpMetricExporter,
    PrometheusExporter,
    TlsFiles,
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


def test_only_otlp_for_metrics_says_how_it_wants_them() -> None:
    options = {"type": "otlp", "temporality": "low_memory", "histogram_aggregation": "exponential"}
    (exporter,) = TelemetrySettings(metrics={"exporters": [options]}).metrics.exporters
    assert exporter == OtlpMetricExporter(temporality="low_memory", histogram_aggregation="exponential")
    for section in ("tracing", "logs"):
        with pytest.raises(SettingsError) as caught:
            TelemetrySettings(**{section: {"exporters": [options]}})
        assert [fault.path for fault in caught.value.faults] == [
            f"{section}.exporters[0].temporality",
            f"{section}.exporters[0].histogram_aggregation",
        ]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"temporality": "deltas"}, "given 'deltas', expected one of 'cumulative', 'delta' or 'low_memory'"),
        ({"histogram_aggregation": True}, "given True, expected one of 'explicit' or 'exponential'"),
    ],
    ids=str,
)
def test_another_word_is_a_fault(option: dict[str, Any], expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(metrics={"exporters": [{"otlp": option}]})
    assert [str(fault) for fault in caught.value.faults] == [f"metrics.exporters[0].{next(iter(option))}: {expected}"]


@pytest.mark.parametrize(("options", "destination"), [({}, "otlp"), ({"name": "eu"}, "eu"), ({"name": " eu "}, "eu")])
def test_a_destination_is_called_by_its_name_or_else_its_type(options: dict[str, str], destination: str) -> None:
    assert OtlpExporter(**options).destination == destination


def test_headers_are_shown_by_no_repr() -> None:
    settings = TelemetrySettings(tracing={"exporters": [{"type": "otlp", "headers": {"authorization": "Bearer s3cret"}}]})
    assert "s3cret" not in repr(settings) + str(settings)
    assert settings.tracing.exporters[0].headers["authorization"].get_secret_value() == "Bearer s3cret"


@pytest.mark.parametrize(
    "endpoint", ["http://a b:1", "http://c:1/\n", "http://c\t:1", "http://c:1/\0", "http://c\u00a0d:1", "http://c\u2028:1"]
)
def test_an_endpoint_with_blanks_in_its_host_or_control_characters_is_none(endpoint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _traces({"type": "otlp", "endpoint": f"{endpoint}x"})
    assert [fault.path for fault in caught.value.faults] == ["tracing.exporters[0].endpoint"]


def _faults(**options: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsError) as caught:
        _traces({"type": "otlp", **options})
    return [(fault.path, fault.given, fault.expected) for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["authorization", "X-Scope-OrgID", "x.y_z", "!#$%&'*+-.^_`|~", "grpc-x", "x-bin"])
def test_every_name_that_http_can_carry_is_a_headers(name: str) -> None:
    assert name in _traces({"type": "otlp", "headers": {name: "x"}})[0].headers


@pytest.mark.parametrize("name", ["authorization", "X-Scope-OrgID", "x.y_z"])
def test_every_name_that_grpc_can_carry_is_a_headers(name: str) -> None:
    assert name in _traces({"type": "otlp", "protocol": "grpc", "headers": {name: "x"}})[0].headers


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(
    "name", ["", "a b", "a:", ":authority", "a\r\nb", "\u00fc", "a/b", "a\0", "Authorization: Bearer s3cret"]
)
def test_a_name_that_nothing_can_carry_is_a_fault_and_is_not_shown(protocol: str, name: str) -> None:
    ((path, given_text, expected),) = _faults(protocol=protocol, headers={"x-fine": "s3cret", name: "s3cret"})
    assert (path, given_text) == ("tracing.exporters[0].headers", "[REDACTED]")
    assert expected.startswith("names of letters, digits and ")
    assert expected.endswith("; name 2 is another")


@pytest.mark.parametrize("name", ["a!b", "a~", "grpc-timeout", "GRPC-x", "token-bin", "Token-BIN"])
def test_a_name_that_grpc_cannot_carry_or_keeps_for_itself_is_a_fault(name: str) -> None:
    assert [path for path, _given, _expected in _faults(protocol="grpc", headers={name: "x"})] == [
        "tracing.exporters[0].headers"
    ]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "connection", "Content-Encoding", "TE", "upgrade"])
def test_a_header_that_the_transport_sets_itself_is_a_fault(protocol: str, name: str) -> None:
    ((_path, _given, expected),) = _faults(protocol=protocol, headers={name: "x"})
    assert expected == f"no name that the transport sets itself; name 1 is {name.lower()!r}"


def test_names_that_differ_in_case_only_are_a_fault() -> None:
    ((_path, _given, expected),) = _faults(headers={"x-a": "1", "X-A": "2"})
    assert expected == "each name once: upper and lower case mean the same"


def test_a_header_whose_name_holds_a_secret_shows_it_in_no_path() -> None:
    ((path, given_text, _expected),) = _faults(headers={"Authorization: Bearer s3cret": "\u2603"})
    assert (path, given_text) == ("tracing.exporters[0].headers.[REDACTED]", "[REDACTED]")


@pytest.mark.parametrize("kind", ["otlp", "jaeger"])
@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(
    "files",
    [{}, {"ca_file": "ca.pem"}, {"cert_file": "both.pem"}, {"ca_file": "ca.pem", "cert_file": "c.pem", "key_file": "c.key"}],
)
def test_files_for_tls_are_accepted_without_being_read(kind: str, protocol: str, files: dict[str, str]) -> None:
    options = {"type": kind, "protocol": protocol, "endpoint": "https://c:1", "tls": files}
    assert _traces(options)[0].tls == TlsFiles(**files)


def test_without_tls_there_are_no_files() -> None:
    assert _traces({"type": "otlp", "endpoint": "https://c:1"})[0].tls is None


def test_a_key_without_its_certificate_is_a_fault_that_says_what_to_do() -> None:
    assert _faults(endpoint="https://c:1", tls={"key_file": "c.key"}) == [
        (
            "tracing.exporters[0].tls.key_file",
            "'c.key'",
            "'cert_file' beside it: set it to the certificate of this key",
        )
    ]


@pytest.mark.parametrize("options", [{"endpoint": "http://c:1"}, {"endpoint": "HTTP://c:1"}, {}, {"protocol": "grpc"}])
def test_tls_for_an_endpoint_without_is_a_fault_that_says_what_to_do(options: dict[str, str]) -> None:
    ((path, given_text, expected),) = _faults(**options, tls={"ca_file": "ca.pem"})
    assert (path, "ca.pem" in given_text) == ("tracing.exporters[0].tls", True)
    assert expected.startswith("an 'endpoint' with https://, or no 'tls'")


def test_a_faulty_endpoint_is_one_fault_and_not_another_about_tls() -> None:
    faults = _faults(endpoint="ftp://c", tls={"ca_file": "ca.pem"})
    assert [path for path, _given, _expected in faults] == ["tracing.exporters[0].endpoint"]


@pytest.mark.parametrize("option", ["ca_file", "cert_file", "key_file"])
def test_pem_in_place_of_its_path_is_a_fault_that_does_not_show_it(option: str) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----"
    faults = _faults(endpoint="https://c:1", tls={"cert_file": "c.pem", option: pem})
    assert faults[0] == (f"tracing.exporters[0].tls.{option}", "'[REDACTED]'", "the path of a PEM file, not what is in it")
    assert "s3cret" not in repr(faults)


@pytest.mark.parametrize("tls", [{"ca_flie": "x"}, {"insecure": True}, "ca.pem", True, {"ca_file": ""}, {"ca_file": 5}])
def test_other_options_of_tls_are_faults(tls: object) -> None:
    assert all(
        path.startswith("tracing.exporters[0].tls") for path, _given, _expected in _faults(endpoint="https://c", tls=tls)
    )


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
