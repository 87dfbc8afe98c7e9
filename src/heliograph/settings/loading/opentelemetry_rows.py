"""The OpenTelemetry variables that become settings, and the three older names that do.

Later rows win over earlier ones where they set the same. Those of OTLP exporters are in `opentelemetry_otlp.py`. Sources:
OpenTelemetry specification, "Environment Variable Specification", and what opentelemetry-sdk 1.45 does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph import names as attributes
from heliograph.settings.kinds import flag, whole
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_exporters import exporters
from heliograph.settings.loading.opentelemetry_sampler import SAMPLERS, sampler, sampler_argument
from heliograph.settings.loading.opentelemetry_values import count, milliseconds, names, pairs, truth, word
from heliograph.settings.loading.opentelemetry_variable import Meaning, Reading, Variable

_BSP_QUEUE: Final = "OTEL_BSP_MAX_QUEUE_SIZE"
_BLRP_QUEUE: Final = "OTEL_BLRP_MAX_QUEUE_SIZE"
_QUEUE: Final[Place] = ("delivery", "queue_size")

# OpenTelemetry specification, "Resource SDK": these attributes are settings of their own.
RESOURCE_SETTINGS: Final[Mapping[str, Place]] = {
    attributes.SERVICE_NAME: ("service_name",),
    attributes.SERVICE_VERSION: ("service_version",),
    attributes.DEPLOYMENT_ENVIRONMENT: ("environment",),
}

_NOUNS: Final = {"tracing": "spans", "metrics": "metrics", "logs": "log records"}


def _sets(name: str, group: str, kind: Callable[[str], Any], *places: Place, doc: str) -> Variable:
    """A variable whose value goes to each of ``places``."""

    def read(text: str, _environ: Mapping[str, str]) -> Meaning:
        return Meaning(values=dict.fromkeys(places, kind(text)))

    return Variable(name=name, group=group, doc=doc, places=places, read=read)


def _exporters(name: str, section: str, *known: str) -> Variable:
    places: tuple[Place, ...] = ((section, "exporters"),)
    choices = ", ".join(f"`{each}`" for each in (*known, "none"))
    doc = f"Where {_NOUNS[section]} go: names with commas between them, of {choices}, `otlp_proto_http`, `otlp_proto_grpc`."
    return Variable(name=name, group="Exporters", doc=doc, places=places, read=exporters(section, known))


def _resource(text: str, _environ: Mapping[str, str]) -> Meaning:
    found, remarks = pairs(text)
    return Meaning(
        values={RESOURCE_SETTINGS.get(name, ("resource", name)): value for name, value in found.items()}, remarks=remarks
    )


def _disabled(text: str, _environ: Mapping[str, str]) -> Meaning:
    return Meaning(values={("enabled",): False} if truth(text) else {})  # "false" takes nothing back that others say


def _queue_size(other: str) -> Reading:
    """The queue size of one signal: heliograph has one for all, so the larger one holds."""
    size = whole(1)

    def read(text: str, environ: Mapping[str, str]) -> Meaning:
        own = size(text)
        try:
            others = size(environ.get(other, "").strip() or own)
        except ValueError:
            others = own  # its own row says so
        remarks = () if own >= others else (f"{own} gives way to {other}={others}: one queue size holds for all signals",)
        return Meaning(values={_QUEUE: max(own, others)}, remarks=remarks)

    return read


_SPAN: Final[Place] = ("tracing", "max_attributes_per_span")
_EVENT: Final[Place] = ("tracing", "max_attributes_per_event")
_LINK: Final[Place] = ("tracing", "max_attributes_per_link")
_RECORD: Final[Place] = ("logs", "max_attributes_per_record")
_SPAN_LENGTH: Final[Place] = ("tracing", "max_attribute_length")
_RECORD_LENGTH: Final[Place] = ("logs", "max_attribute_length")

_LEVELS: Final = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
    "critical": "CRITICAL",
}

_OLDER: Final = (
    _sets("TELEMETRY_ENABLED", "Older names", flag, ("enabled",), doc="Whether there is telemetry at all."),
    _sets(
        "PROMETHEUS_PORT",
        "Older names",
        whole(0, 65535),
        ("server", "port"),
        doc="The port of `/metrics`. The address that Kubernetes puts there for a service called prometheus is not read.",
    ),
    _sets(
        "PROMETHEUS_MULTIPROC_DIR",
        "Older names",
        str,
        ("metrics", "multiprocess_dir"),
        doc="A directory for the processes of one service, whose `/metrics` then each show all of them.",
    ),
)

_GENERAL: Final = (
    Variable(
        name="OTEL_SDK_DISABLED",
        group="General",
        doc="`true` switches telemetry off, whatever else says; `false` changes nothing.",
        places=(("enabled",),),
        read=_disabled,
    ),
    Variable(
        name="OTEL_RESOURCE_ATTRIBUTES",
        group="General",
        doc=(
            "Attributes of the resource: `name=value,...`, percent-encoded. `service.name`, `service.version` and "
            "`deployment.environment.name` become `service_name`, `service_version` and `environment`."
        ),
        places=(("resource",), *RESOURCE_SETTINGS.values()),
        read=_resource,
    ),
    _sets("OTEL_SERVICE_NAME", "General", str, ("service_name",), doc="The name of the service."),
    _sets(
        "OTEL_PROPAGATORS",
        "General",
        lambda text: names(text.lower()),
        ("propagators",),
        doc=(
            "How trace context travels: names with commas between them; `none` for not at all. One that is not installed is "
            "an error, since OpenTelemetry's API fails on it as well."
        ),
    ),
    _sets(
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        "General",
        names,
        ("resource_detectors",),
        doc="Which detectors add attributes to the resource: names with commas between them, `*` for all that are installed.",
    ),
    _sets(
        "OTEL_LOG_LEVEL",
        "General",
        word(_LEVELS),
        ("log_level",),
        doc="From which level on heliograph and OpenTelemetry's SDK log what befalls themselves.",
    ),
)

_TRACING: Final = (
    Variable(
        name="OTEL_TRACES_SAMPLER",
        group="Traces",
        doc=(
            f"Which traces are kept: {', '.join(f'`{each}`' for each in SAMPLERS)}. A child follows its parent in any case, "
            "and errors and slow traces are kept beside a ratio unless `tracing.keep_errors` and `tracing.keep_slower_than` "
            "say otherwise."
        ),
        places=(("tracing", "sample_rate"),),
        read=sampler,
    ),
    Variable(
        name="OTEL_TRACES_SAMPLER_ARG",
        group="Traces",
        doc="The ratio, 0 to 1, for a sampler that takes one.",
        places=(("tracing", "sample_rate"),),
        read=sampler_argument,
    ),
    _sets(
        "OTEL_BSP_SCHEDULE_DELAY",
        "Traces",
        milliseconds,
        ("tracing", "batch_export", "export_interval"),
        doc="How long a span waits for others to be sent with, in milliseconds.",
    ),
    _sets(
        "OTEL_BSP_EXPORT_TIMEOUT",
        "Traces",
        milliseconds,
        ("tracing", "batch_export", "max_export_timeout"),
        doc="The longest that one attempt to send spans takes, in milliseconds.",
    ),
    _sets(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "Traces",
        whole(1),
        ("tracing", "batch_export", "max_batch_size"),
        doc="The most spans in one request.",
    ),
    Variable(
        name=_BSP_QUEUE,
        group="Traces",
        doc="How many items wait in memory for one destination; the larger of this and that of logs holds for both.",
        places=(_QUEUE,),
        read=_queue_size(_BLRP_QUEUE),
    ),
)

_LOGS: Final = (
    _sets(
        "OTEL_BLRP_SCHEDULE_DELAY",
        "Logs",
        milliseconds,
        ("logs", "batch_export", "export_interval"),
        doc="How long a log record waits for others to be sent with, in milliseconds.",
    ),
    _sets(
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "Logs",
        milliseconds,
        ("logs", "batch_export", "max_export_timeout"),
        doc="The longest that one attempt to send log records takes, in milliseconds.",
    ),
    _sets(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "Logs",
        whole(1),
        ("logs", "batch_export", "max_batch_size"),
        doc="The most log records in one request.",
    ),
    Variable(
        name=_BLRP_QUEUE,
        group="Logs",
        doc="How many items wait in memory for one destination; the larger of this and that of spans holds for both.",
        places=(_QUEUE,),
        read=_queue_size(_BSP_QUEUE),
    ),
)

_LIMITS: Final = (
    _sets(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "Limits",
        count,
        *(_SPAN, _EVENT, _LINK, _RECORD),
        doc="The most attributes of a span, an event, a link or a log record; the variables below win over it.",
    ),
    _sets(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Limits",
        count,
        *(_SPAN_LENGTH, _RECORD_LENGTH),
        doc="The most characters of an attribute that is text; the variables below win over it.",
    ),
    _sets(
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "Limits",
        count,
        _SPAN,
        doc="The most attributes of a span. What is no number here fails the import of OpenTelemetry's SDK, and heliograph's.",
    ),
    _sets("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "Limits", count, _EVENT, doc="The most attributes of an event of a span."),
    _sets("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "Limits", count, _LINK, doc="The most attributes of a link of a span."),
    _sets("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "Limits", count, _RECORD, doc="The most attributes of a log record."),
    _sets(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Limits",
        count,
        _SPAN_LENGTH,
        doc="The most characters of an attribute of a span, its events and its links.",
    ),
    _sets(
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "Limits",
        count,
        _RECORD_LENGTH,
        doc="The most characters of an attribute of a log record.",
    ),
    _sets(
        "OTEL_SPAN_EVENT_COUNT_LIMIT", "Limits", count, ("tracing", "max_events_per_span"), doc="The most events of a span."
    ),
    _sets("OTEL_SPAN_LINK_COUNT_LIMIT", "Limits", count, ("tracing", "max_links_per_span"), doc="The most links of a span."),
)

_METRICS: Final = (
    _sets(
        "OTEL_METRIC_EXPORT_INTERVAL",
        "Metrics",
        milliseconds,
        ("metrics", "collection_interval"),
        doc="How often metrics are collected and pushed, in milliseconds.",
    ),
    _sets(
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "Metrics",
        milliseconds,
        ("metrics", "max_export_timeout"),
        doc="The longest that one attempt to push metrics takes, in milliseconds.",
    ),
    _sets(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "Metrics",
        str.lower,
        ("metrics", "exemplars"),
        doc="Which measurements may be shown with their trace: `trace_based`, `always_on`, `always_off`.",
    ),
)

ROWS: Final = (
    *_OLDER,
    *_GENERAL,
    _exporters("OTEL_TRACES_EXPORTER", "tracing", "otlp", "console", "jaeger"),
    _exporters("OTEL_METRICS_EXPORTER", "metrics", "otlp", "console", "prometheus"),
    _exporters("OTEL_LOGS_EXPORTER", "logs", "otlp", "console"),
    *_TRACING,
    *_METRICS,
    *_LOGS,
    *_LIMITS,
)
