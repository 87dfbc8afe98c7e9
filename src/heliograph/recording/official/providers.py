"""The official SDK's providers, built from our settings. This is the recorder ``opentelemetry-sdk``."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry._logs import LoggerProvider, NoOpLoggerProvider
from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk import metrics as sdk_metrics
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NoOpTracerProvider, TracerProvider

from heliograph import names
from heliograph.__about__ import __version__
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.callbacks import guard_callbacks
from heliograph.recording.official.handoff import LogHandoff, SpanHandoff
from heliograph.recording.recorder import Recorder
from heliograph.settings import TelemetrySettings
from heliograph.text import described

logger = logging.getLogger("heliograph")

Accept = Callable[[Any], None]

# Histogram bounds when the unit is seconds and nobody gave any. Source: OpenTelemetry semantic conventions,
# `http.server.request.duration`, ExplicitBucketBoundaries. The SDK's own default suits milliseconds.
SECONDS_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """The three providers of a running manager; a signal that is switched off has one that does nothing."""

    tracer: TracerProvider
    meter: MeterProvider
    logger: LoggerProvider

    def recorder(self) -> Recorder:
        return Recorder(
            tracer=self.tracer.get_tracer(names.SCOPE, __version__),
            meter=self.meter.get_meter(names.SCOPE, __version__),
            logger=self.logger.get_logger(names.SCOPE, __version__),
        )

    def shutdown(self) -> None:
        """Shut down those that can be; nothing is lost by it, since the pipelines were emptied before."""
        for provider in (self.tracer, self.meter, self.logger):
            close = getattr(provider, "shutdown", None)
            try:
                if close is not None:
                    close()
            except Exception as error:  # processors that the application attached may raise anything; the others are closed
                logger.warning("a provider did not shut down: %s", described(error))


def build_providers(
    settings: TelemetrySettings,
    *,
    accept_span: Accept,
    accept_log: Accept,
    readers: Sequence[MetricReader],
    mishaps: Mishaps,
) -> Providers:
    """Build the providers that ``settings`` ask for; spans and log records go to the accept functions as they are made,
    metrics to the readers when those collect. Registers nothing and starts no thread."""
    resource = build_resource(settings)
    return Providers(
        tracer=_tracer_provider(settings, resource, accept_span) if settings.tracing.enabled else NoOpTracerProvider(),
        meter=_meter_provider(settings, resource, readers, mishaps) if settings.metrics.enabled else NoOpMeterProvider(),
        logger=_logger_provider(resource, accept_log) if settings.logs.enabled else NoOpLoggerProvider(),
    )


def build_resource(settings: TelemetrySettings) -> Resource:
    """Who sends: attribute names of the OpenTelemetry semantic conventions for services and deployments."""
    # A name that nobody set leaves OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which the SDK reads, in force.
    is_named = "service_name" in settings.model_fields_set
    named = {
        names.SERVICE_NAME: settings.service_name if is_named else None,
        names.SERVICE_VERSION: settings.service_version,
        names.SERVICE_INSTANCE_ID: str(uuid.uuid4()),
        names.DEPLOYMENT_ENVIRONMENT: settings.environment,
        **settings.resource,
    }
    return Resource.create({name: value for name, value in named.items() if value is not None})


def _tracer_provider(settings: TelemetrySettings, resource: Resource, accept: Accept) -> TracerProvider:
    tracing = settings.tracing
    provider = sdk_trace.TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(tracing.sample_rate)),
        resource=resource,
        shutdown_on_exit=False,
        span_limits=sdk_trace.SpanLimits(
            max_span_attributes=tracing.max_attributes_per_span, max_events=tracing.max_events_per_span
        ),
    )
    provider.add_span_processor(SpanHandoff(accept))
    return provider


def _meter_provider(
    settings: TelemetrySettings, resource: Resource, readers: Sequence[MetricReader], mishaps: Mishaps
) -> MeterProvider:
    view = View(
        instrument_type=sdk_metrics.Histogram,
        aggregation=_HistogramBounds(settings.metrics.aggregation.histogram_buckets),
    )
    provider = sdk_metrics.MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False, views=[view])
    guard_callbacks(provider, mishaps)
    return provider


class _HistogramBounds(ExplicitBucketHistogramAggregation):
    """Bounds of a histogram: its own, else those of the settings, else OpenTelemetry's for its unit."""

    def __init__(self, configured: Sequence[float] | None) -> None:
        super().__init__()
        self._configured = configured

    def _create_aggregation(self, instrument: Any, *rest: Any, **options: Any) -> Any:
        advisory = getattr(instrument, "_advisory", None)
        own = advisory.explicit_bucket_boundaries if advisory is not None else None
        bounds = own or self._configured or (SECONDS_BOUNDS if instrument.unit == "s" else None)
        chosen = ExplicitBucketHistogramAggregation(boundaries=bounds)
        return chosen._create_aggregation(instrument, *rest, **options)


def _logger_provider(resource: Resource, accept: Accept) -> LoggerProvider:
    provider = sdk_logs.LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(LogHandoff(accept))
    return provider
