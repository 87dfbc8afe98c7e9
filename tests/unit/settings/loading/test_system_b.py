"""The three configurations of system B load as they are and mean what they say."""

import json
from datetime import timedelta

import pytest

from heliograph.settings.exporters import ConsoleExporter, FileExporter, JaegerExporter, PrometheusExporter
from heliograph.settings.loading.load import load

DEVELOPMENT = {
    "telemetry": {
        "enabled": True,
        "service_name": "timeline-studio-dev",
        "service_version": "dev-build",
        "tracing": {
            "enabled": True,
            "sample_rate": 1.0,
            "max_attributes_per_span": 128,
            "max_events_per_span": 256,
            "exporters": [{"Console": {}}, {"File": {"path": "./logs/traces.json"}}],
        },
        "metrics": {
            "enabled": True,
            "collection_interval": "5s",
            "retention_period": "1h",
            "exporters": [{"Console": {}}, {"File": {"path": "./logs/metrics.json"}}],
        },
        "health": {"enabled": True, "check_interval": "10s", "cache_ttl": "30s", "default_timeout": "2s"},
    }
}
PRODUCTION = {
    "telemetry": {
        "enabled": True,
        "service_name": "timeline-studio",
        "service_version": "1.0.0",
        "tracing": {
            "enabled": True,
            "sample_rate": 0.01,
            "max_attributes_per_span": 32,
            "max_events_per_span": 64,
            "exporters": [{"Jaeger": {"endpoint": "http://jaeger-collector:14268/api/traces"}}],
        },
        "metrics": {
            "enabled": True,
            "collection_interval": "15s",
            "retention_period": "24h",
            "exporters": [{"Prometheus": {"port": 9090, "path": "/metrics"}}],
        },
        "health": {"enabled": True, "check_interval": "30s", "cache_ttl": "60s", "default_timeout": "5s"},
    }
}
HIGH_LOAD = {
    "telemetry": {
        "enabled": True,
        "service_name": "timeline-studio-cluster",
        "service_version": "1.0.0",
        "tracing": {
            "enabled": True,
            "sample_rate": 0.001,
            "max_attributes_per_span": 16,
            "max_events_per_span": 32,
            "batch_export": {"max_batch_size": 1000, "max_export_timeout": "10s", "export_interval": "30s"},
            "exporters": [{"Jaeger": {"endpoint": "http://jaeger-cluster:14268/api/traces", "compression": "gzip"}}],
        },
        "metrics": {
            "enabled": True,
            "collection_interval": "30s",
            "retention_period": "7d",
            "aggregation": {
                "histogram_buckets": [0.001, 0.01, 0.1, 1, 10, 100, 1000],
                "summary_quantiles": [0.5, 0.9, 0.95, 0.99],
            },
            "exporters": [{"Prometheus": {"port": 9090, "path": "/metrics", "enable_compression": True}}],
        },
        "health": {
            "enabled": True,
            "check_interval": "60s",
            "cache_ttl": "120s",
            "default_timeout": "10s",
            "parallel_checks": True,
        },
    }
}


@pytest.fixture(params=[2, None, "\t"], ids=["spaces", "one line", "tabs"])
def settings(request, tmp_path):
    def loaded(configuration):
        (tmp_path / "telemetry.json").write_text(json.dumps(configuration, indent=request.param))
        found = load(file="telemetry.json", folder=tmp_path)
        assert found.notices == ()
        assert found.source(("service_name",)).kind == "file"
        return found.settings

    return loaded


def test_development(settings):
    found = settings(DEVELOPMENT)
    assert (found.enabled, found.service_name, found.service_version) == (True, "timeline-studio-dev", "dev-build")
    tracing, metrics, health = found.tracing, found.metrics, found.health
    assert (tracing.enabled, tracing.sample_rate) == (True, 1.0)
    assert (tracing.max_attributes_per_span, tracing.max_events_per_span) == (128, 256)
    assert tracing.exporters == (ConsoleExporter(), FileExporter(path="./logs/traces.json"))
    assert (metrics.collection_interval, metrics.retention_period) == (timedelta(seconds=5), timedelta(hours=1))
    assert metrics.exporters == (ConsoleExporter(), FileExporter(path="./logs/metrics.json"))
    assert (health.check_interval, health.cache_ttl, health.default_timeout) == tuple(map(_seconds, (10, 30, 2)))


def test_production(settings):
    found = settings(PRODUCTION)
    assert (found.service_name, found.service_version) == ("timeline-studio", "1.0.0")
    tracing, metrics, health = found.tracing, found.metrics, found.health
    assert (tracing.sample_rate, tracing.max_attributes_per_span, tracing.max_events_per_span) == (0.01, 32, 64)
    assert tracing.exporters == (JaegerExporter(endpoint="http://jaeger-collector:14268/api/traces"),)
    assert (metrics.collection_interval, metrics.retention_period) == (timedelta(seconds=15), timedelta(days=1))
    assert metrics.exporters == (PrometheusExporter(port=9090, path="/metrics"),)
    assert (found.effective_server.port, found.effective_server.metrics_path) == (9090, "/metrics")
    assert (health.check_interval, health.cache_ttl, health.default_timeout) == tuple(map(_seconds, (30, 60, 5)))


def test_high_load(settings):
    found = settings(HIGH_LOAD)
    assert found.service_name == "timeline-studio-cluster"
    tracing, metrics, health = found.tracing, found.metrics, found.health
    assert (tracing.sample_rate, tracing.max_attributes_per_span, tracing.max_events_per_span) == (0.001, 16, 32)
    batches = tracing.batch_export
    assert (batches.max_batch_size, batches.max_export_timeout, batches.export_interval) == (1000, _seconds(10), _seconds(30))
    assert tracing.exporters == (JaegerExporter(endpoint="http://jaeger-cluster:14268/api/traces", compression="gzip"),)
    assert (metrics.collection_interval, metrics.retention_period) == (timedelta(seconds=30), timedelta(days=7))
    assert metrics.aggregation.histogram_buckets == (0.001, 0.01, 0.1, 1, 10, 100, 1000)
    assert metrics.aggregation.summary_quantiles == (0.5, 0.9, 0.95, 0.99)
    assert metrics.exporters == (PrometheusExporter(port=9090, path="/metrics", enable_compression=True),)
    assert (health.check_interval, health.cache_ttl, health.default_timeout) == tuple(map(_seconds, (60, 120, 10)))
    assert health.parallel_checks


def _seconds(number):
    return timedelta(seconds=number)
