"""How a destination wants metrics, on both recorders: what values count from, and which buckets histograms have."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import Meter, Observation
from opentelemetry.sdk.metrics.export import AggregationTemporality, ExponentialHistogram, Histogram

from heliograph import TelemetrySettings
from heliograph.recording import chosen, native
from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official import providers as official
from heliograph.recording.readers import MetricHandoff
from heliograph.settings.exporters import ConsoleExporter, OtlpExporter, OtlpMetricExporter

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
# Which of the instruments that have a temporality count from the last collection.
FROM_LAST = {
    "cumulative": set(),
    "delta": {"counter", "histogram", "observable_counter"},
    "low_memory": {"counter", "histogram"},
}


@pytest.fixture(params=[native, official], ids=["native", "opentelemetry-sdk"])
def recorded(request):
    opened = []

    def build(metrics: dict[str, Any] | None = None, **exporter: Any) -> Recorded:
        opened.append(Recorded(request.param.build, metrics or {}, exporter))
        return opened[-1]

    yield build
    for each in opened:
        each.providers.shutdown()


class Recorded:
    def __init__(self, build_providers: Any, metrics: dict[str, Any], exporter: dict[str, Any]) -> None:
        settings = TelemetrySettings(metrics={**metrics, "exporters": [{"type": "otlp", **exporter}]})
        (wanted,) = settings.metrics.exporters
        self.kept: list[Any] = []
        self.reader = MetricHandoff(self.kept.append, chosen.reader(settings.metrics, chosen.preference(wanted)))
        self.providers = build_providers(
            settings, accept_span=print, accept_log=print, readers=[self.reader], mishaps=Mishaps()
        )
        self.meter: Meter = self.providers.meter.get_meter("test")

    def collected(self) -> dict[str, Any]:
        """The data of each metric, as collected now."""
        self.reader.hand_over()
        (resource,) = self.kept[-1].resource_metrics
        return {metric.name: metric.data for scope in resource.scope_metrics for metric in scope.metrics}


def _one_of_each(meter: Meter) -> None:
    meter.create_counter("counter").add(1)
    meter.create_up_down_counter("up_down_counter").add(1)
    meter.create_histogram("histogram").record(1)
    meter.create_gauge("gauge").set(1)
    meter.create_observable_counter("observable_counter", [lambda _options: [Observation(1)]])
    meter.create_observable_up_down_counter("observable_up_down_counter", [lambda _options: [Observation(1)]])
    meter.create_observable_gauge("observable_gauge", [lambda _options: [Observation(1)]])


@pytest.mark.parametrize("temporality", FROM_LAST)
def test_each_instrument_counts_from_where_the_preference_says(recorded, temporality):
    made = recorded(temporality=temporality)
    _one_of_each(made.meter)
    data = made.collected()
    found = {name: data[name].aggregation_temporality for name in data if hasattr(data[name], "aggregation_temporality")}
    wanted = {name: DELTA if name in FROM_LAST[temporality] else CUMULATIVE for name in found}
    assert found == wanted
    assert len(found) == 5


def test_without_a_preference_everything_counts_from_the_start_with_the_bounds_as_given(recorded):
    made = recorded()
    _one_of_each(made.meter)
    data = made.collected()
    assert {each.aggregation_temporality for each in data.values() if hasattr(each, "aggregation_temporality")} == {CUMULATIVE}
    assert isinstance(data["histogram"], Histogram)


def test_deltas_are_what_came_since_the_last_collection(recorded):
    made = recorded(temporality="delta")
    counter, histogram = made.meter.create_counter("c"), made.meter.create_histogram("h", unit="s")
    total = iter([10, 13, 13])
    made.meter.create_observable_counter("o", [lambda _options: [Observation(next(total))]])
    found = []
    for amount in (2, 3):
        counter.add(amount)
        histogram.record(amount)
        data = made.collected()
        (h,) = data["h"].data_points
        found.append((data["c"].data_points[0].value, h.sum, h.count, data["o"].data_points[0].value))
    assert found == [(2, 2, 1, 10), (3, 3, 1, 3)]


@pytest.mark.parametrize("temporality", FROM_LAST)
def test_histograms_find_their_own_bounds_when_that_is_preferred(recorded, temporality):
    made = recorded(temporality=temporality, histogram_aggregation="exponential")
    made.meter.create_histogram("plain").record(3)
    made.meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[1, 2]).record(3)
    made.meter.create_histogram("http.server.request.duration", unit="s").record(3)  # has bounds in the catalogue
    data = made.collected()
    assert {type(each) for each in data.values()} == {ExponentialHistogram}
    assert {each.data_points[0].sum for each in data.values()} == {3}


def test_a_view_that_names_bounds_wins_over_the_preference(recorded):
    made = recorded({"views": [{"instrument": "latency", "buckets": [1, 2]}]}, histogram_aggregation="exponential")
    made.meter.create_histogram("latency").record(3)
    made.meter.create_histogram("other").record(3)
    data = made.collected()
    assert tuple(data["latency"].data_points[0].explicit_bounds) == (1, 2)
    assert isinstance(data["other"], ExponentialHistogram)


def test_the_preference_wins_over_bounds_for_every_histogram(recorded):
    made = recorded({"aggregation": {"histogram_buckets": [1, 2]}}, histogram_aggregation="exponential")
    made.meter.create_histogram("latency").record(3)
    assert isinstance(made.collected()["latency"], ExponentialHistogram)


def test_a_cardinality_limit_holds_for_deltas_too(recorded):
    made = recorded({"cardinality_limit": 3}, temporality="delta")
    counter = made.meter.create_counter("c")
    for number in range(10):
        counter.add(1, {"n": number})
    points = made.collected()["c"].data_points
    assert sum(point.value for point in points) == 10
    assert len(points) == 3 + 1


@pytest.mark.parametrize(
    "exporter", [ConsoleExporter(), OtlpExporter(), OtlpMetricExporter()], ids=lambda each: type(each).__name__
)
def test_who_asks_for_nothing_gets_the_usual(exporter):
    assert chosen.preference(exporter) == ("cumulative", "explicit")
