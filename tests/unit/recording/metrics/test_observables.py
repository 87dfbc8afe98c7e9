"""Callbacks: what they observe is shown, what they raise costs only their own values."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MetricsTimeoutError

from heliograph.recording.mishaps import Mishaps
from tests.unit.recording.metrics.collected import cumulative, delta, metrics, provider, values


def test_totals_are_shown_as_observed_and_as_differences() -> None:
    totals, differences = cumulative(), delta()
    seen = iter([10, 10, 15, 15, 12, 12])
    meter = provider(totals, differences).get_meter("m")
    meter.create_observable_up_down_counter("u", [lambda _options: [Observation(next(seen), {"k": "v"})]])
    found = [(values(totals, "u")[0][1], values(differences, "u")[0][1]) for _ in range(3)]
    assert found == [(10, 10), (15, 5), (12, -3)]


def test_what_is_observed_no_more_is_not_shown() -> None:
    reader = cumulative()
    seen = [Observation(1, {"k": "a"}), Observation(2, {"k": "b"})]
    meter = provider(reader).get_meter("m")
    for kind in ("counter", "gauge"):
        getattr(meter, f"create_observable_{kind}")(kind, [lambda _options: seen])
    assert [len(m.data.data_points) for m in metrics(reader).values()] == [2, 2]
    del seen[0]
    assert [m.data.data_points[0].attributes for m in metrics(reader).values()] == [{"k": "b"}] * 2


def test_two_observations_of_one_series_are_added_up_for_a_sum_and_the_last_counts_for_a_gauge() -> None:
    reader = cumulative()
    seen = [Observation(1), Observation(2)]
    meter = provider(reader).get_meter("m")
    meter.create_observable_counter("c", [lambda _options: seen])
    meter.create_observable_gauge("g", [lambda _options: seen])
    assert (values(reader, "c"), values(reader, "c"), values(reader, "g")) == ([({}, 3)], [({}, 3)], [({}, 2)])


def test_callbacks_may_be_generators_that_are_sent_the_options() -> None:
    reader = cumulative()
    sent = []

    def observe() -> Any:
        options = yield
        for value in range(2):
            sent.append(options)
            options = yield [Observation(value)]

    def each(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(7)

    meter = provider(reader).get_meter("m")
    meter.create_observable_gauge("g", [observe()])
    meter.create_observable_gauge("e", [each])
    found = [{name: m.data.data_points[0].value for name, m in metrics(reader).items()} for _ in range(3)]
    assert found == [{"g": 0, "e": 7}, {"g": 1, "e": 7}, {"e": 7}]
    assert all(isinstance(options, CallbackOptions) for options in sent)


class Abort(BaseException):
    pass


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(1), KeyboardInterrupt(), Abort()])
def test_a_callback_that_raises_costs_what_it_did_not_observe_before(error: BaseException) -> None:
    reader, mishaps = cumulative(), Mishaps()

    def fails(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"k": "before"})
        raise error

    meter = provider(reader, mishaps=mishaps).get_meter("m")
    meter.create_observable_gauge("g", [fails, lambda _options: [Observation(2, {"k": "sibling"})]])
    meter.create_observable_gauge("other", [lambda _options: [Observation(3)]])
    assert values(reader, "g") == [({"k": "before"}, 1), ({"k": "sibling"}, 2)]
    assert values(reader, "other") == [({}, 3)]
    assert mishaps.counts() == {"observable callback": 2}


def test_a_generator_that_fails_at_its_start_is_noted_when_it_is_given() -> None:
    reader, mishaps = cumulative(), Mishaps()

    def fails() -> Any:
        raise RuntimeError("no")
        yield

    def empty() -> Any:
        return
        yield

    provider(reader, mishaps=mishaps).get_meter("m").create_observable_gauge("g", [fails(), empty()])
    assert (values(reader, "g"), mishaps.counts()) == ([], {"observable callback": 1})


@pytest.mark.parametrize("seen", [Observation("7"), Observation(float("nan")), Observation(None), 7, None])  # type: ignore[arg-type]
def test_an_observation_of_no_number_costs_only_itself(seen: Any) -> None:
    reader, mishaps = cumulative(), Mishaps()
    meter = provider(reader, mishaps=mishaps).get_meter("m")
    meter.create_observable_gauge("g", [lambda _options: [seen, Observation(1)]])
    assert (values(reader, "g"), mishaps.counts()) == ([({}, 1)], {"observable callback": 1})


def test_callbacks_may_measure_and_make_instruments_and_even_collect() -> None:
    reader, mishaps = cumulative(), Mishaps()
    meter = provider(reader, mishaps=mishaps).get_meter("m")
    counter = meter.create_counter("c")

    def callback(_options: CallbackOptions) -> list[Observation]:
        counter.add(1, {"k": "v"})
        meter.create_counter("made.inside").add(1)
        reader.collect()
        return [Observation(5)]

    meter.create_observable_gauge("g", [callback])
    assert values(reader, "g") == [({}, 5)]
    assert set(metrics(reader)) == {"c", "g", "made.inside"}
    assert mishaps.counts() == {"observable callback": 2}


def test_a_slow_callback_costs_those_after_it_and_a_collection_that_waits_says_so() -> None:
    reader, mishaps = cumulative(), Mishaps()
    of = provider(reader, mishaps=mishaps)
    meter = of.get_meter("m")
    meter.create_counter("c").add(1)
    inside, over = threading.Event(), threading.Event()

    def slow(_options: CallbackOptions) -> list[Observation]:
        inside.set()
        over.wait(5)
        return [Observation(1)]

    meter.create_observable_gauge("slow", [slow])
    meter.create_observable_gauge("late", [lambda _options: [Observation(2)]])
    found: list[Any] = []
    collecting = threading.Thread(target=lambda: found.append(of._collecting.collect(reader, timeout_millis=50)))
    collecting.start()
    assert inside.wait(5)
    with pytest.raises(MetricsTimeoutError):
        reader.collect(timeout_millis=20)
    time.sleep(0.05)
    over.set()
    collecting.join()
    names = {metric.name for metric in found[0].resource_metrics[0].scope_metrics[0].metrics}
    assert names == {"c", "slow"}
    assert mishaps.counts() == {"observable callback": 1}


def test_sets_beyond_the_limit_are_folded() -> None:
    reader = cumulative(limit=2)
    seen = [Observation(1, {"k": number}) for number in range(5)]
    provider(reader).get_meter("m").create_observable_counter("c", [lambda _options: seen])
    for _ in range(2):
        assert [value for _attributes, value in values(reader, "c")] == [1, 1, 3]
