"""What the settings say of who sends."""

from __future__ import annotations

from heliograph.recording.chosen import resource
from heliograph.settings import TelemetrySettings


def test_settings_of_their_own_win_over_attributes_of_the_same_name() -> None:
    given = {
        "service.name": "attribute",
        "service.version": "0",
        "deployment.environment.name": "attribute",
        "team": "payments",
    }
    settings = TelemetrySettings(service_name="shop", service_version="1.4", environment="test", resource=given)
    found = resource(settings).attributes
    assert [found[name] for name in given] == ["shop", "1.4", "test", "payments"]


def test_an_attribute_says_what_no_setting_says() -> None:
    found = resource(TelemetrySettings(resource={"service.name": "attribute", "service.version": "0"})).attributes
    assert (found["service.name"], found["service.version"]) == ("attribute", "0")
