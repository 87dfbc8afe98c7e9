"""The official SDK's providers, built from our settings. This is the recorder ``opentelemetry-sdk``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LoggerProvider, NoOpLoggerProvider
from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NoOpTracerProvider, TracerProvider

from heliograph.recording import chosen
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.callbacks import guard_callbacks
from heliograph.recording.official.catalogued import give_catalogue
from heliograph.recording.official.forked import ZeroInChild
from heliograph.recording.official.handoff import LogHandoff, SpanHandoff
from heliograph.recording.official.views import sdk_view
from heliograph.recording.providers import Providers
from heliograph.settings import TelemetrySettings

Accept = Callable[[Any], None]


def build(
    settings: TelemetrySettings,
    *,
    accept_span: Accept,
    accept_log: Accept,
    readers: Sequence[MetricReader],
    mishaps: Mishaps,
) -> Providers:
    """Build the providers that ``settings`` ask for; spans and log records go to the accept functions as they are made,
    metrics to the readers when those collect. Registers nothing and starts no thread."""
    resource = chosen.resource(settings)
    return Providers(
        tracer=_tracer_provider(settings, resource, accept_span) if settings.tracing.enabled else NoOpTracerProvider(),
        meter=_meter_provider(settings, resource, readers, mishaps) if settings.metrics.enabled else NoOpMeterProvider(),
        logger=_logger_provider(settings, resource, accept_log) if settings.logs.enabled else NoOpLoggerProvider(),
    )


def _tracer_provider(settings: TelemetrySettings, resource: Resource, accept: Accept) -> TracerProvider:
    tracing = settings.tracing
    provider = sdk_trace.TracerProvider(
        sampler=chosen.sampler(tracing),
        resource=resource,
        shutdown_on_exit=False,
        span_limits=chosen.span_limits(tracing),
    )
    provider.add_span_processor(SpanHandoff(accept, is_all_taken=tracing.is_tail_sampled))
    return provider


def _meter_provider(
    settings: TelemetrySettings, resource: Resource, readers: Sequence[MetricReader], mishaps: Mishaps
) -> MeterProvider:
    views = [sdk_view(view) for view in settings.metrics.views]
    provider = sdk_metrics.MeterProvider(
        metric_readers=readers,
        resource=resource,
        exemplar_filter=chosen.exemplar_filter(settings.metrics),
        shutdown_on_exit=False,
        views=views,
    )
    guard_callbacks(provider, mishaps)
    give_catalogue(provider, settings.metrics.full_catalogue)
    ZeroInChild(provider)
    return provider


def _logger_provider(settings: TelemetrySettings, resource: Resource, accept: Accept) -> LoggerProvider:
    limits = chosen.log_limits(settings.logs)
    provider = sdk_logs.LoggerProvider(resource=resource, shutdown_on_exit=False, log_record_limits=limits)
    provider.add_log_record_processor(LogHandoff(accept))
    return provider
