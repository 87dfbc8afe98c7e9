"""``TelemetryManager.start`` takes its settings from everywhere, unless it is given some."""

import logging

import pytest

from heliograph import AlreadyStartedError, SettingsError, TelemetryManager, TelemetrySettings

QUIET = {"server": {"enabled": False}, "system": {"enabled": False}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_arguments_environment_and_file_come_together(folder):
    (folder / "heliograph.yaml").write_text("service_name: shop\nenvironment: staging\ntracing: {exporters: [memory]}\n")
    telemetry = TelemetryManager.start(environ={"HELIOGRAPH_ENVIRONMENT": "test"}, enabled=True, **QUIET)
    assert (telemetry.settings.service_name, telemetry.settings.environment) == ("shop", "test")
    assert str(telemetry.loaded.source(("service_name",))) == "file heliograph.yaml:1"
    assert str(telemetry.loaded.source(("environment",))) == "environment HELIOGRAPH_ENVIRONMENT"
    assert str(telemetry.loaded.source(("server", "enabled"))) == "argument"
    with telemetry.span("work"):
        pass
    assert telemetry.force_flush()
    assert len(telemetry.exporter("traces", "memory").items()) == 1


def test_a_file_can_be_named(folder):
    (folder / "heliograph.yaml").write_text("service_name: found\n")
    (folder / "shop.toml").write_text('service_name = "named"\n')
    assert TelemetryManager.start(file="shop.toml", environ={}, **QUIET).settings.service_name == "named"


def test_the_service_name_of_the_call_wins(folder):
    environ = {"HELIOGRAPH_SERVICE_NAME": "environment", "OTEL_SERVICE_NAME": "opentelemetry"}
    assert TelemetryManager.start("call", environ=environ, **QUIET).settings.service_name == "call"


def test_settings_are_taken_as_they_are(folder):
    (folder / "heliograph.yaml").write_text("no settings")
    environ = {"HELIOGRAPH_SERVICE_NAME": "other", "HELIOGRAPH_LOGS": "broken", "OTEL_SERVICE_NAME": "other"}
    settings = TelemetrySettings(service_name="shop", **QUIET)
    telemetry = TelemetryManager.start(settings=settings, environ=environ)
    assert telemetry.settings is settings
    assert telemetry.loaded is None


@pytest.mark.parametrize("beside", [{"file": "shop.yaml"}, {"environment": "test"}, {"service_name": "a"}])
def test_settings_are_given_alone(beside):
    with pytest.raises(TypeError, match=f"was given settings and also {next(iter(beside))}, expected one or the other"):
        TelemetryManager.start(settings=TelemetrySettings(), **beside)


def test_what_is_ignored_is_logged_once(caplog):
    environ = {"HELIOGRAPH_SERVISE_NAME": "shop %s"}
    with caplog.at_level(logging.WARNING, logger="heliograph"):
        first = TelemetryManager.start(environ=environ, enabled=True, **QUIET)
        assert TelemetryManager.start(environ=environ, enabled=True, **QUIET) is first
    said = [record.getMessage() for record in caplog.records if "HELIOGRAPH_SERVISE_NAME" in record.getMessage()]
    assert said == list(first.loaded.notices)
    assert said[0].endswith("did you mean HELIOGRAPH_SERVICE_NAME?")
    assert {record.name for record in caplog.records if record.getMessage() in said} == {"heliograph"}


def test_nothing_is_said_where_telemetry_is_off(caplog):
    environ = {"HELIOGRAPH_SERVISE_NAME": "shop", "OTEL_SDK_DISABLED": "true"}
    with caplog.at_level(logging.WARNING, logger="heliograph"):
        assert not TelemetryManager.start(environ=environ, **QUIET).is_enabled
    assert caplog.records == []


def test_faults_anywhere_are_raised_and_nothing_runs(folder):
    (folder / "heliograph.yaml").write_text("tracing: {sample_rate: 2}\n")
    with pytest.raises(SettingsError, match=r"heliograph\.yaml:1: tracing\.sample_rate: given 2, expected at most 1"):
        TelemetryManager.start(environ={})
    assert TelemetryManager._running is None


def test_another_file_means_other_settings(folder):
    TelemetryManager.start(environ={}, **QUIET)
    (folder / "heliograph.yaml").write_text("service_name: shop\n")
    with pytest.raises(AlreadyStartedError, match="service_name: 'unknown_service:python' is running, 'shop' was asked for"):
        TelemetryManager.start(environ={}, **QUIET)
