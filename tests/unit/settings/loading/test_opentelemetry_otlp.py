"""OTEL_EXPORTER_OTLP_*: what they tell the exporters that other sources ask for, and which sources they give way to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heliograph.settings.exporters import OtlpExporter, TlsFiles
from heliograph.settings.loading.load import Loaded, load
from heliograph.settings.secret import Secret
from heliograph.settings.tracing import TracingSettings

OTLP = {"tracing": {"exporters": ["otlp"]}}
BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def _written(folder: Path, text: str) -> Path:
    path = folder / "heliograph.yaml"
    path.write_text(text)
    return path


def _only(loaded: Loaded) -> Any:
    (exporter,) = loaded.settings.tracing.exporters
    return exporter


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"protocol": "http", "endpoint": "http://localhost:4318"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/otlp"}, {"endpoint": "http://c:4318/otlp", "append_path": True}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, {"endpoint": "http://c:4317", "protocol": "grpc"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4317"}, {"endpoint": "http://c:4317", "protocol": "grpc"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, {"endpoint": "https://c:4317", "protocol": "grpc"}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            {"endpoint": "http://c:4317", "protocol": "http"},
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:9000", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            {"endpoint": "https://c:9000", "protocol": "grpc"},
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
            {"endpoint": "http://c:4317", "protocol": "grpc"},
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317",
                "OTEL_EXPORTER_OTLP_INSECURE": "true",
                "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "false",
            },
            {"endpoint": "https://c:4317"},
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
            {"endpoint": "http://c:4317", "protocol": "grpc"},
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"protocol": "grpc", "endpoint": "http://localhost:4317"}),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            {"protocol": "http", "endpoint": "http://localhost:4318"},
        ),
        (
            {**BASE, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:4318/v1/traces"},
            {"endpoint": "http://t:4318/v1/traces", "append_path": True},
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:4318"}, {"endpoint": "http://t:4318", "append_path": False}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/in"}, {"endpoint": "http://t/in", "append_path": False}),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}, {"timeout": timedelta(seconds=2.5)}),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "1000"}, {"timeout": timedelta(seconds=1)}),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "999"}, {"timeout": timedelta(seconds=999)}),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2.5"}, {"timeout": timedelta(seconds=2.5)}),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "5", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "7"}, {"timeout": timedelta(seconds=7)}),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP"}, {"compression": "gzip"}),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "API-Key=a%20b%3D, x=1=2,authorization=Bearer a%20b"},
            {"headers": {"api-key": Secret("a b="), "x": Secret("1=2"), "authorization": Secret("Bearer a%20b")}},
        ),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"},
            {"headers": {"b": Secret("2")}},
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://c",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/key.pem",
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/cert.pem",
                "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/traces.pem",
            },
            {"tls": TlsFiles(ca_file="/traces.pem", cert_file="/cert.pem", key_file="/key.pem")},
        ),
    ],
    ids=lambda value: ",".join(value)[:80],
)
def test_an_exporter_of_spans_is_told(environ: dict[str, str], expected: dict[str, object]):
    loaded = load(OTLP, environ=environ)
    assert {name: getattr(_only(loaded), name) for name in expected} == expected
    assert loaded.notices == ()


def test_metrics_have_two_options_of_their_own():
    environ = {
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "LowMemory",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
    }
    loaded = load(environ=environ)
    exporter: Any = loaded.settings.metrics.exporters[0]
    assert (exporter.temporality, exporter.histogram_aggregation) == ("low_memory", "exponential")
    assert loaded.notices == ()


def test_an_endpoint_sends_every_signal_there_that_nobody_names_exporters_of():
    loaded = load(environ=BASE)
    settings = loaded.settings
    assert [each.destination for each in settings.tracing.exporters] == ["otlp"]
    assert [each.destination for each in settings.metrics.exporters] == ["prometheus", "otlp"]
    assert [each.destination for each in settings.logs.exporters] == ["otlp"]
    assert str(loaded.source(("tracing", "exporters", 0, "endpoint"))) == "environment OTEL_EXPORTER_OTLP_ENDPOINT"


def test_an_endpoint_of_one_signal_is_for_that_one():
    settings = load(environ={"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:4318/v1/logs"}).settings
    assert [each.destination for each in settings.logs.exporters] == ["otlp"]
    assert settings.tracing.exporters == ()
    assert [each.type for each in settings.metrics.exporters] == ["prometheus"]


@pytest.mark.parametrize("options", [{"logs": {"exporters": ["console"]}}, {"logs": {"exporters": []}}])
def test_an_endpoint_adds_nothing_to_exporters_that_are_named(options: dict[str, Any]):
    assert load(options, environ=BASE).settings.logs.exporters == load(options).settings.logs.exporters


def test_none_named_is_none():
    assert load(environ={**BASE, "OTEL_TRACES_EXPORTER": "none"}).settings.tracing.exporters == ()


@pytest.mark.parametrize(
    "exporter",
    [
        {"type": "otlp", "endpoint": "http://argument:4318", "headers": {"a": "1"}},
        {"Otlp": {"endpoint": "http://argument:4318", "headers": {"a": "1"}}},
        OtlpExporter(endpoint="http://argument:4318", headers={"a": "1"}),
    ],
)
def test_what_an_argument_says_stays_and_the_rest_is_filled_in(exporter: Any):
    environ = {**BASE, "OTEL_EXPORTER_OTLP_HEADERS": "b=2", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    loaded = load({"tracing": {"exporters": [exporter]}}, environ=environ)
    told = _only(loaded)
    assert (told.endpoint, told.headers, told.compression) == ("http://argument:4318", {"a": Secret("1")}, "gzip")
    assert loaded.notices == ()
    assert str(loaded.source(("tracing", "exporters", 0, "endpoint"))) == "argument"
    assert str(loaded.source(("tracing", "exporters", 0, "compression"))) == "environment OTEL_EXPORTER_OTLP_COMPRESSION"


def test_a_section_that_is_made_already_is_told_as_well():
    loaded = load({"tracing": TracingSettings(exporters=["otlp"], sample_rate=0.5)}, environ=BASE)
    assert (_only(loaded).endpoint, loaded.settings.tracing.sample_rate) == ("http://collector:4318", 0.5)


def test_what_our_own_variables_say_stays():
    environ = {**BASE, "HELIOGRAPH_TRACING__EXPORTERS": '[{"type": "otlp", "endpoint": "http://ours:4318"}]'}
    assert _only(load(environ=environ)).endpoint == "http://ours:4318"


def test_what_a_file_told_the_only_one_gives_way(tmp_path: Path):
    text = """\
