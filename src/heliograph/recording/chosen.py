"""What the settings choose for the recorders, in the terms of the recorders: the same for both of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.semconv.attributes import telemetry_attributes
from opentelemetry.trace import SpanKind

from heliograph import names
from heliograph.__about__ import __version__
from heliograph.recording import resources
from heliograph.recording.readers import USUAL, Preference, reader_options
from heliograph.recording.sampling import HeadSampler, SpanRule
from heliograph.settings import TelemetrySettings
from heliograph.settings.exporters import ExporterSettings, OtlpMetricExporter
from heliograph.settings.logs import LogsSettings
from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.tracing import SpanPattern, TracingSettings

_KINDS: Final[Mapping[str | None, SpanKind | None]] = {None: None, **{kind.name.lower(): kind for kind in SpanKind}}


def resource(settings: TelemetrySettings) -> Resource:
    """Who sends."""
    # A name that nobody set leaves OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which the SDK reads, in force.
    is_named = "service_name" in settings.fields_set
    said = {
        names.SERVICE_NAME: settings.service_name if is_named else None,
        names.SERVICE_VERSION: settings.service_version,
        names.DEPLOYMENT_ENVIRONMENT: settings.environment,
    }
    return resources.created(
        {
            **(_OUR_SDK if settings.recorder == "native" else {}),
            **settings.resource,
            **{name: value for name, value in said.items() if value is not None},  # as OTEL_SERVICE_NAME wins over attributes
        },
        settings.resource_detectors,
    )


def sampler(tracing: TracingSettings) -> HeadSampler:
    """The decision at the beginning of a trace; where its end decides too, everything is recorded until then."""
    rules = [(span_rule(rule), rule.sample_rate) for rule in tracing.sample_rules]
    return HeadSampler(tracing.sample_rate, rules, is_all_recorded=tracing.is_tail_sampled)


def span_rule(pattern: SpanPattern) -> SpanRule:
    """A pattern of the settings as what decides."""
    return SpanRule(name=pattern.name, kind=_KINDS[pattern.kind], attributes=pattern.attributes)


def span_limits(tracing: TracingSettings) -> SpanLimits:
    """How much a span may hold. All is said, since the SDK looks up in its variables what is not, and raises there."""
    longest = SpanLimits.UNSET if tracing.max_attribute_length is None else tracing.max_attribute_length
    return SpanLimits(
        max_attributes=tracing.max_attributes_per_span,
        max_span_attributes=tracing.max_attributes_per_span,
        max_events=tracing.max_events_per_span,
        max_links=tracing.max_links_per_span,
        max_event_attributes=tracing.max_attributes_per_event,
        max_link_attributes=tracing.max_attributes_per_link,
        max_attribute_length=longest,
        max_span_attribute_length=longest,
    )


def log_limits(logs: LogsSettings) -> LogRecordLimits:
    """How much a log record may hold; all of it, as with spans."""
    longest = LogRecordLimits.UNSET if logs.max_attribute_length is None else logs.max_attribute_length
    return LogRecordLimits(
        max_attributes=logs.max_attributes_per_record,
        max_attribute_length=longest,
        max_log_record_attributes=logs.max_attributes_per_record,
        max_log_record_attribute_length=longest,
    )


def exemplar_filter(metrics: MetricsSettings) -> ExemplarFilter:
    """Which measurements may become exemplars."""
    return _EXEMPLARS[metrics.exemplars]()


def preference(exporter: ExporterSettings) -> Preference:
    """How that exporter wants metrics."""
    if isinstance(exporter, OtlpMetricExporter):
        return Preference(exporter.temporality, exporter.histogram_aggregation)
    return USUAL


def reader(metrics: MetricsSettings, preference: Preference = USUAL) -> dict[str, Any]:
    """The arguments of a metric reader."""
    return reader_options(metrics.cardinality_limit, metrics.aggregation.histogram_buckets, preference)


# OpenTelemetry semantic conventions, "Telemetry SDK": who is not the official one says who it is.
_OUR_SDK: Final = {
    telemetry_attributes.TELEMETRY_SDK_NAME: names.SCOPE,
    telemetry_attributes.TELEMETRY_SDK_VERSION: __version__,
}
_EXEMPLARS: Final[Mapping[str, type[ExemplarFilter]]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}
