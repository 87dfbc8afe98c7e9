"""What users may import from heliograph.testing."""

from __future__ import annotations

import importlib.metadata

import pytest

import heliograph.testing

PUBLIC = [
    "CapturedTelemetry",
    "ExporterConformance",
    "ExporterSubject",
    "HealthCheckConformance",
    "Measured",
    "RecordedEvents",
    "RecordedLog",
    "RecordedLogs",
    "RecordedSpan",
    "RecordedSpanEvent",
    "RecordedSpans",
    "Series",
    "SettableClock",
    "captured",
]


def test_the_public_names_are_these_and_each_is_there() -> None:
    assert heliograph.testing.__all__ == PUBLIC
    assert all(callable(getattr(heliograph.testing, name)) for name in PUBLIC)
    assert set(PUBLIC) <= set(dir(heliograph.testing))


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"module 'heliograph\.testing' has no attribute 'capture_all'"):
        heliograph.testing.capture_all  # noqa: B018  # it is the asking that is refused


def test_pytest_finds_the_plugin() -> None:
    (found,) = importlib.metadata.entry_points(group="pytest11", name="heliograph")
    assert found.value == "heliograph.testing.plugin"
