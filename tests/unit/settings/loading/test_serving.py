"""The port and path of the endpoint, when sources say them of the server and of a Prometheus exporter."""

from pathlib import Path

import pytest

from heliograph.settings.loading.load import load

FILE = "metrics: {exporters: [console, {Prometheus: {port: 9090, path: /file, scope_labels: true}}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "heliograph.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_a_variable_wins_over_the_exporter_of_a_file(folder: Path):
    environ = {"HELIOGRAPH_SERVER__PORT": "9100", "HELIOGRAPH_SERVER__METRICS_PATH": "/variable"}
    loaded = load(environ=environ, folder=folder)
    server = loaded.settings.effective_server
    assert (server.port, server.metrics_path) == (9100, "/variable")
    assert str(loaded.source(("server", "port"))) == "environment HELIOGRAPH_SERVER__PORT"
    assert str(loaded.source(("metrics", "exporters", 1, "port"))) == "default"
    assert str(loaded.source(("metrics", "exporters", 1, "scope_labels"))) == "file heliograph.yaml:1"


def test_an_argument_wins_over_the_exporter_of_a_file_and_leaves_it_the_rest(folder: Path):
    server = load({"server": {"port": 9100}}, folder=folder).settings.effective_server
    assert (server.port, server.metrics_path) == (9100, "/file")


def test_an_exporter_of_the_same_source_or_a_higher_one_stands_above_the_server(folder: Path):
    (folder / "heliograph.yaml").write_text(f"{FILE}server: {{port: 9200}}\n", encoding="utf-8")
    assert load(folder=folder).settings.effective_server.port == 9090
    options = {"metrics": {"exporters": [{"type": "prometheus", "port": 9300}]}}
    assert load(options, environ={"PROMETHEUS_PORT": "9100"}, folder=folder).settings.effective_server.port == 9300
    environ = {"HELIOGRAPH_METRICS__EXPORTERS": '[{"type": "prometheus", "port": 9400}]', "HELIOGRAPH_SERVER__PORT": "9100"}
    assert load(environ=environ, folder=folder).settings.effective_server.port == 9400


def test_what_the_variables_of_opentelemetry_change_beside_it_is_theirs(folder: Path):
    environ = {"PROMETHEUS_PORT": "9100", "OTEL_METRIC_EXPORT_INTERVAL": "2000", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}
    loaded = load(environ=environ, folder=folder)
    assert loaded.settings.effective_server.port == 9100
    assert str(loaded.source(("logs", "exporters", 0, "endpoint"))) == "environment OTEL_EXPORTER_OTLP_ENDPOINT"
    assert str(loaded.source(("metrics", "exporters", 0, "type"))) == "file heliograph.yaml:1"


def test_an_unknown_name_beside_telemetry_in_arguments_has_no_place():
    with pytest.raises(ValueError, match=r"\n  telemetry: given "):
        load({"telemetry": {"service_name": "a"}, "service_name": "b"})
