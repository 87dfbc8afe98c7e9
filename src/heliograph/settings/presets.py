"""The three presets, as the values they set. An explicit setting wins over its preset; a list replaces the whole list.

Figures: system B, item 2 of the specification of the five systems. A ``cache_ttl`` longer than the ``check_interval`` means
that a result is served as fresh until the next periodic run. Ratios keep errors and slow traces by tail sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "development": {
        "tracing": {
            "sample_rate": 1.0,
            "max_attributes_per_span": 128,
            "max_events_per_span": 256,
            "exporters": ["console", {"type": "file", "path": "./logs/traces.json"}],
        },
        "metrics": {
            "collection_interval": "5s",
            "retention_period": "1h",
            "exporters": ["console", {"type": "file", "path": "./logs/metrics.json"}],
        },
        "health": {"check_interval": "10s", "cache_ttl": "30s", "default_timeout": "2s"},
    },
    "production": {
        "tracing": {
            "sample_rate": 0.01,
            "max_attributes_per_span": 32,
            "max_events_per_span": 64,
            "exporters": ["jaeger"],
        },
        "metrics": {"collection_interval": "15s", "retention_period": "24h", "exporters": ["prometheus"]},
        "health": {"check_interval": "30s", "cache_ttl": "60s", "default_timeout": "5s"},
    },
    "high_load": {
        "tracing": {
            "sample_rate": 0.001,
            "max_attributes_per_span": 16,
            "max_events_per_span": 32,
            "batch_export": {"max_batch_size": 1000, "max_export_timeout": "10s", "export_interval": "30s"},
            "exporters": [{"type": "jaeger", "compression": "gzip"}],
        },
        "metrics": {
            "collection_interval": "30s",
            "retention_period": "7d",
            "aggregation": {
                "histogram_buckets": [0.001, 0.01, 0.1, 1, 10, 100, 1000],
                "summary_quantiles": [0.5, 0.9, 0.95, 0.99],
            },
            "exporters": [{"type": "prometheus", "enable_compression": True}],
        },
        "health": {
            "check_interval": "60s",
            "cache_ttl": "120s",
            "default_timeout": "10s",
            "parallel_checks": True,
        },
    },
}


def with_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``given`` over the preset that it names; an unknown or absent name leaves it as it is."""
    name = given.get("preset")
    preset = PRESETS.get(name) if isinstance(name, str) else None
    return _laid_over(preset, given) if preset is not None else dict(given)


def _laid_over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        below = merged.get(name)
        merged[name] = _laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
