"""Broken configurations: each gives its precise error, with the file and line or the variable that it is in."""

import pytest

from heliograph.errors import SettingsError
from heliograph.settings.loading.load import load
from tests.support.broken_files import FILES, TRACE_EXPORTERS

# What is wrong, the variables, and each fault.
VARIABLES = [
    (
        "a number that is too large",
        {"HELIOGRAPH_TRACING__SAMPLE_RATE": "2"},
        ["HELIOGRAPH_TRACING__SAMPLE_RATE: tracing.sample_rate: given '2', expected at most 1"],
    ),
    (
        "a word that is not true or false",
        {"HELIOGRAPH_TRACING__ENABLED": "perhaps"},
        ["HELIOGRAPH_TRACING__ENABLED: tracing.enabled: given 'perhaps', expected true or false"],
    ),
    (
        "an exporter that there is not",
        {"HELIOGRAPH_TRACING__EXPORTERS": "console,zipkin"},
        [f"HELIOGRAPH_TRACING__EXPORTERS: tracing.exporters[1].type: given 'zipkin', expected {TRACE_EXPORTERS}"],
    ),
    (
        "JSON that is none, which may hold a header",
        {"HELIOGRAPH_TRACING__EXPORTERS": '[{"type": "otlp", "headers": {"authorization": "hunter2"}]'},
        [
            (
                "HELIOGRAPH_TRACING__EXPORTERS: tracing.exporters: given what is no JSON, expected JSON such as '[...]', or"
                " values separated by commas; Expecting ',' delimiter (column 58)"
            )
        ],
    ),
    (
        "a fault in JSON",
        {"HELIOGRAPH_METRICS": '{"exporters": [{"Prometheus": {"port": -1}}]}'},
        ["HELIOGRAPH_METRICS: metrics.exporters[0].port: given -1, expected at least 0"],
    ),
    (
        "one value for a section",
        {"HELIOGRAPH_LOGS": "INFO"},
        ["HELIOGRAPH_LOGS: logs: given 'INFO', expected JSON such as '{...}', or a variable for each of its settings"],
    ),
    (
        "a pair that is none",
        {"HELIOGRAPH_RESOURCE": "team=a,payments"},
        ["HELIOGRAPH_RESOURCE: resource: given 'payments', expected JSON such as '{...}', or NAME=VALUE separated by commas"],
    ),
    (
        "a file that is not there",
        {"HELIOGRAPH_CONFIG_FILE": "none.yaml"},
        [
            (
                "HELIOGRAPH_CONFIG_FILE: file: given 'none.yaml', expected a file that can be read, but: No such file or"
                " directory; correct the name, or what may be read"
            )
        ],
    ),
    (
        "a file of a format that is not known",
        {"HELIOGRAPH_CONFIG_FILE": "settings.ini"},
        [
            (
                "HELIOGRAPH_CONFIG_FILE: file: given 'settings.ini', expected a name that ends in .yaml, .yml, .json or .toml,"
                " which says its format"
            )
        ],
    ),
    (
        "OpenTelemetry's file that is not there",
        {"OTEL_CONFIG_FILE": "otel.yaml"},
        [
            (
                "OTEL_CONFIG_FILE: file: given 'otel.yaml', expected a file that can be read, but: No such file or"
                " directory; correct the name, or what may be read"
            )
        ],
    ),
]


def faults_of(options=None, **sources):
    with pytest.raises(SettingsError) as caught:
        load(options, **sources)
    assert [f"  {fault}" for fault in caught.value.faults] == str(caught.value).split("\n")[1:]
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(("name", "content", "faults"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_broken_file_says_what_is_wrong_and_on_which_line(tmp_path, name, content, faults):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    named = {"OTEL_CONFIG_FILE": name} if name == "otel.yaml" else {}
    assert faults_of(folder=tmp_path, environ={"SECRET": "hunter2", **named}) == faults


@pytest.mark.parametrize(("environ", "faults"), [row[1:] for row in VARIABLES], ids=[row[0] for row in VARIABLES])
def test_a_broken_variable_is_named(tmp_path, environ, faults):
    assert faults_of(folder=tmp_path, environ=environ) == faults


def test_all_faults_of_all_sources_are_said_at_once(tmp_path):
    (tmp_path / "heliograph.yaml").write_text("tracing:\n  sample_rate: 2\nmetrics:\n  exporters: [none]\n")
    environ = {"HELIOGRAPH_SERVER__PORT": "-1", "HELIOGRAPH_LOGS": "x"}
    assert faults_of({"service_name": ""}, folder=tmp_path, environ=environ) == [
        "HELIOGRAPH_LOGS: logs: given 'x', expected JSON such as '{...}', or a variable for each of its settings",
        "service_name: given '', expected text that is not empty",
        "heliograph.yaml:2: tracing.sample_rate: given 2, expected at most 1",
        (
            "heliograph.yaml:4: metrics.exporters[0].type: given 'none', expected one of 'prometheus', 'otlp', 'console',"
            " 'file', 'memory'"
        ),
        "HELIOGRAPH_SERVER__PORT: server.port: given '-1', expected at least 0",
    ]


def test_what_is_hidden_by_something_of_another_form_is_wrong_all_the_same(tmp_path):
    (tmp_path / "heliograph.yaml").write_text("server:\n  port: 1\ntracing: all\nresource: ${SECRET}\n")
    environ = {"HELIOGRAPH_TRACING__SAMPLE_RATE": "1", "HELIOGRAPH_RESOURCE__TEAM": "a", "SECRET": "hunter2"}
    assert faults_of(folder=tmp_path, environ=environ) == [
        "heliograph.yaml:4: resource: given '${SECRET}', expected a mapping of settings",
        "heliograph.yaml:3: tracing: given 'all', expected a mapping of settings",
    ]


def test_a_check_that_names_what_stands_beside_a_value_names_the_variable(tmp_path):
    (tmp_path / "heliograph.yaml").write_text("server:\n  host: ${HOST}\n")
    (fault,) = faults_of(folder=tmp_path, environ={"HOST": "10.1.2.3"})
    assert fault.startswith(
        "heliograph.yaml:1: server.allow_unauthenticated: given False, expected true, since host '${HOST}'"
    )


def test_a_check_across_sources_names_where_the_value_is_from_that_it_refuses(tmp_path):
    environ = {"HELIOGRAPH_SERVER__HOST": "0.0.0.0", "HELIOGRAPH_SERVER__PORT": "1"}
    (fault,) = faults_of(folder=tmp_path, environ=environ)
    assert fault.startswith("HELIOGRAPH_SERVER__HOST: server.allow_unauthenticated: given False, expected true, since host")
