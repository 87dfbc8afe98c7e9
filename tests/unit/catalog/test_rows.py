"""heliograph's own rows: the names that were promised, and that each live metric is as its row says."""

from __future__ import annotations

import re
import urllib.request

import pytest

from heliograph.catalog.catalogue import BUILTIN
from heliograph.catalog.metric import LegacyName
from heliograph.catalog.rows.http import SECONDS
from heliograph.demo.instruments import DemoInstruments
from heliograph.recording.readers import SECONDS_BOUNDS
from tests.support.recorded import delivered

# What the older names promised, by the parts of the specification that did.
HEALTH = [
    "system_health_status",
    *(f"{name}_health_status" for name in ("database", "disk_space", "memory", "external_api", "ffmpeg")),
]
SYSTEM = [
    "system_cpu_usage_percent",
    "system_memory_usage_bytes",
    "system_memory_available_bytes",
    "system_disk_usage_bytes",
    "system_disk_available_bytes",
    "system_network_bytes_sent",
    "system_network_bytes_received",
]
APPLICATION = [
    "video_processing_duration_ms",
    "frame_processing_duration_ms",
    "frames_processed_total",
    "videos_processed_total",
    "encoding_speed_fps",
    "api_requests_total",
    "api_request_duration_ms",
    "api_errors_total",
    "cache_hits_total",
    "cache_misses_total",
    "cache_evictions_total",
    "cache_size_bytes",
    "worker_pool_utilization",
    "tasks_executed_total",
    "tasks_failed_total",
    "queue_size",
]
# What alerts are written with.
ALERTS = [
    "api_errors_total",
    "cache_errors_total",
    "gen_ai_client_operation_duration_seconds",
    "gen_ai_client_token_usage",
    "health_check_status",
    "heliograph_items_dropped_total",
    "heliograph_items_spooled",
    "http_server_active_requests",
    "http_server_request_duration_seconds",
    "llm_cost_usd_total",
    "llm_errors_total",
    "llm_fallbacks_total",
    "llm_rate_limited_total",
    "llm_requests_total",
    "llm_unpriced_total",
    "otel_sdk_exporter_span_exported_total",
    "otel_sdk_processor_span_queue_capacity",
    "otel_sdk_processor_span_queue_size",
    "queue_dead_letters_total",
    "queue_oldest_message_age_seconds",
]


@pytest.mark.parametrize("name", [*HEALTH, *SYSTEM, *APPLICATION])
def test_an_older_name_is_reachable(name):
    assert name in {row.pull_name for row in BUILTIN} | {legacy.name for row in BUILTIN for legacy in row.legacy}


@pytest.mark.parametrize("name", ALERTS)
def test_a_name_that_alerts_need_is_there(name):
    assert name in {row.pull_name for row in BUILTIN}


@pytest.mark.parametrize("name", ["video_processing_duration_ms", "frame_processing_duration_ms", "api_request_duration_ms"])
def test_older_names_in_milliseconds_are_a_thousand_times_the_seconds(name):
    row, legacy = next((row, legacy) for row in BUILTIN for legacy in row.legacy if legacy.name == name)
    assert (row.unit, legacy.factor) == ("s", 1000)


def test_the_older_name_of_a_check_shows_that_check_alone():
    legacy = {each.name: each for each in BUILTIN.get("health.check.status").legacy}
    assert legacy["ffmpeg_health_status"] == LegacyName(name="ffmpeg_health_status", where={"health.check.name": ("ffmpeg",)})


def test_money_has_one_name_on_both_ways():
    row = BUILTIN.get("llm.cost.usd")
    assert row.pull_name == row.otlp_name == "llm_cost_usd_total"


def test_buckets_are_those_of_the_conventions():
    assert BUILTIN.get("http.server.request.duration").buckets == SECONDS == SECONDS_BOUNDS
    assert BUILTIN.get("gen_ai.client.token.usage").buckets[-1] == 67108864
    assert BUILTIN.get("gen_ai.client.operation.duration").buckets[-1] == 81.92


def test_every_row_says_what_it_is():
    for row in BUILTIN:
        assert row.description.endswith("."), row.name
        assert row.attributes is not None, row.name


def test_every_live_metric_is_as_its_row_says(start):
    telemetry = start(system={"enabled": True})
    use_everything(telemetry, DemoInstruments.create(telemetry))
    live = {}
    for _ in range(2):  # shares are measured between two collections
        assert telemetry.force_flush()
    for collection in delivered(telemetry, "metrics"):
        for resource in collection.resource_metrics:
            for scope in resource.scope_metrics:
                live |= {metric.name: metric for metric in scope.metrics}
    assert {"system.cpu.time", "process.cpu.time", "health.status", "frames.processed", "heliograph.items.accepted"} <= set(
        live
    )
    for name, metric in live.items():
        row = BUILTIN.get(name)
        assert row is not None, name
        assert (metric.unit, metric.description, _kind(metric)) == (row.unit, row.description, row.kind), name
        for point in metric.data.data_points:
            assert set(point.attributes) <= row.declared, name
    assert "undeclared attributes" not in telemetry._mishaps.counts()


def test_what_the_demo_measures_is_called_on_metrics_as_its_row_says(start):
    telemetry = start()
    use_everything(telemetry, DemoInstruments.create(telemetry))
    with urllib.request.urlopen(f"{telemetry.endpoint_url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    for name in ("api.requests", "cache.size", "encoding.speed", "video.processing.duration", "worker.pool.utilization"):
        assert re.search(rf"^# TYPE {BUILTIN.get(name).pull_name} ", text, re.MULTILINE), name


def use_everything(telemetry, instruments):
    labels = {"http.request.method": "GET", "http.route": "/videos", "http.response.status_code": "200"}
    for name in DemoInstruments.__dataclass_fields__:
        instrument = getattr(instruments, name)
        some = labels if name in ("request_duration", "requests", "request_errors") else {}
        getattr(instrument, instrument.call)(1, some)
    with telemetry.span("work"):
        telemetry.event("event")


def _kind(metric):
    kind = type(metric.data).__name__
    if kind == "Sum":
        return "counter" if metric.data.is_monotonic else "up_down_counter"
    return {"Gauge": "gauge", "Histogram": "histogram"}[kind]
