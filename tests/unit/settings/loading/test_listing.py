"""What `heliograph config show` prints: every setting, where it is from, and nothing that is secret."""

import json

import pytest

from heliograph.settings import TelemetrySettings
from heliograph.settings.loading.listing import as_mapping, as_text, rows_of
from heliograph.settings.loading.load import load

SECRETIVE = """\
service_name: shop
resource: {team: payments, owner: "${OWNER}", pass: "${OWNERS_PASSWORD}", api_key: hunter2}
metrics:
  aggregation: {histogram_buckets: [1, 2]}
tracing:
  exporters:
    - type: otlp
      endpoint: https://user:hunter2@collector:4318
      headers:
        authorization: Bearer hunter2
        x-key: ${TOKEN}
    - Jaeger: {endpoint: "http://user:hunter2@${HOST}/?apikey=${PW}"}
logs:
  exporters: ["${KIND:-console}"]
"""
ENVIRON = {
    "OWNER": "jane",
    "OWNERS_PASSWORD": "hunter2",
    "PW": "hunter2",
    "TOKEN": "hunter2",
    "HOST": "jaeger",
    "HELIOGRAPH_TRACING_ENABLED": "hunter2",
}


@pytest.fixture
def loaded(tmp_path):
    (tmp_path / "heliograph.yaml").write_text(SECRETIVE)
    return load({"environment": "test"}, environ=ENVIRON, folder=tmp_path)


def test_each_setting_has_its_value_and_source(loaded):
    rows = {row.path: (row.value, str(row.source)) for row in rows_of(loaded)}
    expected = {
        "service_name": ("shop", "file heliograph.yaml:1"),
        "environment": ("test", "argument"),
        "preset": (None, "default"),
        "resource.team": ("payments", "file heliograph.yaml:2"),
        "resource.owner": ("jane", "file heliograph.yaml:2"),
        "resource.pass": ("${OWNERS_PASSWORD}", "file heliograph.yaml:2"),
        "resource.api_key": ("**********", "file heliograph.yaml:2"),
        "metrics.aggregation.histogram_buckets": ([1.0, 2.0], "file heliograph.yaml:4"),
        "tracing.exporters[0].endpoint": ("https://[REDACTED]@collector:4318", "file heliograph.yaml:8"),
        "tracing.exporters[0].headers.authorization": ("**********", "file heliograph.yaml:10"),
        "tracing.exporters[0].headers.x-key": ("**********", "file heliograph.yaml:11"),
        "tracing.exporters[0].timeout": ("10s", "default"),
        "tracing.exporters[1].type": ("jaeger", "file heliograph.yaml:12"),
        "tracing.exporters[1].endpoint": ("http://[REDACTED]@${HOST}/?apikey=[REDACTED]", "file heliograph.yaml:12"),
        "logs.exporters[0].type": ("console", "file heliograph.yaml:14"),
        "metrics.views": ([], "default"),
        "server.port": (9464, "default"),
    }
    assert {path: rows[path] for path in expected} == expected


def test_nothing_secret_is_in_it(loaded):
    assert "hunter2" not in as_text(loaded)
    assert "hunter2" not in json.dumps(as_mapping(loaded))


def test_text_has_a_line_a_setting_and_then_what_is_ignored(loaded):
    *lines, empty, notice = as_text(loaded).splitlines()
    assert len(lines) == len(rows_of(loaded))
    assert (empty, notice.split()[0]) == ("", "HELIOGRAPH_TRACING_ENABLED")
    service_name = next(line for line in lines if line.startswith("service_name "))
    assert service_name.split(maxsplit=2) == ["service_name", '"shop"', "file heliograph.yaml:1"]


def test_programs_get_the_same(loaded, tmp_path):
    found = as_mapping(loaded)
    assert found["file"] == str(tmp_path / "heliograph.yaml")
    assert found["settings"]["service_name"] == {"value": "shop", "source": {"kind": "file", "detail": "heliograph.yaml:1"}}
    assert list(found["settings"]) == [row.path for row in rows_of(loaded)]
    assert found["notices"] == list(loaded.notices)


def test_without_sources_there_is_every_default(tmp_path):
    rows = rows_of(load(folder=tmp_path))
    assert {row.path.split(".")[0].split("[")[0] for row in rows} == set(TelemetrySettings.fields)
    assert {str(row.source) for row in rows} == {"default"}
