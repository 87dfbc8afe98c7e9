"""A file in OpenTelemetry's declarative configuration is one like any other: lines, variables, precedence, and no secrets."""

import json

import pytest

from heliograph.errors import SettingsError
from heliograph.settings.loading.listing import as_mapping
from heliograph.settings.loading.load import load, load_file

FILE = """\
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: ${NAME:-shop}
    - {name: owner, value: "${SECRET}"}
tracer_provider:
  processors:
    - batch:
        schedule_delay: ${DELAY}
        exporter:
          otlp_http:
            endpoint: http://user:${SECRET}@collector:4318/v1/traces
            headers:
              - {name: api-key, value: "${SECRET}"}
            timeout: ${DELAY}
  sampler:
    trace_id_ratio_based: {ratio: 0.5}
"""
ENVIRON = {"SECRET": "hunter2", "DELAY": "500"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "otel.yaml").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize("variable", ["OTEL_CONFIG_FILE", "HELIOGRAPH_CONFIG_FILE"])
def test_it_is_read_whoever_names_it(folder, variable):
    loaded = load(environ={variable: "otel.yaml", **ENVIRON}, folder=folder)
    assert loaded.settings.service_name == "shop"
    assert loaded.settings.resource["owner"] == "hunter2"
    assert str(loaded.source(("service_name",))) == "file otel.yaml:5"
    assert loaded.settings.tracing.sample_rate == 0.5


def test_it_is_read_where_it_is_found_under_our_name(folder):
    (folder / "heliograph.yaml").write_text(FILE)
    assert load(environ=ENVIRON, folder=folder).settings.service_name == "shop"


def test_arguments_and_variables_lie_above_it(folder):
    environ = {"OTEL_CONFIG_FILE": "otel.yaml", "HELIOGRAPH_TRACING__SAMPLE_RATE": "0.25", **ENVIRON}
    loaded = load({"service_name": "argument"}, environ=environ, folder=folder)
    assert (loaded.settings.service_name, loaded.settings.tracing.sample_rate) == ("argument", 0.25)


def test_a_variable_that_is_not_set_is_empty(folder):
    (folder / "otel.yaml").write_text('file_format: "1.0"\nresource:\n  attributes:\n  - {name: a, value: "x${NOT_SET}y"}\n')
    assert load_file(folder / "otel.yaml").settings.resource["a"] == "xy"


def test_what_a_variable_held_is_shown_unless_its_name_is_that_of_a_secret(folder):
    shown = as_mapping(load(file="otel.yaml", environ=ENVIRON, folder=folder))
    assert "hunter2" not in json.dumps(shown)
    assert shown["settings"]["service_name"]["value"] == "shop"
    assert shown["settings"]["resource.owner"]["value"] == "${SECRET}"
    assert shown["settings"]["tracing.batch_export.export_interval"]["value"] == "500ms"
    assert shown["settings"]["tracing.exporters[0].timeout"]["value"] == "500ms"
    assert shown["settings"]["tracing.exporters[0].type"]["value"] == "otlp"


def test_faults_have_lines_and_show_what_is_written(folder):
    with pytest.raises(SettingsError) as caught:
        load(file="otel.yaml", environ={"SECRET": "hunter2", "DELAY": "hunter2"}, folder=folder)
    assert [(fault.where, fault.given) for fault in caught.value.faults] == [
        ("otel.yaml:10", "'${DELAY}'"),
        ("otel.yaml:16", "'${DELAY}'"),
    ]
    assert "hunter2" not in str(caught.value)


def test_a_part_of_a_value_or_a_part_of_what_is_around_it_is_hidden_too(folder):
    (folder / "otel.yaml").write_text(
        """\
file_format: "1.0"
resource:
  attributes:
    - type: string
      value: ${SECRET}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http: {endpoint: "http://collector.with.a.long.name.that.does.not.fit.here:${SECRET}/"}
"""
    )
    with pytest.raises(SettingsError) as caught:
        load(file="otel.yaml", environ=ENVIRON, folder=folder)
    assert [fault.where for fault in caught.value.faults] == ["otel.yaml:4", "otel.yaml:10"]
    assert caught.value.faults[0].given == "{'type': 'string', 'value': '${SECRET}'}"
    assert "ter2" not in str(caught.value)
