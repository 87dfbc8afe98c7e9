"""The OpenTelemetry variables that are no settings here: who reads each of them, or why nobody does.

Sources: the environment variables that opentelemetry-api, -sdk, -exporter-*, -instrumentation* and -util-http read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from heliograph.settings.loading.opentelemetry_variable import Variable

_HANDLER: Final = "call telemetry.instrument(logging=True), or attach telemetry.logging_handler()"
_TLS: Final = "heliograph has its own transport; set OTEL_EXPORTER_OTLP_CERTIFICATE and the CLIENT variables, or HEADERS"
_PROVIDER: Final = "heliograph registers the provider itself when it starts"


def _read_by(reader: str, group: str, *names: str, doc: str) -> list[Variable]:
    return [Variable(name=name, group=group, reader=reader, doc=doc) for name in names]


def _ignored(why: str, *names: str, harmless: Sequence[str] = ()) -> list[Variable]:
    return [Variable(name=name, group="Ignored", why_ignored=why, harmless=tuple(harmless)) for name in names]


_LOADING: Final = (
    *_read_by(
        "heliograph",
        "General",
        "OTEL_CONFIG_FILE",
        doc="A configuration file after OpenTelemetry's schema; `HELIOGRAPH_CONFIG_FILE` wins over it.",
    ),
)

_API: Final = (
    *_read_by(
        "opentelemetry-api",
        "Read by others",
        "OTEL_PYTHON_CONTEXT",
        doc="Where the current context is kept: the name of an entry point.",
    ),
)

_SDK: Final = (
    *_read_by(
        "both recorders",
        "Read by others",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
        doc="Whether a recorder measures itself, as OpenTelemetry's SDK does. heliograph's pipeline always does.",
    ),
)

_INSTRUMENTATIONS: Final = (
    *_read_by(
        "the instrumentation packages",
        "Read by others",
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        doc="Which conventions are kept to: `http/dup`, `database`, ... By default `telemetry.instrument()` chooses `http`.",
    ),
    *_read_by(
        "the instrumentation packages",
        "Read by others",
        "OTEL_PYTHON_EXCLUDED_URLS",
        "OTEL_PYTHON_*_EXCLUDED_URLS",
        doc="URLs that are not traced: regular expressions with commas between them.",
    ),
    *_read_by(
        "the instrumentation packages",
        "Read by others",
        "OTEL_PYTHON_*_TRACED_REQUEST_ATTRS",
        doc="Attributes of a request that its span gets.",
    ),
    *_read_by(
        "the instrumentation packages",
        "Read by others",
        "OTEL_INSTRUMENTATION_*",
        "OTEL_PYTHON_INSTRUMENTATION_*",
        doc="What single instrumentations capture, such as `OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST`.",
    ),
    *_read_by(
        "the instrumentation packages",
        "Read by others",
        "OTEL_PYTHON_DJANGO_INSTRUMENT",
        "OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION",
        "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES",
        "OTEL_PYTHON_SYSTEM_METRICS_EXCLUDED_METRICS",
        "OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE",
        "OTEL_PYTHON_ASYNCIO_FUTURE_TRACE_ENABLED",
        "OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE",
        doc="An option of the instrumentation of that library.",
    ),
    *_read_by(
        "opentelemetry-instrumentation-logging",
        "Read by others",
        "OTEL_PYTHON_LOG_CORRELATION",
        "OTEL_PYTHON_LOG_FORMAT",
        "OTEL_PYTHON_LOG_LEVEL",
        "OTEL_PYTHON_LOG_HANDLER_LEVEL",
        "OTEL_PYTHON_LOG_CODE_ATTRIBUTES",
        "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION",
        doc="How trace ids come into log lines, and log lines to OpenTelemetry.",
    ),
    *_read_by(
        "`opentelemetry-instrument`",
        "Read by others",
        "OTEL_PYTHON_DISTRO",
        "OTEL_PYTHON_CONFIGURATOR",
        "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH",
        doc="How that command sets itself up.",
    ),
    *_read_by(
        "`opentelemetry-instrument` and `telemetry.instrument()`",
        "Read by others",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        doc="Instrumentations that are left out: names with commas between them.",
    ),
)

_IGNORED: Final = (
    *_ignored(
        "heliograph makes random ids, as the W3C's trace context wants them",
        "OTEL_PYTHON_ID_GENERATOR",
        harmless=("random",),
    ),
    *_ignored(
        "single tracers, meters and loggers cannot be switched off; use tracing.sample_rules, metrics.views or logs.level",
        "OTEL_PYTHON_TRACER_CONFIGURATOR",
        "OTEL_PYTHON_METER_CONFIGURATOR",
        "OTEL_PYTHON_LOGGER_CONFIGURATOR",
    ),
    *_ignored(_PROVIDER, "OTEL_PYTHON_TRACER_PROVIDER", harmless=("sdk_tracer_provider",)),
    *_ignored(_PROVIDER, "OTEL_PYTHON_METER_PROVIDER", harmless=("sdk_meter_provider",)),
    *_ignored(_PROVIDER, "OTEL_PYTHON_LOGGER_PROVIDER", harmless=("sdk_logger_provider",)),
    *_ignored(_HANDLER, "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", harmless=("false",)),
    *_ignored(
        "there is no Zipkin exporter any more; Zipkin takes OTLP through an OpenTelemetry Collector: set "
        "OTEL_EXPORTER_OTLP_ENDPOINT to it",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "OTEL_EXPORTER_ZIPKIN_PROTOCOL",
    ),
    *_ignored(
        "Jaeger takes OTLP; set OTEL_EXPORTER_OTLP_ENDPOINT to its port 4318 or 4317",
        "OTEL_EXPORTER_JAEGER_ENDPOINT",
        "OTEL_EXPORTER_JAEGER_AGENT_HOST",
        "OTEL_EXPORTER_JAEGER_AGENT_PORT",
        "OTEL_EXPORTER_JAEGER_TIMEOUT",
        "OTEL_EXPORTER_JAEGER_USER",
        "OTEL_EXPORTER_JAEGER_PASSWORD",
    ),
    *_ignored(
        _TLS,
        *(
            f"OTEL_PYTHON_EXPORTER_OTLP_{protocol}_{signal}CREDENTIAL_PROVIDER"
            for protocol in ("GRPC", "HTTP")
            for signal in ("", "TRACES_", "METRICS_", "LOGS_")
        ),
    ),
    *_ignored(
        "which answers are tried again follows the OTLP specification, see docs/delivery.md",
        "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
    ),
    *_ignored("set OTEL_CONFIG_FILE, as it is called now", "OTEL_EXPERIMENTAL_CONFIG_FILE"),
)

ROWS: Final = (*_LOADING, *_API, *_SDK, *_INSTRUMENTATIONS, *_IGNORED)
