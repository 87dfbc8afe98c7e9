"""What the detectors that the settings name find out about where the service runs is in the resource."""

from __future__ import annotations

import platform

import pytest

from heliograph import TelemetrySettings
from heliograph.recording.chosen import resource
from tests.support.installed import installed_package

DETECTORS = """
    from opentelemetry.sdk.resources import Resource, ResourceDetector

    class Cloud(ResourceDetector):
        def detect(self):
            return Resource({"cloud.region": "eu-1", "service.name": "detected", "team": "detected"})

    class Failing(ResourceDetector):
        def detect(self):
            raise OSError("no metadata service")

    class Unbuildable(ResourceDetector):
        def __init__(self):
            raise OSError("no network")

        def detect(self):
            return Resource({})
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    names = {"cloud": "Cloud", "failing": "Failing", "unbuildable": "Unbuildable"}
    points = {"opentelemetry_resource_detector": {name: f"cloud_detectors:{kind}" for name, kind in names.items()}}
    installed_package(tmp_path, "cloud_detectors", DETECTORS, points)
    monkeypatch.syspath_prepend(tmp_path)


def attributes(**settings):
    return dict(resource(TelemetrySettings(**settings)).attributes)


def test_what_a_detector_finds_is_in_the_resource():
    assert attributes(resource_detectors=["cloud"])["cloud.region"] == "eu-1"
    assert attributes(resource_detectors=["os", "cloud"]).keys() >= {"os.type", "cloud.region"}
    assert attributes(resource_detectors=["host"])["host.arch"] == platform.machine()


def test_without_the_setting_nothing_is_detected():
    assert not {"cloud.region", "os.type", "host.arch"} & set(attributes())


def test_what_the_settings_say_wins_over_what_was_detected():
    found = attributes(resource_detectors=["cloud"], service_name="shop", resource={"team": "payments"})
    assert (found["service.name"], found["team"], found["cloud.region"]) == ("shop", "payments", "eu-1")


def test_what_was_detected_is_better_than_a_name_that_nobody_gave():
    assert attributes(resource_detectors=["cloud"])["service.name"] == "detected"


def test_the_variables_of_opentelemetry_win_over_what_was_detected(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "cloud.region=eu-2")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    found = attributes(resource_detectors=["cloud"])
    assert (found["cloud.region"], found["service.name"], found["team"]) == ("eu-2", "named", "detected")


def test_a_star_is_every_detector_that_is_installed(caplog):
    assert attributes(resource_detectors=["*"]).keys() >= {"cloud.region", "os.type", "process.pid"}
    assert "no metadata service" in caplog.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("claud", "names 'claud', which is not installed: it is left out; there are cloud, failing, host, os"),
        ("failing", "no metadata service"),
        ("unbuildable", "no network"),
    ],
)
def test_a_detector_that_is_not_there_or_fails_costs_its_own_attributes_only(caplog, name, said):
    found = attributes(resource_detectors=[name, "cloud"])
    assert found["cloud.region"] == "eu-1"
    assert said in caplog.text


def test_every_process_is_an_instance_of_its_own_in_any_case():
    first, second = (attributes(resource_detectors=["*", "otel"])["service.instance.id"] for _ in range(2))
    assert first != second
