"""Settings from everywhere at once: which source wins, and what is said of each value."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from heliograph.errors import SettingsError
from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.exporters import ConsoleExporter, JaegerExporter, OtlpExporter
from heliograph.settings.loading.load import load, load_file
from heliograph.settings.tracing import TracingSettings

YAML = """\
service_name: from-file
service_version: 1.10
preset: high_load
tracing:
  sample_rate: 0.25
  exporters:
    - Otlp:
        endpoint: http://user:${PASSWORD}@collector:4318
    - console
resource:
  team: payments
  tier: 1
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "heliograph.yaml").write_text(YAML)
    return tmp_path


def test_argument_over_environment_over_file_over_preset_over_default(folder):
    environ = {
        "PASSWORD": "hunter2",
        "HELIOGRAPH_TRACING__SAMPLE_RATE": "0.5",
        "HELIOGRAPH_SERVICE_NAME": "from-environment",
        "HELIOGRAPH_RESOURCE__TEAM": "search",
    }
    loaded = load({"service_name": "from-argument", "resource": {"zone": "a"}}, folder=folder, environ=environ)
    settings = loaded.settings
    assert settings.service_name == "from-argument"
    assert settings.service_version == "1.10"
    assert settings.tracing.sample_rate == 0.5
    assert settings.resource == {"team": "search", "tier": 1, "zone": "a"}
    assert settings.tracing.max_attributes_per_span == 16
    assert settings.health.check_interval == timedelta(seconds=60)
    assert settings.server.port == 9464
    assert loaded.file == folder / "heliograph.yaml"
    assert loaded.notices == ()
    sources = {
        ("service_name",): "argument",
        ("service_version",): "file heliograph.yaml:2",
        ("preset",): "file heliograph.yaml:3",
        ("tracing", "sample_rate"): "environment HELIOGRAPH_TRACING__SAMPLE_RATE",
        ("tracing", "exporters"): "file heliograph.yaml:6",
        ("tracing", "exporters", 0, "type"): "file heliograph.yaml:7",
        ("tracing", "exporters", 0, "endpoint"): "file heliograph.yaml:8",
        ("tracing", "exporters", 0, "timeout"): "default",
        ("tracing", "exporters", 1, "type"): "file heliograph.yaml:9",
        ("tracing", "max_attributes_per_span"): "preset high_load",
        ("tracing", "keep_errors"): "default",
        ("tracing",): "environment HELIOGRAPH_TRACING__SAMPLE_RATE",
        ("resource", "team"): "environment HELIOGRAPH_RESOURCE__TEAM",
        ("resource", "tier"): "file heliograph.yaml:12",
        ("resource", "zone"): "argument",
        ("metrics", "aggregation"): "preset high_load",
        ("server", "port"): "default",
        ("server",): "default",
    }
    assert {place: str(loaded.source(place)) for place in sources} == sources


def test_what_a_variable_held_is_known_by_how_it_is_written(folder):
    loaded = load(folder=folder, environ={"PASSWORD": "hunter2"})
    place = ("tracing", "exporters", 0, "endpoint")
    assert loaded.settings.tracing.exporters[0].endpoint == "http://user:hunter2@collector:4318"
    assert loaded.written(place) == "http://user:${PASSWORD}@collector:4318"
    assert loaded.written(("service_name",)) is None
    over = load({"tracing": {"exporters": ["otlp"]}}, folder=folder, environ={"PASSWORD": "hunter2"})
    assert over.written(place) is None


def test_a_list_replaces_the_whole_list(folder):
    loaded = load({"tracing": {"exporters": ["Console"]}}, folder=folder, environ={"PASSWORD": ""})
    assert loaded.settings.tracing.exporters == (ConsoleExporter(),)
    assert str(loaded.source(("tracing", "exporters", 0, "type"))) == "argument"


@pytest.mark.parametrize("source", ["argument", "environment", "file"])
def test_a_preset_may_come_from_anywhere(tmp_path, source):
    (tmp_path / "heliograph.json").write_text(json.dumps({"preset": "production"} if source == "file" else {}))
    loaded = load(
        {"preset": "production"} if source == "argument" else {},
        environ={"HELIOGRAPH_PRESET": "production"} if source == "environment" else {},
        folder=tmp_path,
    )
    assert loaded.settings == TelemetrySettings(preset="production")
    assert loaded.source(("preset",)).kind == source
    assert str(loaded.source(("tracing", "exporters", 0, "type"))) == "preset production"
    assert str(loaded.source(("tracing", "exporters", 0, "endpoint"))) == "default"


