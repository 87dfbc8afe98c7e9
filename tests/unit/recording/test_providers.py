"""The providers of both recorders as the settings ask for them: one body for both."""

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
from heliograph.catalog.catalogue import BUILTIN
from heliograph.recording import chosen, native
from heliograph.recording.chosen import resource as build_resource
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official import providers as official
from heliograph.recording.readers import SECONDS_BOUNDS
from tests.support.recorded import points_of

HTTP_DURATION = BUILTIN.get("http.server.request.duration")
SDK_BOUNDS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)


@pytest.fixture(params=[native, official], ids=["native", "opentelemetry-sdk"])
def build(request):
    return lambda **settings: Built(request.param.build, **settings)


class Built:
    def __init__(self, build_providers, **settings):
        wanted = TelemetrySettings(service_name="shop", **settings)
        self.spans, self.logs, self.reader = [], [], InMemoryMetricReader(**chosen.reader(wanted.metrics))
        self.providers = build_providers(
            wanted,
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


def test_all_three_signals_carry_the_same_resource_and_our_scope(build):
    built = build()
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
def test_new_traces_are_kept_at_the_sample_rate(build, rate, least, most):
    built = build(tracing={"sample_rate": rate, "keep_errors": False, "keep_slower_than": None})
    for _ in range(400):
        built.recorder.tracer.start_span("work").end()
    assert least <= len(built.spans) <= most


@pytest.mark.parametrize("is_sampled", [True, False])
def test_a_child_follows_its_parent_whatever_the_rate(build, is_sampled):
    built = build(tracing={"sample_rate": 0.0 if is_sampled else 1.0})
    flags = trace.TraceFlags(1 if is_sampled else 0)
    parent = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=flags))
    built.recorder.tracer.start_span("work", context=trace.set_span_in_context(parent)).end()
    assert len(built.spans) == is_sampled


def test_attributes_events_and_links_beyond_their_limits_are_left_out_and_counted(build):
    built = build(tracing={"max_attributes_per_span": 3, "max_events_per_span": 2, "max_links_per_span": 1})
    span = built.recorder.tracer.start_span("work", attributes={str(n): n for n in range(10)})
    for n in range(5):
        span.add_event(str(n))
        span.add_link(trace.SpanContext(1, n + 1, is_remote=True))
    span.end()
    assert (len(built.spans[0].attributes), built.spans[0].dropped_attributes) == (3, 7)
    assert (len(built.spans[0].events), built.spans[0].dropped_events) == (2, 3)
    assert (len(built.spans[0].links), built.spans[0].dropped_links) == (1, 4)


def test_long_texts_are_cut_where_the_settings_say_so(build):
    built = build(tracing={"max_attribute_length": 3})
    built.recorder.tracer.start_span("work", attributes={"a": "12345"}).end()
    assert built.spans[0].attributes["a"] == "123"


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ({"instrument": "Orders"}, {"orders": [{"a": 1, "b": 2}]}),
        ({"instrument": "ord*", "keep": ["a"]}, {"orders": [{"a": 1}]}),
        ({"instrument": "orders", "exclude": ["a"]}, {"orders": [{"b": 2}]}),
        ({"instrument": "orders", "keep": []}, {"orders": [{}]}),
        ({"instrument": "orders", "name": "sales"}, {"sales": [{"a": 1, "b": 2}]}),
        ({"type": "counter", "drop": True}, {}),
        ({"type": "gauge", "drop": True}, {"orders": [{"a": 1, "b": 2}]}),
        ({"meter": "heliograph", "drop": True}, {}),
        ({"meter": "other", "drop": True}, {"orders": [{"a": 1, "b": 2}]}),
        ({"unit": "{order}", "drop": True}, {}),
    ],
)
def test_views_choose_names_and_attributes(build, view, expected):
    built = build(metrics={"views": [view]})
    built.recorder.meter.create_counter("orders", "{order}").add(1, {"a": 1, "b": 2})
    built.providers.meter.get_meter("kept").create_histogram("kept").record(1)
    found = points_of(built.reader.get_metrics_data())
    assert {name: [dict(key) for key in points] for name, points in found.items() if name != "kept"} == expected
    assert len(found["kept"]) == 1


def test_views_choose_the_buckets_of_a_histogram(build):
    views = [{"instrument": "a", "buckets": [1, 2]}, {"instrument": "b", "exponential": True}]
    built = build(metrics={"views": views})
    for name in ("a", "b"):
        built.recorder.meter.create_histogram(name).record(1.5)
    found = points_of(built.reader.get_metrics_data())
    assert tuple(found["a"][()].bucket_counts) == (0, 1, 0)
    assert found["b"][()].positive.bucket_counts.count(1) == 1


