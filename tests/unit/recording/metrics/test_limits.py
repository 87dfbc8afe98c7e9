"""Series beyond the limit are folded together, exactly; series that went make room."""

from __future__ import annotations

import gc

from tests.unit.recording.metrics.collected import cumulative, delta, points, provider, values

OVERFLOW = {"otel.metric.overflow": True}


def test_sets_beyond_the_limit_are_added_up_in_one_series() -> None:
    reader = cumulative(limit=3)
    counter = provider(reader).get_meter("m").create_counter("c")
    for _ in range(3):
        for number in range(10):
            counter.add(1, {"k": str(number)})
    found = values(reader, "c")
    assert found[:3] == [({"k": str(number)}, 3) for number in range(3)]
    assert found[3:] == [(OVERFLOW, 21)]


def test_histograms_beyond_the_limit_are_merged_exactly() -> None:
    reader = cumulative(limit=1)
    histogram = provider(reader).get_meter("m").create_histogram("h", explicit_bucket_boundaries_advisory=[10])
    for number in range(20):
        histogram.record(number, {"k": str(number)})
    folded = points(reader, "h")[1]
    assert (folded.attributes, folded.bucket_counts, folded.sum) == (OVERFLOW, (10, 9), sum(range(20)))


def test_what_is_bound_beyond_the_limit_is_folded_too() -> None:
    reader = cumulative(limit=1)
    counter = provider(reader).get_meter("m").create_counter("c")
    bound = [counter.bind(k=str(number)) for number in range(3)]
    for one in bound:
        one.add(1)
    assert values(reader, "c") == [({"k": "0"}, 1), (OVERFLOW, 2)]


def test_a_set_that_is_named_like_the_overflow_is_the_overflow() -> None:
    reader = cumulative(limit=1)
    counter = provider(reader).get_meter("m").create_counter("c")
    counter.add(1, dict(OVERFLOW))
    counter.add(2, {"k": "1"})
    counter.add(4, {"k": "2"})
    assert sorted(value for _attributes, value in values(reader, "c")) == [2, 5]


def test_the_limit_of_a_delta_reader_is_one_for_each_interval() -> None:
    reader = delta(limit=2)
    counter = provider(reader).get_meter("m").create_counter("c")
    for interval in range(4):
        for number in range(3):
            counter.add(1, {"k": f"{interval}.{number}"})
        assert values(reader, "c") == [({"k": f"{interval}.0"}, 1), ({"k": f"{interval}.1"}, 1), (OVERFLOW, 1)]


def test_a_bound_series_of_a_delta_reader_keeps_its_place_until_nobody_holds_it() -> None:
    reader = delta(limit=1)
    counter = provider(reader).get_meter("m").create_counter("c")
    bound = counter.bind(k="bound")
    counter.add(1, {"k": "other"})
    assert values(reader, "c") == [(OVERFLOW, 1)]
    bound.add(1)
    assert values(reader, "c") == [({"k": "bound"}, 1)]
    del bound
    gc.collect()
    counter.add(1, {"k": "other"})
    assert values(reader, "c") == [({"k": "other"}, 1)]


def test_an_interval_without_measurements_shows_nothing_of_a_delta_and_everything_of_a_total() -> None:
    deltas, totals = delta(), cumulative()
    meter = provider(deltas, totals).get_meter("m")
    meter.create_counter("c").add(0)
    meter.create_histogram("h").record(5)
    for reader in (deltas, totals):
        assert len(points(reader, "c")) == 1
    meter.create_histogram("h").record(5)
    assert (points(deltas, "c"), len(points(totals, "c"))) == ([], 1)
    assert (points(deltas, "h"), points(totals, "h")[0].count) == ([], 2)


def test_intervals_of_a_delta_follow_upon_each_other() -> None:
    reader = delta()
    counter = provider(reader).get_meter("m").create_counter("c")
    ends = []
    for _ in range(3):
        counter.add(1)
        (point,) = points(reader, "c")
        assert point.start_time_unix_nano <= point.time_unix_nano
        if ends:
            assert point.start_time_unix_nano == ends[-1]
        ends.append(point.time_unix_nano)


def test_the_shortcuts_do_not_grow_with_the_number_of_sets() -> None:
    reader = cumulative(limit=10)
    counter = provider(reader).get_meter("m").create_counter("c")
    for number in range(1000):
        counter.add(1, {"k": str(number)})
    assert len(counter._series.cells) <= 40
    assert sum(value for _attributes, value in values(reader, "c")) == 1000
