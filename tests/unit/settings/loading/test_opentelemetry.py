"""OpenTelemetry's variables, as far as they do not depend on what other sources say."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from heliograph.settings.loading.layer import Layer, Place
from heliograph.settings.loading.load import load
from heliograph.settings.loading.opentelemetry import OLDER_NAMES, opentelemetry_layer
from heliograph.settings.loading.opentelemetry_reading import VARIABLES

MS = timedelta(milliseconds=1)

# A value of each variable that sets something, where it goes, and what it is there.
CASES: list[tuple[dict[str, str], str, Any]] = [
    ({"TELEMETRY_ENABLED": "false"}, "enabled", False),
    ({"TELEMETRY_ENABLED": "1"}, "enabled", True),
    ({"PROMETHEUS_PORT": "9100"}, "server.port", 9100),
    ({"PROMETHEUS_MULTIPROC_DIR": "/run/metrics"}, "metrics.multiprocess_dir", "/run/metrics"),
    ({"OTEL_SDK_DISABLED": "true"}, "enabled", False),
    ({"OTEL_SDK_DISABLED": " TRUE "}, "enabled", False),
    ({"OTEL_SERVICE_NAME": "checkout"}, "service_name", "checkout"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=cart"}, "service_name", "cart"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=cart", "OTEL_SERVICE_NAME": "checkout"}, "service_name", "checkout"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.version=1.10"}, "service_version", "1.10"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging"}, "environment", "staging"),
    ({"OTEL_RESOURCE_ATTRIBUTES": " team = pay%2Cments , a=b=c,"}, "resource", {"team": "pay,ments", "a": "b=c"}),
    ({"OTEL_PROPAGATORS": "tracecontext, baggage,tracecontext"}, "propagators", ("tracecontext", "baggage")),
    ({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,os"}, "resource_detectors", ("process", "os")),
    ({"OTEL_LOG_LEVEL": "Warn"}, "log_level", "WARNING"),
    ({"OTEL_TRACES_SAMPLER": "parentbased_always_on"}, "tracing.sample_rate", 1.0),
    ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, "tracing.sample_rate", 0.0),
    ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, "tracing.sample_rate", 0.25),
    ({"OTEL_BSP_SCHEDULE_DELAY": "250"}, "tracing.batch_export.export_interval", 250 * MS),
    ({"OTEL_BSP_EXPORT_TIMEOUT": "30000"}, "tracing.batch_export.max_export_timeout", 30_000 * MS),
    ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64"}, "tracing.batch_export.max_batch_size", 64),
    ({"OTEL_BSP_MAX_QUEUE_SIZE": "4096"}, "delivery.queue_size", 4096),
    ({"OTEL_BSP_MAX_QUEUE_SIZE": "4096", "OTEL_BLRP_MAX_QUEUE_SIZE": "8192"}, "delivery.queue_size", 8192),
    ({"OTEL_BSP_MAX_QUEUE_SIZE": "8192", "OTEL_BLRP_MAX_QUEUE_SIZE": "4096"}, "delivery.queue_size", 8192),
    ({"OTEL_BLRP_MAX_QUEUE_SIZE": "512"}, "delivery.queue_size", 512),
    ({"OTEL_BLRP_SCHEDULE_DELAY": "250"}, "logs.batch_export.export_interval", 250 * MS),
    ({"OTEL_BLRP_EXPORT_TIMEOUT": "2000"}, "logs.batch_export.max_export_timeout", 2_000 * MS),
    ({"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "64"}, "logs.batch_export.max_batch_size", 64),
    ({"OTEL_METRIC_EXPORT_INTERVAL": "60000"}, "metrics.collection_interval", timedelta(minutes=1)),
    ({"OTEL_METRIC_EXPORT_TIMEOUT": "2500.5"}, "metrics.max_export_timeout", 2_500.5 * MS),
    ({"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}, "metrics.exemplars", "always_off"),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_span", 16),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_event", 16),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_link", 16),
    ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "logs.max_attributes_per_record", 16),
    ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "8", "OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_span", 8),
    ({"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "8", "OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_event", 8),
    ({"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "8", "OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "tracing.max_attributes_per_link", 8),
    ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "8", "OTEL_ATTRIBUTE_COUNT_LIMIT": "16"}, "logs.max_attributes_per_record", 8),
    ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, "tracing.max_attribute_length", 100),
    ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, "logs.max_attribute_length", 100),
    (
        {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5"},
        "tracing.max_attribute_length",
        9,
    ),
    ({"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9"}, "logs.max_attribute_length", 9),
    ({"OTEL_SPAN_EVENT_COUNT_LIMIT": "7"}, "tracing.max_events_per_span", 7),
    ({"OTEL_SPAN_LINK_COUNT_LIMIT": "7"}, "tracing.max_links_per_span", 7),
    ({"OTEL_EXPORTER_PROMETHEUS_PORT": "9465", "PROMETHEUS_PORT": "9100"}, "server.port", 9465),
    ({"OTEL_EXPORTER_PROMETHEUS_HOST": "localhost"}, "server.host", "localhost"),
]


@pytest.mark.parametrize(("environ", "path", "expected"), CASES, ids=lambda value: str(value)[:60])
def test_a_variable_becomes_a_setting(environ: dict[str, str], path: str, expected: object):
    loaded = load(environ=environ)
    value: Any = loaded.settings
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected
    assert str(loaded.source(_place(path))).removeprefix("environment ") in environ
    assert not loaded.notices or "MAX_QUEUE_SIZE" in loaded.notices[0]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp otlp http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http"}, ["otlp otlp http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, ["otlp otlp grpc"]),
        ({"OTEL_TRACES_EXPORTER": "console, OTLP,console"}, ["console console", "otlp otlp http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http,otlp_proto_grpc"}, ["otlp otlp http", "otlp otlp_2 grpc"]),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, ["jaeger jaeger http"]),
        ({}, []),
    ],
)
def test_exporters_of_spans_are_named(environ: dict[str, str], expected: list[str]):
    loaded = load(environ=environ)
    assert _exporters(loaded.settings.tracing) == expected
    assert loaded.notices == ()


def test_exporters_of_metrics_and_logs_are_named():
    settings = load(environ={"OTEL_METRICS_EXPORTER": "prometheus,otlp", "OTEL_LOGS_EXPORTER": "console"}).settings
    assert _exporters(settings.metrics) == ["prometheus prometheus", "otlp otlp http"]
    assert _exporters(settings.logs) == ["console console"]
    assert _exporters(load(environ={"OTEL_METRICS_EXPORTER": "none"}).settings.metrics) == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is ignored: given 'zipkin', expected names of otlp,"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "OTEL_TRACES_EXPORTER is ignored: given 'prometheus', expected"),
        ({"OTEL_TRACES_EXPORTER": "console,zipkin"}, "OTEL_TRACES_EXPORTER: there is no exporter 'zipkin' of tracing here"),
        ({"OTEL_TRACES_EXPORTER": "none,console"}, "OTEL_TRACES_EXPORTER: 'none' means nothing beside other names"),
        (
            {"OTEL_TRACES_SAMPLER": "xray"},
            "OTEL_TRACES_SAMPLER is ignored: given 'xray', expected one of 'parentbased_always_on'",
        ),
        ({"OTEL_TRACES_SAMPLER": "always_on"}, "OTEL_TRACES_SAMPLER: always_on holds for new traces only"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, "has no ratio, so every trace is kept"),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5"}, "OTEL_TRACES_SAMPLER_ARG: it is not used: OTEL_TRACES_SAMPLER names no sampler"),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
            "OTEL_TRACES_SAMPLER_ARG: it is not used: OTEL_TRACES_SAMPLER=parentbased_always_on takes no argument",
        ),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
            "OTEL_TRACES_SAMPLER_ARG is ignored: given '2', expected at most 1",
        ),
        (
            {"OTEL_BSP_SCHEDULE_DELAY": "5s"},
            "OTEL_BSP_SCHEDULE_DELAY is ignored: given '5s', expected a number of milliseconds",
        ),
        ({"OTEL_BSP_SCHEDULE_DELAY": "0"}, "OTEL_BSP_SCHEDULE_DELAY is ignored"),
        ({"OTEL_BSP_EXPORT_TIMEOUT": "-1"}, "OTEL_BSP_EXPORT_TIMEOUT is ignored"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "1e400"}, "OTEL_METRIC_EXPORT_INTERVAL is ignored"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "nan"}, "OTEL_METRIC_EXPORT_INTERVAL is ignored"),
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0"}, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is ignored: given '0', expected at least 1"),
        (
            {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BLRP_MAX_QUEUE_SIZE": "20"},
            "OTEL_BSP_MAX_QUEUE_SIZE: 10 gives way to OTEL_BLRP_MAX_QUEUE_SIZE=20",
        ),
        (
            {"OTEL_SPAN_EVENT_COUNT_LIMIT": "many"},
            "OTEL_SPAN_EVENT_COUNT_LIMIT is ignored: given 'many', expected a whole number",
        ),
        ({"OTEL_METRICS_EXEMPLAR_FILTER": "some"}, "OTEL_METRICS_EXEMPLAR_FILTER is ignored: given 'some', expected one of"),
        ({"OTEL_LOG_LEVEL": "loud"}, "OTEL_LOG_LEVEL is ignored: given 'loud', expected 'trace', 'debug'"),
        ({"OTEL_SDK_DISABLED": "yes"}, "OTEL_SDK_DISABLED is ignored: given 'yes', expected 'true' or 'false'"),
        ({"TELEMETRY_ENABLED": "perhaps"}, "TELEMETRY_ENABLED is ignored: given 'perhaps', expected true or false"),
        (
            {"PROMETHEUS_PORT": "tcp://10.0.0.7:9090"},
            "PROMETHEUS_PORT is ignored: given 'tcp://10.0.0.7:9090', expected a whole",
        ),
        (
            {"OTEL_EXPORTER_PROMETHEUS_PORT": "70000"},
            "OTEL_EXPORTER_PROMETHEUS_PORT is ignored: given '70000', expected at most",
        ),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=1,b"}, "OTEL_RESOURCE_ATTRIBUTES: entry 2 is left out: no 'name=value'"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=%ff"}, "OTEL_RESOURCE_ATTRIBUTES: entry 1 is left out: what is percent-encoded"),
        ({"OTEL_PYTHON_ID_GENERATOR": "xray"}, "OTEL_PYTHON_ID_GENERATOR is ignored: heliograph makes random ids"),
        (
            {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": "http://z"},
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT is ignored: there is no Zipkin exporter",
        ),
        (
            {"OTEL_TRACE_EXPORTER": "otlp"},
            "OTEL_TRACE_EXPORTER is ignored: there is no such variable; did you mean OTEL_TRACES_E",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPIONT": "x"}, "did you mean OTEL_EXPORTER_OTLP_ENDPOINT?"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_notice_and_no_fault(environ: dict[str, str], expected: str):
    (notice,) = load(environ=environ).notices
    assert expected in notice


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {row.name: "" for row in VARIABLES if "*" not in row.name},
        {row.name: "  " for row in VARIABLES if "*" not in row.name},
        {
            "OTEL_SDK_DISABLED": "false",
            "OTEL_PYTHON_ID_GENERATOR": "random",
            "OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider",
        },
        {"OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
        {"OTEL_SEMCONV_STABILITY_OPT_IN": "http", "OTEL_PYTHON_CONTEXT": "contextvars_context"},
        {"OTEL_JAVAAGENT_ENABLED": "false", "OTEL_COLLECTOR_CONFIG": "x"},
        {"OTEL_COLLECTOR_PORT": "tcp://10.0.0.1:4317", "OTEL_COLLECTOR_PORT_4317_TCP": "tcp://10.0.0.1:4317"},
        {"OTEL_COLLECTOR_SERVICE_HOST": "10.0.0.1", "OTEL_COLLECTOR_SERVICE_PORT_OTLP": "4317"},
        {"PATH": "/bin", "otel_service_name": "x"},
    ],
)
def test_what_sets_nothing_says_nothing(environ: dict[str, str]):
    assert opentelemetry_layer(environ) == Layer(kind="environment", values={})
    assert load(environ=environ).settings == load().settings


def test_false_for_disabled_takes_nothing_back():
    assert not load({"enabled": False}, environ={"OTEL_SDK_DISABLED": "false"}).settings.enabled


def test_an_argument_and_a_variable_of_our_own_win():
    environ = {"OTEL_SERVICE_NAME": "standard", "HELIOGRAPH_SERVICE_NAME": "ours", "OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2"}
    assert load(environ=environ).settings.service_name == "ours"
    settings = load({"service_name": "argument", "resource": {"a": "3"}}, environ=environ).settings
    assert (settings.service_name, settings.resource) == ("argument", {"a": "3", "b": "2"})


def test_credentials_in_a_bad_value_are_not_shown():
    (notice,) = load(environ={"PROMETHEUS_PORT": "tcp://user:secret@host"}).notices
    assert "secret" not in notice


def test_every_variable_has_exactly_one_meaning_and_a_row_of_its_own():
    names = [row.name for row in VARIABLES]
    assert len(names) == len(set(names))
    for row in VARIABLES:
        assert (row.read is not None) + (row.reader is not None) + (row.why_ignored is not None) == 1, row.name
        assert row.doc or row.why_ignored, row.name


def test_every_variable_that_sets_something_by_itself_has_a_case_here():
    tested = {name for environ, _, _ in CASES for name in environ}
    tested |= {"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"}
    assert {row.name for row in VARIABLES if row.read is not None} <= tested
    assert set(OLDER_NAMES) == {row.name for row in VARIABLES if not row.name.startswith("OTEL_")}


def test_every_name_that_an_installed_package_of_opentelemetry_has_is_in_the_table():
    fitting = re.compile("|".join(row.name.replace("*", "[A-Z0-9_]+") for row in VARIABLES))
    found = dict(_names_in_packages())
    assert len(found) > 100
    assert {name: where for name, where in found.items() if not fitting.fullmatch(name)} == {}


def _names_in_packages() -> list[tuple[str, str]]:
    modules = [
        Path(str(file.locate()))
        for package in distributions()
        if str(package.metadata["Name"]).startswith("opentelemetry-")
        for file in package.files or ()
        if file.suffix == ".py"
    ]
    return [
        (name, str(module))
        for module in dict.fromkeys(modules)
        for name in re.findall(r"[\"'](OTEL_[A-Z0-9_]+)[\"']", module.read_text(encoding="utf-8"))
    ]


def _place(path: str) -> Place:
    if path == "resource":
        return ("resource", "team")
    return tuple(path.split("."))


def _exporters(section: Any) -> list[str]:
    return [" ".join(filter(None, [each.type, each.destination, getattr(each, "protocol", "")])) for each in section.exporters]
