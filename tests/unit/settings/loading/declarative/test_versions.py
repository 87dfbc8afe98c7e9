"""Declarative files of other versions: older ones, and what is new in newer ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heliograph.settings.exporters import (
    ConsoleExporter,
    FileExporter,
    OtlpExporter,
    PrometheusExporter,
    TlsFiles,
)
from heliograph.settings.loading.load import Loaded, load


def _loaded(folder: Path, text: str, name: str = "otel.yaml", **environ: str) -> Loaded:
    path = folder / name
    path.write_text(text)
    return load(environ={"OTEL_CONFIG_FILE": str(path), **environ})


def test_a_file_of_version_0_4_is_read(tmp_path: Path):
    text = """\
file_format: "0.4"
resource:
  attributes: [{name: service.name, value: old}]
propagator:
  composite: [tracecontext, baggage]
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: https://collector/v1/traces
            certificate_file: /ca.pem
            client_key_file: /key.pem
            client_certificate_file: /cert.pem
    - simple:
        exporter:
          zipkin:
            endpoint: http://zipkin:9411/api/v2/spans
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus:
            without_scope_info: true
            without_units: false
logger_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: collector:4317
            insecure: true
"""
    loaded = _loaded(tmp_path, text)
    settings: Any = loaded.settings
    tls = TlsFiles(ca_file="/ca.pem", key_file="/key.pem", cert_file="/cert.pem")
    assert settings.tracing.exporters == (OtlpExporter(endpoint="https://collector/v1/traces", tls=tls),)
    assert settings.logs.exporters == (OtlpExporter(protocol="grpc", endpoint="http://collector:4317"),)
    assert settings.metrics.exporters == (PrometheusExporter(scope_labels=False),)
    assert (settings.service_name, settings.propagators) == ("old", ("tracecontext", "baggage"))
    assert any(
        "exporter.zipkin is ignored: there is no such exporter of tracing here; there are otlp_http" in n
        for n in loaded.notices
    )


def test_a_newer_version_is_read_as_far_as_it_is_known(tmp_path: Path):
    text = """\
file_format: "1.7"
tracer_provider:
  processors: [{batch: {exporter: {console: }, new_in_1_7: 5}}]
new_section: {}
"""
    loaded = _loaded(tmp_path, text)
    assert loaded.settings.tracing.exporters == (ConsoleExporter(),)
    said = [notice.rpartition("otel.yaml:")[2] for notice in loaded.notices]
    assert said == [
        "1: file_format is newer than 1.2: what is new in it is ignored",
        "3: tracer_provider.processors[0].batch.new_in_1_7 is ignored: it is not known here",
        "4: new_section is ignored: it is not known here",
    ]


def test_a_file_of_version_1_2_does_without_development(tmp_path: Path):
    text = """\
file_format: "1.2"
stability: development
resource:
  attributes_list: ${OTEL_RESOURCE_ATTRIBUTES}
  detection: {detectors: [{service: }]}
propagator:
  composite_list: ${OTEL_PROPAGATORS:-tracecontext,baggage}
attribute_limits:
  attribute_value_length_limit: ${OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: ${OTEL_EXPORTER_OTLP_ENDPOINT:-http://localhost:4318}/v1/traces
            tls: {ca_file: , key_file: , cert_file: }
            headers_list: ${OTEL_EXPORTER_OTLP_TRACES_HEADERS}
  sampler: {probability: {ratio: 0.5}}
meter_provider:
  view_matching_mode: independent
  readers:
    - pull: {exporter: {prometheus: {target_info_enabled: true, resource_constant_labels: {included: ["*"]}}}}
logger_provider:
  processors: [{batch: {exporter: {otlp_file: {output_stream: "file:///tmp/x"}}}}]
instrumentation: {general: {}}
"""
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "team=a%2Cb", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}
    loaded = _loaded(tmp_path, text, **environ)
    settings: Any = loaded.settings
    assert settings.tracing.exporters == (OtlpExporter(endpoint="http://c:4318"),)
    assert (settings.tracing.sample_rate, settings.tracing.max_attribute_length) == (0.5, None)
    assert (settings.resource, settings.propagators) == ({"team": "a,b"}, ("tracecontext", "baggage"))
    assert settings.resource_detectors == ("service_instance",)
    assert settings.logs.exporters == (FileExporter(path="/tmp/x"),)
    said = [notice.rpartition("otel.yaml:")[2].partition(" is ")[0] for notice in loaded.notices]
    assert said == [
        "18: tracer_provider.sampler.probability.ratio",
        "22: meter_provider.readers[0].pull.exporter.prometheus.resource_constant_labels",
        "25: instrumentation",
    ]
