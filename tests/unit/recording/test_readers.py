"""Metric readers on both recorders: a collection is handed over when somebody asks, and only if there is anything in it."""

from __future__ import annotations

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider

from heliograph.recording import MeterProvider
from heliograph.recording.readers import MetricHandoff, data_points, reader_options
from tests.support.recorded import points_of


@pytest.fixture(params=[MeterProvider, SdkMeterProvider], ids=["native", "opentelemetry-sdk"])
def metric_handoff(request):
    kept = []
    reader = MetricHandoff(kept.append, reader_options(10))
    provider = request.param([reader], shutdown_on_exit=False)
    yield provider.get_meter("test"), reader, kept
    provider.shutdown()


def test_metrics_are_handed_over_when_somebody_collects(metric_handoff):
    meter, reader, kept = metric_handoff
    meter.create_counter("c").add(2)
    assert kept == []
    reader.collect()
    assert points_of(kept[0])["c"][()].value == 2


def test_a_collection_without_data_points_is_not_handed_over(metric_handoff):
    meter, reader, kept = metric_handoff
    reader.collect()
    meter.create_counter("c")
    reader.collect()
    assert kept == []


def test_a_collection_weighs_its_data_points(metric_handoff):
    meter, reader, kept = metric_handoff
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    meter.create_observable_gauge("o", [lambda _options: [Observation(1, {"n": n}) for n in range(4)]])
    for n in range(3):
        counter.add(1, {"n": n})
    histogram.record(1)
    reader.collect()
    assert data_points(kept[0]) == 3 + 1 + 4


def test_attribute_sets_beyond_the_limit_are_folded_into_one(metric_handoff):
    meter, reader, kept = metric_handoff
    counter = meter.create_counter("c")
    for n in range(1000):
        counter.add(1, {"n": n})
    reader.collect()
    points = points_of(kept[0])["c"]
    assert len(points) == 10 + 1
    assert sum(point.value for point in points.values()) == 1000
    assert points[(("otel.metric.overflow", True),)].value == 990


def test_the_limit_holds_for_every_kind_of_instrument(metric_handoff):
    meter, reader, kept = metric_handoff
    calls = {"counter": "add", "up_down_counter": "add", "gauge": "set", "histogram": "record"}
    for kind, call in calls.items():
        instrument = getattr(meter, f"create_{kind}")(kind)
        for n in range(30):
            getattr(instrument, call)(1, {"n": n})
    reader.collect()
    points = points_of(kept[0])
    assert {kind: len(points[kind]) for kind in calls} == dict.fromkeys(calls, 11)


def test_a_reader_whose_callback_raises_still_hands_over_the_rest(metric_handoff, caplog):
    meter, reader, kept = metric_handoff

    def broken(_options):
        raise RuntimeError("broken")

    meter.create_observable_gauge("broken", [broken])
    meter.create_counter("c").add(1)
    reader.collect()
    assert set(points_of(kept[0])) == {"c"}
