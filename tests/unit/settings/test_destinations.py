"""Exporters of one signal have different names, however they are written."""

from typing import Any

import pytest

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.destinations import duplicate_destinations


@pytest.mark.parametrize(
    ("entries", "positions"),
    [
        (["otlp", "otlp"], [1]),
        (["otlp", {"OTLP": {}}, {"type": "Otlp"}], [1, 2]),
        (["otlp", {"type": "console", "name": "otlp"}], [1]),
        ([{"type": "otlp", "name": "eu"}, {"type": "otlp", "name": " eu "}], [1]),
        ([{"type": "otlp", "name": "eu"}, {"type": "otlp", "name": "us"}], []),
        ([{"type": "otlp", "name": "eu"}, "otlp"], []),
    ],
)
@pytest.mark.parametrize("section", ["tracing", "metrics", "logs"])
def test_two_exporters_of_a_signal_must_differ_in_name(section: str, entries: list[Any], positions: list[int]) -> None:
    faults = duplicate_destinations({section: {"exporters": entries}})
    assert [fault.path for fault in faults] == [f"{section}.exporters[{position}].name" for position in positions]


def test_exporters_of_different_signals_may_share_a_name() -> None:
    section = {"exporters": ["otlp"]}
    assert TelemetrySettings(tracing=section, metrics=section, logs=section).logs.exporters[0].destination == "otlp"


def test_duplicates_among_a_presets_exporters_and_those_given_as_models_are_found() -> None:
    settings = TelemetrySettings(tracing={"exporters": ["console"]})
    doubled = [*settings.tracing.exporters, *settings.tracing.exporters]
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(tracing={"exporters": doubled})
    assert [fault.path for fault in caught.value.faults] == ["tracing.exporters[1].name"]
