"""Whole files after OpenTelemetry's configuration schema, loaded end to end."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heliograph import TelemetryManager, TelemetrySettings
from heliograph.settings.exporters import (
    ConsoleExporter,
    FileExporter,
    OtlpExporter,
    OtlpMetricExporter,
    PrometheusExporter,
    TlsFiles,
)
from heliograph.settings.loading.load import Loaded, load
from heliograph.settings.metrics import MetricView
from tests.support.otlp_receiver import http_receiver

EVERYTHING = """\
file_format: "1.0"
disabled: false
log_level: warn2
resource:
  attributes:
    - name: service.name
      value: ${SERVICE:-checkout}
    - name: service.version
      value: "1.10"
    - {name: deployment.environment.name, value: staging}
    - name: team
      value: payments
    - {name: replicas, value: "3", type: int}
    - {name: share, value: 0.5, type: double}
    - {name: canary, value: true, type: bool}
    - name: unset
      value: ${NOWHERE}
    - {name: nothing, value: }
    - name: zones
      value: [a, b]
      type: string_array
  attributes_list: "team=other,cost.center=a%2Cb"
  detection/development:
    attributes: {excluded: [process.command_args]}
    detectors:
      - service:
      - host:
      - process:
  schema_url: https://opentelemetry.io/schemas/1.16.0
attribute_limits:
  attribute_value_length_limit: 4096
  attribute_count_limit: 64
propagator:
  composite:
    - tracecontext:
    - baggage:
  composite_list: "baggage,b3"
tracer_provider:
  processors:
    - batch:
        schedule_delay: 1000
        export_timeout: 30000
        max_queue_size: 1024
        max_export_batch_size: 256
        exporter:
          otlp_http:
            endpoint: https://collector.example:4318/v1/traces
            tls:
              ca_file: /ca.pem
              key_file: /key.pem
              cert_file: /cert.pem
            headers:
              - name: api-key
                value: "1234"
              - name: unset
                value: ${NOWHERE}
            headers_list: "api-key=other,x=a%20b"
            compression: gzip
            timeout: 5000
            encoding: protobuf
    - batch:
        schedule_delay: 2000
        max_queue_size: 4096
        exporter:
          otlp_grpc:
            endpoint: collector:4317
            tls:
              insecure: true
    - simple:
        exporter:
          console:
  limits:
    attribute_count_limit: 32
    event_count_limit: 16
    link_count_limit: 15
    event_attribute_count_limit: 14
    link_attribute_count_limit: 13
  sampler:
    parent_based:
      root:
        trace_id_ratio_based:
          ratio: 0.25
      remote_parent_sampled:
        always_on:
      local_parent_not_sampled:
        always_on:
  id_generator:
    random:
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus/development:
            host: localhost
            port: 9999
            scope_info_enabled: true
            target_info_enabled/development: true
            translation_strategy: underscore_escaping_with_suffixes
    - periodic:
        interval: 30000
        timeout: 5000
        exporter:
          otlp_http:
            endpoint: http://collector:4318/custom
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
        cardinality_limits:
          default: 500
          counter: 10
  exemplar_filter: always_off
  views:
    - selector:
        instrument_name: "http.*"
        instrument_type: histogram
        unit: s
        meter_name: web
      stream:
        aggregation:
          explicit_bucket_histogram:
            boundaries: [0.1, 1, 10]
        attribute_keys:
          included: [a, b]
          excluded: [b]
    - selector:
        instrument_name: debug
      stream:
        aggregation:
          drop:
logger_provider:
  processors:
    - batch:
        exporter:
          otlp_file/development:
            output_stream: file:///var/log/otlp%20logs.jsonl
  limits:
    attribute_count_limit: 8
instrumentation/development:
  general: {}
distribution:
  heliograph:
    server: {when_taken: next}
    tracing:
      keep_slower_than: 5s
