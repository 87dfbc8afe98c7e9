"""The provider stands in the place of the SDK's: readers, exporters, flush and shutdown."""

from __future__ import annotations

import gc
import io
import weakref
from typing import Any

import pytest
from opentelemetry import metrics as api
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from heliograph.recording.metrics.provider import MeterProvider
from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, delta, metrics, provider, values


def test_it_counts_as_the_sdks_and_its_meters_too() -> None:
    of = provider()
    assert isinstance(of, (api.MeterProvider, sdk.MeterProvider))
    assert isinstance(of, sdk.MeterProvider)
    assert isinstance(of.get_meter("m"), sdk.Meter)


def test_an_exporter_of_the_sdk_gets_the_resource_the_scope_and_the_data() -> None:
    out = io.StringIO()
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=out), export_interval_millis=float("inf"))
    of = provider(reader, resource=Resource({"service.name": "s"}, "https://resource"))  # type: ignore[arg-type]
    meter = of.get_meter("scope", "1", "https://scope", {"a": "b"})
    meter.create_histogram("h").record(3)
    meter.create_counter("c").add(1, {"k": [1]})
    assert of.force_flush() is True
    of.shutdown()
    for part in (
        '"service.name": "s"',
        '"scope"',
        "https://scope",
        "https://resource",
        '"bucket_counts"',
        '"is_monotonic": true',
    ):
        assert part in out.getvalue()


def test_meters_are_the_same_for_the_same_arguments_and_none_without_a_name() -> None:
    of = provider()
    assert of.get_meter("m", "1") is of.get_meter("m", "1")
    assert of.get_meter("m", "1") is not of.get_meter("m", "2")
    assert isinstance(of.get_meter(""), NoOpMeter)
    of.shutdown()
    assert isinstance(of.get_meter("m", "1"), NoOpMeter)


def test_the_environment_can_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", " True ")
    assert isinstance(provider().get_meter("m"), NoOpMeter)


def test_a_reader_belongs_to_one_provider() -> None:
    reader = cumulative()
    of = provider(reader)
    with pytest.raises(ValueError, match="another MeterProvider"):
        provider(reader)
    of.add_metric_reader(reader)
    of.get_meter("m").create_counter("c").add(1)
    assert values(reader, "c") == [({}, 1)]


def test_readers_come_and_go() -> None:
    of = provider()
    first, second = cumulative(), delta()
    of.add_metric_reader(first)
    counter = of.get_meter("m").create_counter("c")
    counter.add(1)
    of.add_metric_reader(second)
    counter.add(2)
    of.remove_metric_reader(first)
    of.remove_metric_reader(first)
    counter.add(4)
    assert values(second, "c") == [({}, 6)]
    assert values(first, "c") == []


class Unwilling(InMemoryMetricReader):
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        raise RuntimeError("no")

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        raise RuntimeError("no")


class Watched(InMemoryMetricReader):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        self.calls.append("flush")
        return super().force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.calls.append("shutdown")


def test_a_reader_that_fails_stops_no_other_and_is_told() -> None:
    watched, mishaps = Watched(), Mishaps()
    of = provider(Unwilling(), watched, mishaps=mishaps)
    assert of.force_flush() is False
    of.shutdown()
    of.shutdown()
    assert watched.calls == ["flush", "shutdown"]
    assert mishaps.counts() == {"metric reader": 2}


def test_no_time_is_no_flush() -> None:
    watched = Watched()
    assert provider(watched).force_flush(timeout_millis=0) is False
    assert watched.calls == []


class _Off:
    is_enabled = False


class _On:
    is_enabled = True


def test_meters_can_be_switched_off_and_on() -> None:
    reader = cumulative()
    of = MeterProvider(
        [reader], shutdown_on_exit=False, _meter_configurator=lambda scope: _Off() if scope.name == "off" else _On()
    )
    off, on = of.get_meter("off").create_counter("off"), of.get_meter("on").create_counter("on")
    bound = off.bind()
    for counter in (off, on, bound):
        counter.add(1)
    assert set(metrics(reader)) == {"on"}
    of._set_meter_configurator(meter_configurator=lambda _scope: _On())
    off.add(1)
    bound.add(1)
    assert values(reader, "off") == [({}, 2)]
    of._set_meter_configurator(meter_configurator=lambda _scope: _Off())
    off.add(1)
    assert values(reader, "off") == [({}, 2)]


def test_a_configurator_that_raises_leaves_meters_on() -> None:
    reader = cumulative()
    of = MeterProvider([reader], shutdown_on_exit=False, _meter_configurator=lambda _scope: 1 / 0)
    of.get_meter("m").create_counter("c").add(1)
    assert values(reader, "c") == [({}, 1)]


def test_it_goes_when_nobody_needs_it() -> None:
    of = provider(cumulative())
    of.get_meter("m").create_counter("c").add(1)
    gone = weakref.ref(of)
    del of
    gc.collect()
    assert gone() is None


def test_the_streams_of_a_reader_are_its_cells() -> None:
    reader = cumulative()
    of = provider(reader)
    meter = of.get_meter("m", "1")
    meter.create_counter("c", "s", "seconds").add(2, {"k": "v"})
    meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1]).record(3)
    meter.create_gauge("untouched").bind(k="v")
    meter.create_observable_gauge("o", [lambda _options: [api.Observation(5)]])
    found = {stream.name: stream for stream in of.streams(reader)}
    assert [(stream.kind, stream.is_monotonic) for stream in found.values()] == [
        ("sum", True),
        ("explicit", False),
        ("last_value", False),
        ("last_value", False),
    ]
    c = found["c"]
    assert (c.unit, c.description, c.scope.version, c.cells[0].attributes, c.cells[0].value) == (
        "s",
        "seconds",
        "1",
        {"k": "v"},
        2,
    )
    assert (found["h"].bounds, found["h"].cells[0].read()[:2]) == ((1,), ([0, 1], 3))
    assert (found["untouched"].cells, found["o"].cells[0].value) == ([], 5)
    found["c"].cells[0].label_text = "kept"
    assert of.streams(reader)[0].cells[0].label_text == "kept"


def test_a_reader_that_is_new_to_the_sdk_may_keep_its_internal_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = cumulative()
    of = provider(reader)
    of.get_meter("m").create_counter("c").add(1)
    reader.collect()
    assert any("collection" in name for name in metrics(reader))
    assert isinstance(reader, MetricReader)
