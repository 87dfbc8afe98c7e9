"""The same environment, read by OpenTelemetry's own SDK and by heliograph, comes to the same."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._configuration import _import_sampler
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.metrics import Histogram, ObservableCounter
from opentelemetry.sdk.metrics import UpDownCounter as SdkUpDownCounter
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.sampling import Decision

from heliograph.exporters.otlp_http import signal_url
from heliograph.recording import chosen
from heliograph.settings import TelemetrySettings
from heliograph.settings.loading.load import load

_CLASSES: Any = {"tracing": OTLPSpanExporter, "metrics": OTLPMetricExporter, "logs": OTLPLogExporter}


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch):
    """The settings of an environment, which is that of this process as well: the SDK reads no other."""

    def set_both(environ: dict[str, str]) -> TelemetrySettings:
        for name, text in environ.items():
            monkeypatch.setenv(name, text)
        exporters = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "otlp")
        return load(environ={**exporters, **environ}).settings

    return set_both


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:9"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:9/"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:9", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l:1/v1/logs"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:1", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:1/in?x=1"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"},
    ],
)
def test_requests_go_to_the_same_urls(both: Any, environ: dict[str, str]):
    settings = both(environ)
    for section, official in _CLASSES.items():
        ours = getattr(settings, section).exporters[0]
        path = {"tracing": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}[section]
        url = signal_url(ours.endpoint, path) if ours.append_path else ours.endpoint
        assert url == official()._endpoint


@pytest.mark.parametrize(
    "text",
    [
        "a=1",
        "A=1, b = 2 ,c=3=4,",
        "api-key=a%2Cb%20c",
        "authorization=Bearer abc%20d",
        "authorization=Basic%20dXNlcjpwYXNz",
        "a=1,nothing,b=2",
        "a=1,a=2",
        "=1,b=2",
        "a=",
    ],
)
def test_requests_have_the_same_headers(both: Any, text: str):
    settings = both({"OTEL_EXPORTER_OTLP_HEADERS": text})
    ours = {name: secret.get_secret_value() for name, secret in settings.tracing.exporters[0].headers.items()}
    theirs = dict(OTLPSpanExporter()._client._headers)
    assert ours == {name: value for name, value in theirs.items() if name not in ("user-agent", "content-type")}


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "7"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none"},
        {},
    ],
)
def test_attempts_take_as_long_and_are_packed_alike(both: Any, environ: dict[str, str]):
    ours, theirs = both(environ).tracing.exporters[0], OTLPSpanExporter()
    assert ours.timeout.total_seconds() == theirs._client._timeout
    assert ours.compression == theirs._compression.value


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:2"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
    ],
)
def test_grpc_is_spoken_alike(both: Any, environ: dict[str, str]):
    ours = both({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **environ}).tracing.exporters[0]
    theirs = GrpcExporter()
    theirs.shutdown()
    scheme, _, authority = ours.endpoint.partition("://")
    assert (authority, scheme == "http") == (theirs._endpoint.removeprefix("http://"), bool(theirs._insecure))
    headers = {name: secret.get_secret_value() for name, secret in ours.headers.items()}
    assert headers == {name: value for name, value in dict(theirs._headers).items() if name != "user-agent"}
    assert ours.compression == {Compression.Gzip: "gzip", Compression.NoCompression: "none"}[theirs._compression]


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("parentbased_always_on", None),
        ("parentbased_always_off", None),
        ("parentbased_traceidratio", "0.25"),
        ("parentbased_traceidratio", "1"),
        ("parentbased_traceidratio", None),
        ("traceidratio", "0.5"),
        ("always_on", None),
        ("always_off", None),
        ("nonsense", None),
    ],
)
def test_new_traces_are_kept_to_the_same_share(both: Any, name: str, argument: str | None):
    settings = both({"OTEL_TRACES_SAMPLER": name} | ({} if argument is None else {"OTEL_TRACES_SAMPLER_ARG": argument}))
    theirs = _import_sampler(name)
    trace_ids = [number * (2**64 // 200) for number in range(200)]
    kept = [
        theirs is None or theirs.should_sample(None, trace_id, "span").decision is Decision.RECORD_AND_SAMPLE
        for trace_id in trace_ids
    ]
    assert sum(kept) / len(kept) == pytest.approx(settings.tracing.sample_rate, abs=0.01)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "5"},
        {
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "5",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "9",
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "0",
        },
        {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "4", "OTEL_SPAN_LINK_COUNT_LIMIT": "0"},
        {"OTEL_SPAN_EVENT_COUNT_LIMIT": "2", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "10"},
        {"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "10"},
    ],
)
def test_spans_and_log_records_hold_as_much(both: Any, environ: dict[str, str]):
    settings = both(environ)
    ours, theirs = chosen.span_limits(settings.tracing), SpanLimits()
    for name in ("max_span_attributes", "max_event_attributes", "max_link_attributes", "max_events", "max_links"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.max_span_attribute_length == theirs.max_span_attribute_length
    logs, official = settings.logs, LogRecordLimits()
    assert (logs.max_attributes_per_record, logs.max_attribute_length) == (
        official.max_log_record_attributes,
        official.max_log_record_attribute_length,
    )


def test_batches_are_alike(both: Any):
    environ = {
        "OTEL_BSP_SCHEDULE_DELAY": "1500",
        "OTEL_BSP_EXPORT_TIMEOUT": "20000",
        "OTEL_BSP_MAX_QUEUE_SIZE": "300",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "30",
    }
    settings = both(environ)
    processor = BatchSpanProcessor(ConsoleSpanExporter())
    processor.shutdown()
    official = processor._batch_processor
    ours = settings.tracing.batch_export
    assert (ours.export_interval.total_seconds(), ours.max_batch_size) == (
        official._schedule_delay,
        official._max_export_batch_size,
    )
    assert ours.max_export_timeout.total_seconds() == official._export_timeout_millis / 1000
    assert settings.delivery.queue_size == official._max_queue_size


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_SERVICE_NAME": "checkout"},
        {"OTEL_RESOURCE_ATTRIBUTES": "service.name=cart,team=a%20b%2Cc, x = y=z ,bad"},
        {
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=cart,service.version=2,deployment.environment.name=e",
            "OTEL_SERVICE_NAME": "s",
        },
    ],
)
def test_the_resource_is_the_same(both: Any, environ: dict[str, str]):
    ours, theirs = chosen.resource(both(environ)).attributes, Resource.create({}).attributes
    own = ("telemetry.sdk.name", "telemetry.sdk.version", "service.instance.id")
    assert {k: v for k, v in ours.items() if k not in own} == {k: v for k, v in theirs.items() if k not in own}


@pytest.mark.parametrize("text", ["cumulative", "DELTA", "lowmemory", "nonsense"])
def test_metrics_have_the_same_temporality(both: Any, text: str):
    settings = both({"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": text})
    theirs = OTLPMetricExporter()._preferred_temporality
    ours = chosen.reader(settings.metrics, chosen.preference(settings.metrics.exporters[0]))["preferred_temporality"]
    for kind in (Histogram, ObservableCounter, SdkUpDownCounter):
        assert ours.get(kind, theirs[SdkUpDownCounter]) == theirs[kind], kind


@pytest.mark.parametrize("text", ["explicit_bucket_histogram", "base2_exponential_bucket_histogram", "nonsense"])
def test_histograms_are_aggregated_alike(both: Any, text: str):
    settings = both({"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": text})
    theirs = OTLPMetricExporter()._preferred_aggregation[Histogram]
    is_exponential = settings.metrics.exporters[0].histogram_aggregation == "exponential"
    assert is_exponential == isinstance(theirs, ExponentialBucketHistogramAggregation)
