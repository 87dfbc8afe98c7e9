"""The recorder ``native``: our own providers, built from the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import MeterProvider as ApiMeterProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NoOpTracerProvider

from heliograph import names
from heliograph.recording import chosen
from heliograph.recording.logs.provider import LoggerProvider
from heliograph.recording.metrics.provider import MeterProvider
from heliograph.recording.metrics.views import ViewRule
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.providers import Providers
from heliograph.recording.traces.provider import TracerProvider
from heliograph.settings import TelemetrySettings
from heliograph.settings.metrics import MetricView

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
    resource, tracing = chosen.resource(settings), settings.tracing
    return Providers(
        tracer=TracerProvider(
            sampler=chosen.sampler(tracing),
            resource=resource,
            shutdown_on_exit=False,
            span_limits=chosen.span_limits(tracing),
            accept=accept_span,
            is_all_taken=tracing.is_tail_sampled,
            mishaps=mishaps,
        )
        if tracing.enabled
        else NoOpTracerProvider(),
        meter=_meter_provider(settings, resource, readers, mishaps) if settings.metrics.enabled else NoOpMeterProvider(),
        logger=LoggerProvider(
            resource=resource,
            shutdown_on_exit=False,
            log_record_limits=chosen.log_limits(settings.logs),
            accept=accept_log,
            mishaps=mishaps,
        )
        if settings.logs.enabled
        else NoOpLoggerProvider(),
    )


def _meter_provider(
    settings: TelemetrySettings, resource: Resource, readers: Sequence[MetricReader], mishaps: Mishaps
) -> ApiMeterProvider:
    provider = MeterProvider(
        metric_readers=readers,
        resource=resource,
        exemplar_filter=chosen.exemplar_filter(settings.metrics),
        shutdown_on_exit=False,
        views=[_rule(view) for view in settings.metrics.views],
        mishaps=mishaps,
        catalogue=settings.metrics.full_catalogue,
    )
    provider.report_undeclared(provider.get_meter(names.PIPELINE_SCOPE))
    return provider


def _rule(view: MetricView) -> ViewRule:
    return ViewRule(
        instrument_name=view.instrument,
        instrument_type=view.type,
        unit=view.unit,
        meter_name=view.meter,
        name=view.name,
        description=view.description,
        keep=frozenset(view.keep) if view.keep is not None else None,
        exclude=frozenset(view.exclude),
        buckets=view.buckets,
        exponential=view.exponential,
        drop=view.drop,
    )
