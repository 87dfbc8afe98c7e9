"""The official SDK's providers as the settings ask for them."""

from __future__ import annotations

import threading
import uuid

import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracerProvider

from heliograph import TelemetrySettings, __version__
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.providers import SECONDS_BOUNDS, build_providers, build_resource
from tests.support.recorded import points_of

SDK_BOUNDS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)


class Built:
    def __init__(self, **settings):
        self.spans, self.logs, self.reader = [], [], InMemoryMetricReader()
        self.providers = build_providers(
            TelemetrySettings(service_name="shop", **settings),
            accept_span=self.spans.append,
            accept_log=self.logs.append,
            readers=[self.reader],
            mishaps=Mishaps(),
        )
        self.recorder = self.providers.recorder()

    def points(self, name):
        return points_of(self.reader.get_metrics_data())[name]


def test_the_resource_says_who_sends():
    settings = TelemetrySettings(
        service_name="shop", service_version="1.2", environment="test", resource={"team": "a", "n": 1}
    )
    attributes = build_resource(settings).attributes
    assert (attributes["service.name"], attributes["service.version"]) == ("shop", "1.2")
    assert (attributes["deployment.environment.name"], attributes["team"], attributes["n"]) == ("test", "a", 1)
    assert attributes["telemetry.sdk.language"] == "python"


def test_what_was_not_given_is_not_in_the_resource():
    attributes = build_resource(TelemetrySettings(service_name="shop")).attributes
    assert not {"service.version", "deployment.environment.name"} & set(attributes)


def test_every_build_is_an_instance_of_its_own_unless_the_resource_names_one():
    settings = TelemetrySettings(service_name="shop")
    first, second = (build_resource(settings).attributes["service.instance.id"] for _ in range(2))
    assert first != second
    assert uuid.UUID(first).version == 4
    named = TelemetrySettings(service_name="shop", resource={"service.instance.id": "pod-1"})
    assert build_resource(named).attributes["service.instance.id"] == "pod-1"


def test_all_three_signals_carry_the_same_resource_and_our_scope():
    built = Built()
    built.recorder.tracer.start_span("work").end()
    built.recorder.logger.emit(LogRecord(body="x"))
    built.recorder.meter.create_counter("c").add(1)
    (resource_metrics,) = built.reader.get_metrics_data().resource_metrics
    resources = [built.spans[0].resource, built.logs[0].resource, resource_metrics.resource]
    assert len({resource.attributes["service.instance.id"] for resource in resources}) == 1
    scopes = [
        built.spans[0].instrumentation_scope,
        built.logs[0].instrumentation_scope,
        resource_metrics.scope_metrics[0].scope,
    ]
    assert {(scope.name, scope.version) for scope in scopes} == {("heliograph", __version__)}


@pytest.mark.parametrize(("rate", "least", "most"), [(0.0, 0, 0), (1.0, 400, 400), (0.5, 120, 280)])
def test_new_traces_are_kept_at_the_sample_rate(rate, least, most):
    built = Built(tracing={"sample_rate": rate})
    for _ in range(400):
        built.recorder.tracer.start_span("work").end()
    assert least <= len(built.spans) <= most


@pytest.mark.parametrize("is_sampled", [True, False])
def test_a_child_follows_its_parent_whatever_the_rate(is_sampled):
    built = Built(tracing={"sample_rate": 0.0 if is_sampled else 1.0})
    flags = trace.TraceFlags(1 if is_sampled else 0)
    parent = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=flags))
    built.recorder.tracer.start_span("work", context=trace.set_span_in_context(parent)).end()
    assert len(built.spans) == is_sampled


def test_attributes_and_events_beyond_their_limits_are_left_out_and_counted():
    built = Built(tracing={"max_attributes_per_span": 3, "max_events_per_span": 2})
    span = built.recorder.tracer.start_span("work", attributes={str(n): n for n in range(10)})
    for n in range(5):
        span.add_event(str(n))
    span.end()
    assert (len(built.spans[0].attributes), built.spans[0].dropped_attributes) == (3, 7)
    assert (len(built.spans[0].events), built.spans[0].dropped_events) == (2, 3)


@pytest.mark.parametrize(
    ("configured", "unit", "own", "expected"),
    [
        (None, "", None, SDK_BOUNDS),
        (None, "ms", None, SDK_BOUNDS),
        (None, "s", None, SECONDS_BOUNDS),
        ([1, 2], "s", None, (1, 2)),
        ([1, 2], "ms", None, (1, 2)),
        ([1, 2], "s", [7, 8], (7, 8)),
        (None, "s", [7, 8], (7, 8)),
    ],
)
def test_bounds_of_a_histogram_are_its_own_else_the_configured_else_those_of_its_unit(configured, unit, own, expected):
    built = Built(metrics={"aggregation": {"histogram_buckets": configured}})
    histogram = built.recorder.meter.create_histogram("h", unit, explicit_bucket_boundaries_advisory=own)
    histogram.record(1, {"a": 1})
    histogram.record(1, {"a": 2})
    assert {tuple(point.explicit_bounds) for point in built.points("h").values()} == {expected}


@pytest.mark.parametrize(
    ("section", "field", "kind"),
    [
        ("tracing", "tracer", NoOpTracerProvider),
        ("metrics", "meter", NoOpMeterProvider),
        ("logs", "logger", NoOpLoggerProvider),
    ],
)
def test_a_signal_that_is_switched_off_has_a_provider_that_does_nothing(section, field, kind):
    built = Built(**{section: {"enabled": False}})
    assert type(getattr(built.providers, field)) is kind
    built.recorder.tracer.start_span("work").end()
    built.recorder.logger.emit(LogRecord(body="x"))
    built.recorder.meter.create_counter("c").add(1)
    data = built.reader.get_metrics_data() if section != "metrics" else None
    assert {"tracing": not built.spans, "logs": not built.logs, "metrics": data is None}[section]
    built.providers.shutdown()


def test_building_registers_nothing_and_starts_no_thread():
    before = (threading.active_count(), trace.get_tracer_provider(), metrics.get_meter_provider())
    built = Built()
    built.recorder.tracer.start_span("work").end()
    assert (threading.active_count(), trace.get_tracer_provider(), metrics.get_meter_provider()) == before


def test_nothing_is_handed_over_twice_by_a_shutdown():
    built = Built()
    built.recorder.tracer.start_span("work").end()
    built.recorder.logger.emit(LogRecord(body="x"))
    built.providers.shutdown()
    assert (len(built.spans), len(built.logs)) == (1, 1)