tracing:
  exporters:
    - type: otlp
      endpoint: http://file/in
      append_path: false
      compression: gzip
    - console
"""
    loaded = load(file=_written(tmp_path, text), environ=BASE)
    told: Any = loaded.settings.tracing.exporters[0]
    assert (told.endpoint, told.append_path, told.compression) == ("http://collector:4318", True, "gzip")
    assert str(loaded.source(("tracing", "exporters", 0, "compression"))).endswith("heliograph.yaml:6")
    assert loaded.notices == ()


def test_what_a_file_told_several_stays_and_the_variable_is_named(tmp_path: Path):
    text = """\
tracing:
  exporters:
    - {type: otlp, endpoint: "http://a"}
    - {type: otlp, name: other, endpoint: "http://b"}
"""
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TIMEOUT": "3"}
    loaded = load(file=_written(tmp_path, text), environ=environ)
    tracing: Any = loaded.settings.tracing
    assert [each.endpoint for each in tracing.exporters] == ["http://a", "http://b"]
    assert [each.timeout for each in tracing.exporters] == [timedelta(seconds=3)] * 2
    (notice,) = loaded.notices
    assert notice.startswith("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ignored: the 'otlp' exporters that it is for say it")


def test_the_jaeger_of_a_preset_goes_where_the_environment_says():
    loaded = load({"preset": "production"}, environ={**BASE, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    told = _only(loaded)
    assert (told.type, told.endpoint, told.compression) == ("jaeger", "http://collector:4318", "gzip")
    assert loaded.notices == ()


def test_a_jaeger_that_has_an_endpoint_stays_there():
    options = {"tracing": {"exporters": [{"type": "jaeger", "endpoint": "http://jaeger:4318"}]}}
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}
    loaded = load(options, environ=environ)
    assert _only(loaded).endpoint == "http://jaeger:4318"
    assert loaded.notices == (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is ignored: tracing.exporters has no 'otlp'; name one there",
    )


def test_tls_of_a_file_goes_when_the_environment_says_plain_http(tmp_path: Path):
    text = "tracing: {exporters: [{type: otlp, endpoint: 'https://c', tls: {ca_file: /ca.pem}}]}"
    loaded = load(file=_written(tmp_path, text), environ=BASE)
    assert _only(loaded).tls is None
    assert "is http://, so the 'tls' of tracing.exporters is ignored" in loaded.notices[0]


def test_a_header_that_cannot_be_sent_takes_no_other_with_it():
    headers = "authorization=Bearer%20s3cret,content-length=5,a%20b=1,name=caf%C3%A9,x-tenant=shop"
    loaded = load(OTLP, environ={"OTEL_EXPORTER_OTLP_TRACES_HEADERS": headers})
    assert set(_only(loaded).headers) == {"authorization", "x-tenant"}
    assert [notice.partition(":")[2].partition(",")[0] for notice in loaded.notices] == [
        " entry 2 is left out: expected no name that the transport sets itself",
        " entry 3 is left out: expected names of letters",
        " entry 4 is left out: expected printable ASCII text: a header cannot carry anything else",
    ]


def test_what_switches_the_sdk_off_wins_over_all_else():
    loaded = load({"enabled": True}, environ={"OTEL_SDK_DISABLED": "True", "HELIOGRAPH_ENABLED": "true"})
    assert not loaded.settings.enabled
    assert str(loaded.source(("enabled",))) == "environment OTEL_SDK_DISABLED"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL: protobuf is sent instead of JSON"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "udp"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is ignored: given 'udp', expected 'http/protobuf'",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is ignored: given 'collector:4318'"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "unix:///run/otlp"},
            "OTEL_EXPORTER_OTLP_ENDPOINT is ignored: given 'unix:///run/otlp'",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
            "OTEL_EXPORTER_OTLP_TIMEOUT is ignored: given 'soon', expected a number above",
        ),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "0"}, "OTEL_EXPORTER_OTLP_TIMEOUT is ignored: given '0', expected a number above"),
        (
            {"OTEL_EXPORTER_OTLP_COMPRESSION": "deflate"},
            "OTEL_EXPORTER_OTLP_COMPRESSION is ignored: given 'deflate', expected",
        ),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "a=1,secret"}, "OTEL_EXPORTER_OTLP_HEADERS: entry 2 is left out: no 'name=value'"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "secret"}, "OTEL_EXPORTER_OTLP_HEADERS is ignored: given [REDACTED], expected"),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "host:secret=1"},
            "'name=value,...', percent-encoded; entry 1 is left out: expected names of letters",
        ),
        (
            {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem"},
            "OTEL_EXPORTER_OTLP_CERTIFICATE is ignored: given '/ca.pem', expected an 'endpoint' with https://",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/key.pem"},
            "OTEL_EXPORTER_OTLP_CLIENT_KEY is ignored: given [REDACTED], expected 'cert_file' beside it",
        ),
        (
            {"OTEL_EXPORTER_OTLP_INSECURE": "false"},
            "OTEL_EXPORTER_OTLP_INSECURE is ignored: the endpoint is a URL whose scheme",
        ),
        (
            {"OTEL_EXPORTER_OTLP_INSECURE": "1"},
            "OTEL_EXPORTER_OTLP_INSECURE is ignored: given '1', expected 'true' or 'false'",
        ),
        (
            {"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=1"},
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS is ignored: logs.exporters has no 'otlp'",
        ),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"},
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE is ignored: metrics.exporters has no 'otlp'",
        ),
    ],
)
def test_what_cannot_be_used_is_named_in_one_notice_and_no_fault(environ: dict[str, str], expected: str):
    options = {**OTLP, "metrics": {"exporters": []}, "logs": {"exporters": []}}
    (notice,) = load(options, environ=environ).notices
    assert expected in notice
    assert "secret" not in notice


def test_a_bad_value_for_one_signal_leaves_that_for_all():
    loaded = load(OTLP, environ={"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "x", "OTEL_EXPORTER_OTLP_TIMEOUT": "3"})
    assert _only(loaded).timeout == timedelta(seconds=3)
    assert [notice.split()[0] for notice in loaded.notices] == ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"]


def test_variables_for_exporters_that_nobody_has_are_named():
    loaded = load(environ={"OTEL_EXPORTER_OTLP_TIMEOUT": "3"})
    (notice,) = loaded.notices
    assert notice.startswith(
        "OTEL_EXPORTER_OTLP_TIMEOUT is ignored: tracing.exporters, metrics.exporters and logs.exporters have no"
    )


def test_faults_of_others_stay_what_they_are():
    options = {"tracing": {"exporters": ["otlp", 5, {"type": "otlp", "name": "b", "bogus": 1}]}}
    with pytest.raises(ValueError, match=r"tracing\.exporters\[1\]: given 5") as raised:
        load(options, environ=BASE)
    assert "tracing.exporters[2].bogus" in str(raised.value)
    for broken in (7, {"exporters": 7}, None):
        with pytest.raises(ValueError, match="given"):
            load({"tracing": broken}, environ=BASE)


class TestPrometheus:
    def test_the_host_may_be_a_loopback_one(self):
        loaded = load(environ={"OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.2"})
        assert loaded.settings.server.host == "127.0.0.2"
        assert loaded.notices == ()

    def test_a_host_that_others_reach_needs_leave(self):
        loaded = load(environ={"OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0"})
        assert loaded.settings.server.host == "127.0.0.1"
        assert "HELIOGRAPH_SERVER__ALLOW_UNAUTHENTICATED=true" in loaded.notices[0]

    def test_with_leave_it_is_open(self):
        environ = {"OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0", "HELIOGRAPH_SERVER__ALLOW_UNAUTHENTICATED": "true"}
        assert load(environ=environ).settings.server.host == "0.0.0.0"

    def test_our_own_host_stays(self):
        environ = {"OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.2", "HELIOGRAPH_SERVER__HOST": "localhost"}
        assert load(environ=environ).settings.server.host == "localhost"

    @pytest.mark.parametrize("name", ["OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT"])
    def test_the_port_wins_over_that_of_an_exporter_in_a_file(self, tmp_path: Path, name: str):
        path = _written(tmp_path, "metrics: {exporters: [{Prometheus: {port: 9090}}]}")
        loaded = load(file=path, environ={name: "9100"})
        assert loaded.settings.effective_server.port == 9100
        assert str(loaded.source(("server", "port"))) == f"environment {name}"

    def test_the_port_gives_way_to_that_of_an_argument(self):
        options = {"metrics": {"exporters": [{"type": "prometheus", "port": 9090}]}}
        loaded = load(options, environ={"OTEL_EXPORTER_PROMETHEUS_PORT": "9100"})
        assert loaded.settings.effective_server.port == 9090
