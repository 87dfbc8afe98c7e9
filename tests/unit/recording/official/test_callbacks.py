"""Observable callbacks that raise cost their own values only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.recording.mishaps import Mishaps
from heliograph.recording.official.callbacks import guard_callbacks


class Unforeseen(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, Unforeseen, StopIteration])
def test_a_callback_that_raises_anything_costs_only_what_comes_after_it(kind: type[BaseException]) -> None:
    def broken(_options: CallbackOptions) -> Iterator[Observation]:
        yield Observation(1, {"is": "kept"})
        raise kind

    reader, mishaps = InMemoryMetricReader(), Mishaps()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    guard_callbacks(provider, mishaps)
    meter = provider.get_meter("test")
    meter.create_observable_gauge("broken", [broken, lambda _options: [Observation(2, {"is": "another callback's"})]])
    meter.create_observable_gauge("whole", [lambda _options: [Observation(3)]])
    data = reader.get_metrics_data()
    assert data is not None
    points = {
        metric.name: sorted(point.value for point in metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert points == {"broken": [1, 2], "whole": [3]}
    assert mishaps.counts() == {"observable callback": 1}


def test_a_generator_as_a_callback_goes_on_being_asked() -> None:
    def numbers() -> Iterator[list[Observation]]:
        number = 0
        yield []
        while True:
            number += 1
            yield [Observation(number)]

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    guard_callbacks(provider, Mishaps())
    provider.get_meter("test").create_observable_gauge("g", [numbers()])
    values = []
    for _ in range(3):
        data = reader.get_metrics_data()
        assert data is not None
        values.append(data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value)
    assert values == [1, 2, 3]