@pytest.mark.parametrize(("exemplars", "count"), [("always_off", 0), ("trace_based", 1), ("always_on", 2)])
def test_the_settings_say_which_measurements_are_exemplars(build, exemplars, count):
    built = build(metrics={"exemplars": exemplars})
    counter = built.recorder.meter.create_counter("orders")
    with built.recorder.tracer.start_as_current_span("work"):
        counter.add(1, {"a": 1})
    counter.add(1, {"a": 2})
    assert sum(len(point.exemplars) for point in built.points("orders").values()) == count


def test_the_limit_of_attribute_sets_is_that_of_the_settings(build):
    built = build(metrics={"cardinality_limit": 3})
    counter = built.recorder.meter.create_counter("orders")
    for n in range(10):
        counter.add(1, {"n": n})
    points = built.points("orders")
    assert sum(point.value for point in points.values()) == 10
    assert points[(("otel.metric.overflow", True),)].value == 7


@pytest.mark.parametrize(("keep_errors", "count"), [(True, 2), (False, 0)])
def test_where_the_end_of_a_trace_decides_everything_is_handed_over(build, keep_errors, count):
    built = build(tracing={"sample_rate": 0.0, "keep_errors": keep_errors})
    with built.recorder.tracer.start_as_current_span("root"):
        built.recorder.tracer.start_span("child").end()
    assert len(built.spans) == count


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
def test_bounds_of_a_histogram_are_its_own_else_the_configured_else_those_of_its_unit(build, configured, unit, own, expected):
    built = build(metrics={"aggregation": {"histogram_buckets": configured}})
    histogram = built.recorder.meter.create_histogram("h", unit, explicit_bucket_boundaries_advisory=own)
    histogram.record(1, {"a": 1})
    histogram.record(1, {"a": 2})
    assert {tuple(point.explicit_bounds) for point in built.points("h").values()} == {expected}


@pytest.mark.parametrize(
    ("configured", "row", "expected"),
    [
        (None, None, HTTP_DURATION.buckets),
        ([1, 2], None, (1, 2)),
        (None, {"buckets": [5, 6]}, (5, 6)),
        ([1, 2], {"buckets": [5, 6]}, (5, 6)),
    ],
)
def test_bounds_of_a_catalogued_histogram_are_of_the_applications_row_else_the_configured_else_of_ours(
    build, configured, row, expected
):
    about = {"name": HTTP_DURATION.name, "kind": "histogram", "unit": "s"}
    rows = [{**about, **row}] if row is not None else []
    built = build(metrics={"aggregation": {"histogram_buckets": configured}, "catalogue": rows})
    built.recorder.meter.create_histogram(HTTP_DURATION.name).record(1)
    assert {tuple(point.explicit_bounds) for point in built.points(HTTP_DURATION.name).values()} == {expected}


@pytest.mark.parametrize(
    ("section", "field", "kind"),
    [
        ("tracing", "tracer", NoOpTracerProvider),
        ("metrics", "meter", NoOpMeterProvider),
        ("logs", "logger", NoOpLoggerProvider),
    ],
)
def test_a_signal_that_is_switched_off_has_a_provider_that_does_nothing(build, section, field, kind):
    built = build(**{section: {"enabled": False}})
    assert type(getattr(built.providers, field)) is kind
    built.recorder.tracer.start_span("work").end()
    built.recorder.logger.emit(LogRecord(body="x"))
    built.recorder.meter.create_counter("c").add(1)
    data = built.reader.get_metrics_data() if section != "metrics" else None
    assert {"tracing": not built.spans, "logs": not built.logs, "metrics": data is None}[section]
    built.providers.shutdown()


def test_building_registers_nothing_and_starts_no_thread(build):
    before = (threading.active_count(), trace.get_tracer_provider(), metrics.get_meter_provider())
    built = build()
    built.recorder.tracer.start_span("work").end()
    assert (threading.active_count(), trace.get_tracer_provider(), metrics.get_meter_provider()) == before


def test_nothing_is_handed_over_twice_by_a_shutdown(build):
    built = build()
    built.recorder.tracer.start_span("work").end()
    built.recorder.logger.emit(LogRecord(body="x"))
    built.providers.shutdown()
    assert (len(built.spans), len(built.logs)) == (1, 1)
