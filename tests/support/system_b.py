"""The three configurations of system B, as its users have them: JSON, below a key ``telemetry``."""

from __future__ import annotations

from typing import Final

_DEVELOPMENT = """{"telemetry": {"enabled": true, "service_name": "timeline-studio-dev", "service_version": "dev-build",
  "tracing": {"enabled": true, "sample_rate": 1.0, "max_attributes_per_span": 128, "max_events_per_span": 256,
    "exporters": [{"Console": {}}, {"File": {"path": "./logs/traces.json"}}]},
  "metrics": {"enabled": true, "collection_interval": "5s", "retention_period": "1h",
    "exporters": [{"Console": {}}, {"File": {"path": "./logs/metrics.json"}}]},
  "health": {"enabled": true, "check_interval": "10s", "cache_ttl": "30s", "default_timeout": "2s"}}}"""
_PRODUCTION = """{"telemetry": {"enabled": true, "service_name": "timeline-studio", "service_version": "1.0.0",
  "tracing": {"enabled": true, "sample_rate": 0.01, "max_attributes_per_span": 32, "max_events_per_span": 64,
    "exporters": [{"Jaeger": {"endpoint": "http://jaeger-collector:14268/api/traces"}}]},
  "metrics": {"enabled": true, "collection_interval": "15s", "retention_period": "24h",
    "exporters": [{"Prometheus": {"port": 9090, "path": "/metrics"}}]},
  "health": {"enabled": true, "check_interval": "30s", "cache_ttl": "60s", "default_timeout": "5s"}}}"""
_HIGH_LOAD = """{"telemetry": {"enabled": true, "service_name": "timeline-studio-cluster", "service_version": "1.0.0",
  "tracing": {"enabled": true, "sample_rate": 0.001, "max_attributes_per_span": 16, "max_events_per_span": 32,
    "batch_export": {"max_batch_size": 1000, "max_export_timeout": "10s", "export_interval": "30s"},
    "exporters": [{"Jaeger": {"endpoint": "http://jaeger-cluster:14268/api/traces", "compression": "gzip"}}]},
  "metrics": {"enabled": true, "collection_interval": "30s", "retention_period": "7d",
    "aggregation": {"histogram_buckets": [0.001, 0.01, 0.1, 1, 10, 100, 1000], "summary_quantiles": [0.5, 0.9, 0.95, 0.99]},
    "exporters": [{"Prometheus": {"port": 9090, "path": "/metrics", "enable_compression": true}}]},
  "health": {"enabled": true, "check_interval": "60s", "cache_ttl": "120s", "default_timeout": "10s",
    "parallel_checks": true}}}"""
DOCUMENTS: Final = {"development": _DEVELOPMENT, "production": _PRODUCTION, "high_load": _HIGH_LOAD}
"""By the name of the preset that means the same."""