"""


def _loaded(folder: Path, text: str, name: str = "otel.yaml", **environ: str) -> Loaded:
    path = folder / name
    path.write_text(text)
    return load(environ={"OTEL_CONFIG_FILE": str(path), **environ})


def _line(text: str) -> int:
    """The line of ``EVERYTHING`` that has ``text``."""
    (found,) = [number for number, line in enumerate(EVERYTHING.splitlines(), start=1) if line.strip().startswith(text)]
    return found


def test_a_file_with_everything_means_what_it_says(tmp_path: Path):
    settings = _loaded(tmp_path, EVERYTHING).settings
    assert (settings.enabled, settings.log_level) == (True, "WARNING")
    assert (settings.service_name, settings.service_version, settings.environment) == ("checkout", "1.10", "staging")
    assert settings.resource == {"team": "payments", "cost.center": "a,b", "replicas": 3, "share": 0.5, "canary": True}
    assert settings.resource_detectors == ("service_instance", "host", "process")
    assert settings.propagators == ("tracecontext", "baggage", "b3")
    assert settings.delivery.queue_size == 4096
    assert (settings.server.host, settings.server.when_taken, settings.effective_server.port) == ("localhost", "next", 9999)


def test_its_spans(tmp_path: Path):
    tracing = _loaded(tmp_path, EVERYTHING).settings.tracing
    tls = TlsFiles(ca_file="/ca.pem", key_file="/key.pem", cert_file="/cert.pem")
    assert tracing.exporters == (
        OtlpExporter(
            endpoint="https://collector.example:4318/v1/traces",
            headers={"api-key": "1234", "x": "a b"},
            compression="gzip",
            timeout=5,
            tls=tls,
        ),
        OtlpExporter(name="otlp_2", protocol="grpc", endpoint="http://collector:4317"),
        ConsoleExporter(),
    )
    assert (tracing.sample_rate, tracing.keep_slower_than) == (0.25, timedelta(seconds=5))
    batches = tracing.batch_export
    assert (batches.export_interval, batches.max_export_timeout, batches.max_batch_size) == (
        timedelta(seconds=1),
        timedelta(seconds=30),
        256,
    )
    limits = ("attributes_per_span", "events_per_span", "links_per_span", "attributes_per_event", "attributes_per_link")
    assert [getattr(tracing, f"max_{name}") for name in limits] == [32, 16, 15, 14, 13]
    assert tracing.max_attribute_length == 4096


def test_its_metrics(tmp_path: Path):
    metrics = _loaded(tmp_path, EVERYTHING).settings.metrics
    assert metrics.exporters == (
        PrometheusExporter(port=9999, scope_labels=True),
        OtlpMetricExporter(
            endpoint="http://collector:4318/custom",
            append_path=False,
            temporality="delta",
            histogram_aggregation="exponential",
        ),
    )
    assert (metrics.collection_interval, metrics.max_export_timeout) == (timedelta(seconds=30), timedelta(seconds=5))
    assert (metrics.cardinality_limit, metrics.exemplars) == (500, "always_off")
    assert metrics.views == (
        MetricView(instrument="http.*", type="histogram", unit="s", meter="web", buckets=[0.1, 1, 10], keep=["a"]),
        MetricView(instrument="debug", drop=True),
    )


def test_its_logs(tmp_path: Path):
    logs = _loaded(tmp_path, EVERYTHING).settings.logs
    assert logs.exporters == (FileExporter(path="/var/log/otlp logs.jsonl"),)
    assert (logs.max_attributes_per_record, logs.max_attribute_length) == (8, 4096)


def test_what_is_not_covered_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "otel.yaml"
    notices = _loaded(tmp_path, EVERYTHING).notices
    said = [notice.removeprefix(f"{path}:").partition(" is ignored")[0].partition(" and another")[0] for notice in notices]
    expected = {
        "resource.attributes[9].value": "value: [a, b]",
        "resource.detection/development.attributes": "attributes: {excluded: [process.command_args]}",
        "resource.schema_url": "schema_url:",
        "tracer_provider.processors[1].batch.schedule_delay": "schedule_delay: 2000",
        "tracer_provider.processors[1].batch.max_queue_size": "max_queue_size: 4096",
        "tracer_provider.processors[2].simple": "- simple:",
        "tracer_provider.sampler.parent_based.local_parent_not_sampled": "local_parent_not_sampled:",
        "meter_provider.readers[1].periodic.cardinality_limits.counter": "counter: 10",
        "instrumentation/development": "instrumentation/development:",
    }
    assert said == [f"{_line(text)}: {place}" for place, text in expected.items()]


def test_each_value_says_its_line(tmp_path: Path):
    loaded = _loaded(tmp_path, EVERYTHING)
    texts = {
        ("service_name",): "value: ${SERVICE:-checkout}",
        ("tracing", "sample_rate"): "ratio: 0.25",
        ("tracing", "exporters", 0, "endpoint"): "endpoint: https://collector.example",
        ("tracing", "exporters", 0, "tls", "ca_file"): "ca_file:",
        ("tracing", "exporters", 1, "endpoint"): "endpoint: collector:4317",
        ("tracing", "keep_slower_than"): "keep_slower_than:",
        ("metrics", "views", 0, "unit"): "unit: s",
        ("logs", "max_attributes_per_record"): "attribute_count_limit: 8",
    }
    found = {place: str(loaded.source(place)) for place in texts}
    assert found == {place: f"file {tmp_path / 'otel.yaml'}:{_line(text)}" for place, text in texts.items()}


def test_the_environment_wins_over_the_file(tmp_path: Path):
    environ = {
        "OTEL_SERVICE_NAME": "cart",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://other:4318/v1/metrics",
        "HELIOGRAPH_TRACING__SAMPLE_RATE": "1",
    }
    settings: Any = _loaded(tmp_path, EVERYTHING, **environ).settings
    assert (settings.service_name, settings.tracing.sample_rate) == ("cart", 1.0)
    assert settings.metrics.exporters[1].endpoint == "http://other:4318/v1/metrics"
    assert settings.metrics.exporters[1].append_path


def test_a_short_file_switches_off_what_it_does_not_have(tmp_path: Path):
    text = """\
