"""``heliograph config``."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from heliograph.cli.app import app
from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.schema import json_schema


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, **environ):
    return CliRunner(env=environ).invoke(app, ["config", *arguments])


def test_show_prints_each_value_with_its_source(folder):
    (folder / "heliograph.toml").write_text('service_name = "shop"\n')
    ended = run("show", HELIOGRAPH_LOGS__LEVEL="DEBUG", OTEL_SERVICE_VERSIO="1")
    assert ended.exit_code == 0
    lines = {line.split()[0]: line.split(maxsplit=2)[1:] for line in ended.output.splitlines() if line}
    assert lines["service_name"] == ['"shop"', "file heliograph.toml:1"]
    assert lines["logs.level"] == ['"DEBUG"', "environment HELIOGRAPH_LOGS__LEVEL"]
    assert lines["server.port"] == ["9464", "default"]


def test_show_reads_the_file_that_is_named_and_prints_json(folder):
    (folder / "heliograph.toml").write_text('service_name = "other"\n')
    (folder / "shop.yaml").write_text("service_name: shop\npreset: production\n")
    found = json.loads(run("show", "--file", "shop.yaml", "--json", HELIOGRAPH_SHOP="1").output)
    assert found["file"] == "shop.yaml"
    assert found["settings"]["service_name"] == {"value": "shop", "source": {"kind": "file", "detail": "shop.yaml:1"}}
    assert found["settings"]["tracing.sample_rate"]["source"] == {"kind": "preset", "detail": "production"}
    assert found["notices"][0].startswith("HELIOGRAPH_SHOP is ignored")


def test_show_ends_with_every_fault(folder):
    ended = run("show", HELIOGRAPH_SERVER__PORT="x", HELIOGRAPH_LOGS__LEVEL="y")
    assert ended.exit_code == 1
    assert "HELIOGRAPH_SERVER__PORT: server.port: given 'x', expected a whole number" in ended.output
    assert "HELIOGRAPH_LOGS__LEVEL: logs.level: given 'y'" in ended.output


def test_validate_says_every_fault_with_its_line(folder):
    (folder / "shop.yaml").write_text("servre: {}\nserver:\n  port: x\nlogs:\n  levl: INFO\n")
    ended = run("validate", "shop.yaml")
    assert ended.exit_code == 1
    assert ended.output.splitlines() == [
        "shop.yaml:1: servre: given {}, expected no setting of this name; did you mean 'server'?",
        "shop.yaml:3: server.port: given 'x', expected a whole number",
        "shop.yaml:5: logs.levl: given 'INFO', expected no setting of this name; did you mean 'level'?",
    ]


def test_validate_is_content_with_a_file_that_is_right(folder):
    (folder / "shop.json").write_text('{"telemetry": {"service_name": "${NAME}"}, "database": {}}')
    ended = run("validate", "shop.json", NAME="shop", HELIOGRAPH_SERVER__PORT="x")
    assert ended.exit_code == 0
    assert ended.output.splitlines() == [
        "shop.json:1: database is ignored, since it is beside 'telemetry'; move it below, if it is ours",
        "shop.json: no faults",
    ]


def test_validate_says_that_a_file_is_not_there(folder):
    ended = run("validate", "none.yaml")
    assert (ended.exit_code, ended.output.split(",")[0]) == (1, "file: given 'none.yaml'")


def test_schema_is_the_schema(folder):
    assert json.loads(run("schema").output) == json_schema()


@pytest.mark.parametrize("name", PRESETS)
def test_preset_prints_what_it_sets_as_a_file(folder, name):
    printed = run("preset", name).output
    assert yaml.safe_load(printed) == PRESETS[name]
    assert json.loads(run("preset", name, "--json").output) == PRESETS[name]
    (folder / "heliograph.yaml").write_text(printed)
    assert TelemetrySettings.load(environ={}).tracing == TelemetrySettings(preset=name).tracing


def test_a_preset_that_there_is_not_is_answered_with_those_that_there_are():
    ended = run("preset", "prod")
    assert ended.exit_code == 2
    assert "'prod', expected one of development, production, high_load" in ended.output
