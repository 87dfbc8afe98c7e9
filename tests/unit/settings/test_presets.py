"""The three presets hold system B's figures, and what is given explicitly lies above them."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.exporters import ConsoleExporter, FileExporter, JaegerExporter, PrometheusExporter
from heliograph.settings.presets import with_preset

# preset, sample rate, attributes and events of a span, collection and retention, check interval, ttl and time-out (seconds)
_FIGURES = [
    ("development", 1.0, 128, 256, 5, 3600, 10, 30, 2),
    ("production", 0.01, 32, 64, 15, 86400, 30, 60, 5),
    ("high_load", 0.001, 16, 32, 30, 7 * 86400, 60, 120, 10),
]


@pytest.mark.parametrize(
    ("preset", "rate", "attributes", "events", "collect", "retain", "check", "ttl", "timeout"),
    _FIGURES,
    ids=[row[0] for row in _FIGURES],
)
def test_a_preset_has_the_figures_of_system_b(
    preset: Any, rate: float, attributes: int, events: int, collect: int, retain: int, check: int, ttl: int, timeout: int
) -> None:
    settings = TelemetrySettings(preset=preset)
    tracing, metrics, health = settings.tracing, settings.metrics, settings.health
    assert (tracing.sample_rate, tracing.max_attributes_per_span, tracing.max_events_per_span) == (rate, attributes, events)
    assert metrics.collection_interval == timedelta(seconds=collect)
    assert metrics.retention_period == timedelta(seconds=retain)
    assert health.check_interval == timedelta(seconds=check)
    assert health.cache_ttl == timedelta(seconds=ttl)
    assert health.default_timeout == timedelta(seconds=timeout)


def test_development_exports_to_the_console_and_to_files() -> None:
    settings = TelemetrySettings(preset="development")
    assert settings.tracing.exporters == (ConsoleExporter(), FileExporter(path="./logs/traces.json"))
    assert settings.metrics.exporters == (ConsoleExporter(), FileExporter(path="./logs/metrics.json"))


def test_production_exports_to_jaeger_and_prometheus() -> None:
    settings = TelemetrySettings(preset="production")
    assert settings.tracing.exporters == (JaegerExporter(),)
    assert settings.metrics.exporters == (PrometheusExporter(),)


def test_high_load_batches_compresses_and_sets_buckets() -> None:
    settings = TelemetrySettings(preset="high_load")
    batches = settings.tracing.batch_export
    assert batches.max_batch_size == 1000
    assert (batches.max_export_timeout, batches.export_interval) == (timedelta(seconds=10), timedelta(seconds=30))
    assert settings.tracing.exporters == (JaegerExporter(compression="gzip"),)
    assert settings.metrics.exporters == (PrometheusExporter(enable_compression=True),)
    assert settings.metrics.aggregation.histogram_buckets == (0.001, 0.01, 0.1, 1, 10, 100, 1000)
    assert settings.metrics.aggregation.summary_quantiles == (0.5, 0.9, 0.95, 0.99)
    assert settings.health.parallel_checks is True


def test_an_explicit_setting_wins_and_its_neighbours_stay() -> None:
    settings = TelemetrySettings(preset="high_load", tracing={"sample_rate": 0.5, "batch_export": {"max_batch_size": 7}})
    assert settings.tracing.sample_rate == 0.5
    assert settings.tracing.max_attributes_per_span == 16
    assert settings.tracing.batch_export.max_batch_size == 7
    assert settings.tracing.batch_export.export_interval == timedelta(seconds=30)


def test_an_explicit_list_replaces_the_whole_list() -> None:
    settings = TelemetrySettings(preset="development", tracing={"exporters": []}, metrics={"exporters": ["prometheus"]})
    assert settings.tracing.exporters == ()
    assert settings.metrics.exporters == (PrometheusExporter(),)


@pytest.mark.parametrize(
    "given_values", [{}, {"preset": None}, {"preset": "none such"}, {"preset": ["production"]}, {"preset": 1}]
)
def test_without_a_known_preset_the_values_stay_as_they_are(given_values: dict[str, Any]) -> None:
    assert with_preset(given_values) == given_values


@given(st.sampled_from(sorted(PRESETS)), st.floats(0, 1), st.integers(1, 1000), st.integers(1, 10**6))
def test_laying_over_a_preset_keeps_every_explicit_value(preset: Any, rate: float, limit: int, interval_s: int) -> None:
    settings = TelemetrySettings(
        preset=preset,
        tracing={"sample_rate": rate, "max_events_per_span": limit},
        health={"check_interval": interval_s},
    )
    assert settings.tracing.sample_rate == rate
    assert settings.tracing.max_events_per_span == limit
    assert settings.health.check_interval == timedelta(seconds=interval_s)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_using_a_preset_changes_neither_it_nor_what_was_given(preset: Any) -> None:
    before, given_values = copy.deepcopy(dict(PRESETS)), {"preset": preset, "tracing": {"batch_export": {"max_batch_size": 3}}}
    kept = copy.deepcopy(given_values)
    assert with_preset(given_values)["tracing"]["batch_export"]["max_batch_size"] == 3
    TelemetrySettings(**given_values)
    assert dict(PRESETS) == before
    assert given_values == kept
