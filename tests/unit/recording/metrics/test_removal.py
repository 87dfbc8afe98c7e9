"""A series that was removed is not shown until it is measured again."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.metrics import Observation

from tests.unit.recording.metrics.collected import cumulative, delta, points, provider, values


@pytest.mark.parametrize("readers", [(cumulative,), (cumulative, delta)])
def test_a_removed_series_begins_anew(readers: Any) -> None:
    readers = [make() for make in readers]
    meter = provider(*readers).get_meter("m")
    gauge, counter, histogram = meter.create_gauge("g"), meter.create_counter("c"), meter.create_histogram("h")
    for which in ("a", "b"):
        gauge.set(7, {"k": which})
        counter.add(7, {"k": which})
        histogram.record(7, {"k": which})
    for instrument in (gauge, counter, histogram):
        instrument.remove({"k": "a"})
    for reader in readers:
        data = {m.name: m for m in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
        assert [[point.attributes["k"] for point in data[name].data.data_points] for name in "gch"] == [["b"]] * 3
    counter.add(1, {"k": "a"})
    assert ({"k": "a"}, 1) in values(readers[0], "c")


def test_a_bound_instrument_stays_connected_to_a_removed_series() -> None:
    reader = cumulative()
    gauge = provider(reader).get_meter("m").create_gauge("g")
    bound = gauge.bind(k="v")
    bound.set(1)
    first = points(reader, "g")
    gauge.remove({"k": "v"})
    assert points(reader, "g") == []
    bound.set(2)
    gauge.set(3, {"k": "v"})
    assert len(first) == 1
    assert values(reader, "g") == [({"k": "v"}, 3)]


def test_the_removed_make_room_for_others() -> None:
    reader = cumulative(limit=1)
    counter = provider(reader).get_meter("m").create_counter("c")
    counter.add(1, {"k": "a"})
    counter.add(1, {"k": "b"})
    counter.remove({"k": "a"})
    counter.add(1, {"k": "b"})
    assert values(reader, "c") == [({"k": "b"}, 1), ({"otel.metric.overflow": True}, 1)]


def test_what_is_not_there_is_removed_without_a_word() -> None:
    meter = provider(cumulative()).get_meter("m")
    meter.create_counter("c").remove({"k": "unknown"})
    meter.create_counter("c").remove()
    meter.create_counter("c").remove(7)


def test_an_observable_series_comes_back_when_it_is_observed() -> None:
    reader = cumulative()
    seen = [Observation(5, {"k": "v"})]
    gauge = provider(reader).get_meter("m").create_observable_gauge("g", [lambda _options: seen])
    assert values(reader, "g") == [({"k": "v"}, 5)]
    gauge.remove({"k": "v"})
    assert values(reader, "g") == [({"k": "v"}, 5)]
    seen.clear()
    assert values(reader, "g") == []