def test_no_preset_is_a_choice_too(folder):
    loaded = load({"preset": None}, folder=folder, environ={"PASSWORD": ""})
    assert loaded.settings.tracing.max_attributes_per_span == 128


def test_a_section_that_was_made_already_sets_what_was_set_in_it():
    tracing = TracingSettings(sample_rate=0.5, exporters=[OtlpExporter(timeout="3s")])
    loaded = load({"tracing": tracing, "preset": "high_load"}, environ={"HELIOGRAPH_TRACING__MAX_EVENTS_PER_SPAN": "7"})
    assert loaded.settings.tracing.sample_rate == 0.5
    assert loaded.settings.tracing.max_events_per_span == 7
    assert loaded.settings.tracing.max_attributes_per_span == 16
    assert str(loaded.source(("tracing", "exporters", 0, "timeout"))) == "argument"
    assert str(loaded.source(("tracing", "exporters", 0, "endpoint"))) == "default"


def test_arguments_may_stand_below_telemetry():
    assert load({"telemetry": {"service_name": "shop"}}).settings.service_name == "shop"


def test_without_any_source_all_is_default(tmp_path):
    loaded = load(folder=tmp_path)
    assert loaded.settings == TelemetrySettings()
    assert loaded.file is None
    assert str(loaded.source(())) == "default"
    assert str(loaded.source(("no", "such", "place"))) == "default"


def test_what_is_given_is_left_as_it_was(folder):
    options = {"tracing": {"exporters": ["Console"]}, "resource": {"a": 1}}
    copy = json.loads(json.dumps(options))
    load(options, folder=folder, environ={"PASSWORD": "", "HELIOGRAPH_RESOURCE__B": "2"})
    assert options == copy
    load({"preset": "high_load", "tracing": {"batch_export": {"max_batch_size": 1}}})
    assert PRESETS["high_load"]["tracing"]["batch_export"]["max_batch_size"] == 1000