file_format: 1.0
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
"""
    loaded = _loaded(tmp_path, text)
    settings = loaded.settings
    assert (settings.tracing.enabled, settings.metrics.enabled, settings.logs.enabled) == (True, False, False)
    assert settings.tracing.exporters == (OtlpExporter(protocol="grpc"),)
    assert (settings.tracing.sample_rate, settings.propagators) == (1.0, ("none",))
    assert loaded.notices == ()


def test_a_file_in_json_is_read(tmp_path: Path):
    document = {
        "file_format": "1.0-rc.3",
        "resource": {"attributes": [{"name": "service.name", "value": "${NAME}"}]},
        "tracer_provider": {"processors": [{"simple": {"exporter": {"console": {}}}}], "sampler": {"always_off": None}},
    }
    loaded = _loaded(tmp_path, json.dumps(document, indent=2), "otel.json", NAME="from-json")
    assert (loaded.settings.service_name, loaded.settings.tracing.sample_rate) == ("from-json", 0.0)
    assert loaded.settings.tracing.exporters == (ConsoleExporter(),)
    assert "sampler.always_off is read as that of new traces" in loaded.notices[1]


def test_a_disabled_file_disables(tmp_path: Path):
    assert not _loaded(tmp_path, 'file_format: "1.0"\ndisabled: true\n').settings.enabled


@pytest.mark.parametrize("option", ["file", "HELIOGRAPH_CONFIG_FILE"])
def test_it_is_known_by_its_version_wherever_a_file_is_named(tmp_path: Path, option: str):
    path = tmp_path / "any.yaml"
    path.write_text('file_format: "1.0"\nresource: {attributes: [{name: service.name, value: found}]}\n')
    settings = (
        TelemetrySettings.load(file=path, environ={})
        if option == "file"
        else TelemetrySettings.load(environ={option: str(path)}, folder=tmp_path)
    )
    assert settings.service_name == "found"


@pytest.mark.parametrize("protocol", ["otlp_http", "otlp_grpc"])
def test_tls_of_an_endpoint_without_it_is_named_and_headers_that_are_none_too(tmp_path: Path, protocol: str):
    path = tmp_path / "otel.yaml"
    path.write_text(
        f"""\
file_format: "1.0"
logger_provider:
  processors:
    - batch:
        exporter:
          {protocol}:
            endpoint: http://localhost:4318/v1/logs
            tls:
              ca_file: /app/cert.pem
            headers_list: api-key=s3cret,s3cret
""",
        encoding="utf-8",
    )
    loaded = load(file=path)
    (exporter,) = loaded.settings.logs.exporters
    assert isinstance(exporter, OtlpExporter)
    assert (exporter.tls, list(exporter.headers)) == (None, ["api-key"])
    assert [notice.removeprefix(f"{path}:").partition(" ")[0] for notice in loaded.notices] == ["10:", "8:"]
    assert "s3cret" not in str(loaded.notices)


def test_secrets_of_a_file_are_hidden(tmp_path: Path):
    loaded = _loaded(tmp_path, EVERYTHING)
    assert "1234" not in repr(loaded.settings)


def test_spans_go_where_the_file_says(tmp_path: Path):
    with http_receiver() as receiver:
        text = f"""\
file_format: "1.0"
resource: {{attributes: [{{name: service.name, value: sent}}]}}
tracer_provider:
  processors:
    - batch: {{exporter: {{otlp_http: {{endpoint: "{receiver.url}/some/where/traces", headers_list: "k=v"}}}}}}
distribution: {{heliograph: {{server: {{enabled: false}}}}}}
"""
        settings = _loaded(tmp_path, text).settings
        with TelemetryManager(settings) as telemetry:
            with telemetry.span("one"):
                pass
            assert telemetry.force_flush()
        assert [span.name for span in receiver.spans()] == ["one"]
        signal, headers, request = receiver.requests[0]
        assert (signal, headers["k"]) == ("traces", "v")
        resource = {each.key: each.value.string_value for each in request.resource_spans[0].resource.attributes}
        assert resource["service.name"] == "sent"
