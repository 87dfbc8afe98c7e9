"""Whatever stands in a file after OpenTelemetry's schema, it loads or it is told what is wrong with it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.declarative.layer import declarative_layer

_NAMES = [
    *("resource", "attributes", "attributes_list", "name", "value", "type", "propagator", "composite", "composite_list"),
    *("tracer_provider", "meter_provider", "logger_provider", "processors", "readers", "batch", "simple", "periodic", "pull"),
    *(
        "exporter",
        "otlp_http",
        "otlp_grpc",
        "otlp_file/development",
        "console",
        "prometheus/development",
        "endpoint",
        "headers",
    ),
    *("tls", "insecure", "ca_file", "timeout", "output_stream", "sampler", "parent_based", "root", "trace_id_ratio_based"),
    *("ratio", "always_on", "limits", "views", "selector", "stream", "aggregation", "explicit_bucket_histogram", "boundaries"),
    *("instrument_name", "instrument_type", "attribute_keys", "included", "excluded", "attribute_limits", "distribution"),
    *(
        "heliograph",
        "tracing",
        "detection/development",
        "detectors",
        "cardinality_limits",
        "default",
        "host",
        "port",
        "disabled",
    ),
    *("attribute_count_limit", "composite/development", "probability", "jaeger_remote", "initial_sampler", "log_level"),
    *("rule_based", "rules", "attribute_values", "key", "values", "attribute_patterns", "span_kinds", "parent", "sampler"),
]
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(
        ["a", "", "http://[", "file://[x", "int", "a*", "info", "\ud800", "service.name", "string_array", "c:4317"]
    )
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def _at(path: list[str | int], value: Any) -> Any:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


_PATHS: list[list[str | int]] = [
    [],
    ["resource"],
    ["resource", "attributes", 0],
    ["propagator"],
    ["tracer_provider"],
    ["tracer_provider", "processors", 0],
    ["tracer_provider", "processors", 0, "batch", "exporter"],
    ["tracer_provider", "processors", 0, "batch", "exporter", "otlp_http"],
    ["tracer_provider", "processors", 0, "batch", "exporter", "otlp_grpc"],
    ["logger_provider", "processors", 0, "batch", "exporter", "otlp_file/development"],
    ["tracer_provider", "sampler"],
    ["tracer_provider", "sampler", "parent_based"],
    ["tracer_provider", "sampler", "composite/development", "rule_based"],
    ["tracer_provider", "sampler", "composite/development", "rule_based", "rules", 0],
    ["meter_provider", "readers", 0, "pull", "exporter", "prometheus/development"],
    ["meter_provider", "readers", 0, "periodic"],
    ["meter_provider", "views", 0],
    ["meter_provider", "views", 0, "stream"],
    ["distribution", "heliograph"],
]


@given(path=st.sampled_from(_PATHS), value=_VALUES)
def test_every_document_is_read_to_its_end(path: list[str | int], value: Any):
    document = _at(path, value)
    layer = declarative_layer({"file_format": "1.0", **(document if isinstance(document, dict) else {})}, {(): "otel.yaml"})
    assert layer.kind == "file"
    assert all(fault.where == "otel.yaml" for fault in layer.faults)