def test_opentelemetrys_variables_lie_below_ours_and_above_the_file(folder):
    environ = {
        "PASSWORD": "",
        "OTEL_SERVICE_NAME": "theirs",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:4318",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    }
    loaded = load(folder=folder, environ=environ)
    assert loaded.settings.service_name == "theirs"
    assert str(loaded.source(("service_name",))) == "environment OTEL_SERVICE_NAME"
    (otlp, console) = loaded.settings.tracing.exporters
    assert (otlp.endpoint, otlp.timeout) == ("http://elsewhere:4318", timedelta(seconds=3))
    assert console == ConsoleExporter()
    place = ("tracing", "exporters", 0)
    assert str(loaded.source((*place, "endpoint"))) == "environment OTEL_EXPORTER_OTLP_ENDPOINT"
    assert str(loaded.source((*place, "timeout"))) == "environment OTEL_EXPORTER_OTLP_TIMEOUT"
    assert str(loaded.source((*place, "type"))) == "file heliograph.yaml:7"
    assert str(loaded.source(("tracing", "exporters", 1, "type"))) == "file heliograph.yaml:9"
    assert loaded.written((*place, "endpoint")) is None
    ours = load(folder=folder, environ={**environ, "HELIOGRAPH_SERVICE_NAME": "ours"})
    assert ours.settings.service_name == "ours"


def test_notices_of_all_sources_are_kept_once(folder):
    (folder / "heliograph.toml").touch()
    environ = {"PASSWORD": "", "HELIOGRAPH_TRACING_ENABLED": "1", "OTEL_SERVICE_NAMES": "a"}
    first, second, third = load(folder=folder, environ=environ).notices
    assert first.startswith("heliograph.toml is ignored, since heliograph.yaml is read")
    assert second.startswith("HELIOGRAPH_TRACING_ENABLED is ignored")
    assert third.startswith("OTEL_SERVICE_NAMES is ignored")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", "telemetry:\n  service_name: shop\n  tracing: {exporters: [Jaeger: {compression: gzip}]}\n"),
        ("a.yml", "service_name: shop\ntracing:\n  exporters:\n  - type: jaeger\n    compression: gzip\n"),
        (
            "a.json",
            '\ufeff{"telemetry": {"service_name": "shop", "tracing": {"exporters": [{"Jaeger": {"compression": "gzip"}}]}}}',
        ),
        ("a.TOML", 'service_name = "shop"\n[[tracing.exporters]]\ntype = "jaeger"\ncompression = "gzip"\n'),
        (
            "pyproject.toml",
            '[tool.heliograph]\nservice_name = "shop"\ntracing.exporters = [{Jaeger = {compression = "gzip"}}]',
        ),
    ],
)
def test_every_format_means_the_same(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    settings = load_file(tmp_path / name).settings
    assert settings == TelemetrySettings(service_name="shop", tracing={"exporters": [JaegerExporter(compression="gzip")]})
    assert load(file=tmp_path / name).settings == settings
    assert load(file=name, folder=tmp_path).settings == settings
    assert load(environ={"HELIOGRAPH_CONFIG_FILE": name}, folder=tmp_path).settings == settings
    assert TelemetrySettings.load(file=tmp_path / name, environ={}) == settings


def test_one_file_alone_is_not_changed_by_variables_that_it_does_not_refer_to(folder):
    environ = {"PASSWORD": "a", "HELIOGRAPH_SERVICE_NAME": "b", "OTEL_SERVICE_NAME": "c"}
    assert load_file(folder / "heliograph.yaml", environ=environ).settings.service_name == "from-file"


@pytest.mark.parametrize("content", ["", "telemetry:\n", "tracing:\n#  sample_rate: 1\nlogs:\n"])
def test_a_section_with_nothing_in_it_sets_nothing(tmp_path, content):
    (tmp_path / "heliograph.yaml").write_text(content)
    assert load(folder=tmp_path).settings == TelemetrySettings()


def test_of_an_applications_own_file_the_part_below_telemetry_is_read(tmp_path):
    (tmp_path / "app.yaml").write_text("database: {url: x}\ntelemetry:\n  service_name: shop\nworkers: 4\n")
    loaded = load(file="app.yaml", folder=tmp_path)
    assert loaded.settings.service_name == "shop"
    assert [notice.split(",")[0] for notice in loaded.notices] == [
        "app.yaml:1: database is ignored",
        "app.yaml:4: workers is ignored",
    ]


def test_settings_beside_telemetry_are_a_fault(tmp_path):
    (tmp_path / "heliograph.yaml").write_text("telemetry:\n  service_name: shop\nlogs: {level: INFO}\n")
    with pytest.raises(SettingsError, match=r"heliograph\.yaml:1: telemetry: given .*, expected no setting of this name"):
        load(folder=tmp_path)


def test_a_named_file_is_an_ordinary_one(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"given 'folder\.yaml', expected an ordinary file"):
        load(file="folder.yaml", folder=tmp_path)


def test_a_name_that_no_file_can_have_is_a_fault():
    with pytest.raises(SettingsError, match=r"expected a file that can be read, but: .*embedded null"):
        load(file="settings\0.yaml")


def test_a_pyproject_that_is_named_must_have_our_table(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.other]\na = 1\n")
    with pytest.raises(SettingsError, match=r"file: given a pyproject.toml, expected a table \[tool.heliograph\] in it"):
        load(file="pyproject.toml", folder=tmp_path)


def test_numbers_are_text_where_text_is_meant_as_they_were_written(tmp_path):
    (tmp_path / "heliograph.yaml").write_text(
        "service_name: 0x10\nservice_version: 1.10\nenvironment: true\ntracing:\n  exporters:\n"
        "    - {type: otlp, name: 007, headers: {x-key: 1.0}}\n"
    )
    settings = load(folder=tmp_path).settings
    assert (settings.service_name, settings.service_version, settings.environment) == ("0x10", "1.10", "true")
    assert settings.tracing.exporters[0].name == "007"
    assert settings.tracing.exporters[0].headers["x-key"].get_secret_value() == "1.0"


def test_words_of_yaml_1_1_are_read_where_true_or_false_is_meant(tmp_path):
    (tmp_path / "heliograph.yaml").write_text("tracing: {enabled: off}\nlogs: {enabled: No}\nenvironment: on\n")
    settings = load(folder=tmp_path).settings
    assert (settings.tracing.enabled, settings.logs.enabled, settings.environment) == (False, False, "on")


def test_without_file_and_variables_nothing_is_imported_for_them(tmp_path):
    program = (
        "import sys, heliograph\nbefore = set(sys.modules)\n"
        "from heliograph.settings.loading.load import load\nload({'service_name': 'a'}, environ={'PATH': '/bin'})\n"
        "print(*sorted(name.rpartition('.')[2] for name in set(sys.modules) - before))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["finding", "layer", "load", "loading", "merge", "variables"]


def test_the_folder_is_where_the_process_is(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load(environ={"PASSWORD": ""}).file == Path("heliograph.yaml")
