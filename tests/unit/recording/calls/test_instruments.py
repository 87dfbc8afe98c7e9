"""Instruments: one object a name, recording while there is a meter, never raising in use."""

from __future__ import annotations

import decimal
import logging
import math
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heliograph.errors import InstrumentError
from heliograph.recording import MeterProvider
from heliograph.recording.calls.instruments import Counter, Gauge, Histogram, Instruments, UpDownCounter
from heliograph.recording.mishaps import Mishaps
from tests.support.recorded import RECORDERS, points_of

KINDS = [Counter, UpDownCounter, Gauge, Histogram]
CALLS = {Counter: "add", UpDownCounter: "add", Gauge: "set", Histogram: "record"}


class Unshowable:
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


class Metrics:
    """Instruments on a meter provider of their own."""

    def __init__(self, recorder="native"):
        self.recorder = recorder
        self.mishaps = Mishaps()
        self.instruments = Instruments(self.mishaps)
        self.attach()

    def attach(self):
        self.reader = InMemoryMetricReader()
        if self.recorder == "native":
            self.provider = MeterProvider([self.reader], shutdown_on_exit=False, mishaps=self.mishaps)
        else:
            self.provider = SdkMeterProvider([self.reader], shutdown_on_exit=False)
        self.instruments.attach(self.provider.get_meter("test"))

    def points(self, name):
        data = self.reader.get_metrics_data()
        return points_of(data).get(name, {}) if data is not None else {}

    def value(self, name, **attributes):
        point = self.points(name)[tuple(sorted(attributes.items()))]
        return point.sum if hasattr(point, "sum") else point.value


@pytest.fixture(params=RECORDERS)
def metrics(request):
    made = Metrics(request.param)
    yield made
    made.provider.shutdown()


def measure(instrument, *arguments):
    getattr(instrument, CALLS[type(instrument)])(*arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_name_gives_the_same_object_without_regard_to_case(metrics, kind):
    first = metrics.instruments.get(kind, "Requests.Total", unit="{request}")
    assert metrics.instruments.get(kind, "requests.total") is first
    assert metrics.instruments.get(kind, "Requests.Total", unit="{request}", description="another") is first
    assert metrics.instruments.by_name(kind, "REQUESTS.TOTAL") is first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_name_taken_by_another_kind_is_refused_naming_both(metrics, kind, other):
    metrics.instruments.get(kind, "taken")
    if kind is other:
        assert metrics.instruments.get(other, "taken")
        return
    with pytest.raises(InstrumentError, match=rf"^{other.kind} 'taken' was asked for, but 'taken' is a {kind.kind} already"):
        metrics.instruments.get(other, "taken")


@pytest.mark.parametrize("wanted", [{"unit": "ms"}, {"buckets": [1, 3]}, {"unit": "s", "buckets": [1, 3]}])
def test_the_same_name_with_another_unit_or_other_buckets_is_refused_naming_both(metrics, wanted):
    metrics.instruments.get(Histogram, "duration", unit="s", buckets=[1, 2])
    with pytest.raises(InstrumentError, match=r"exists with unit 's' and buckets \(1.0, 2.0\)"):
        metrics.instruments.get(Histogram, "duration", **wanted)


@given(name=st.one_of(st.text(max_size=8), st.from_regex(r"[A-Za-z][A-Za-z0-9_.\-/]{0,300}", fullmatch=True)))
def test_exactly_the_names_of_the_specification_are_allowed(name):
    allowed = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\-/]{0,254}", name, re.ASCII) is not None
    instruments = Instruments(Mishaps())
    if allowed:
        assert instruments.get(Counter, name).name == name
    else:
        with pytest.raises(InstrumentError, match="expected up to 255 ASCII letters"):
            instruments.get(Counter, name)


@pytest.mark.parametrize("name", [None, 5, b"requests", ["requests"], Unshowable()])
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_no_text_is_refused_by_get_and_noted_by_by_name(metrics, kind, name):
    with pytest.raises(InstrumentError):
        metrics.instruments.get(kind, name)
    assert metrics.instruments.by_name(kind, name) is None
    assert sum(metrics.mishaps.counts().values()) == 1


@pytest.mark.parametrize("unit", [5, "é", "x" * 64])
@pytest.mark.parametrize("is_attached", [True, False])
def test_a_unit_that_opentelemetry_does_not_allow_is_refused_at_once(unit, is_attached):
    metrics = Metrics()
    if not is_attached:
        metrics.instruments.detach()
    with pytest.raises(InstrumentError):
        metrics.instruments.get(Counter, "requests", unit=unit)
    metrics.attach()
    counter = metrics.instruments.get(Counter, "requests")
    counter.add(1)
    assert metrics.value("requests") == 1


@pytest.mark.parametrize("buckets", [[3, 1], [1, 1], ["a"], [math.nan], [None], 5])
def test_buckets_that_are_no_ascending_numbers_are_refused_at_once(metrics, buckets):
    with pytest.raises(InstrumentError):
        metrics.instruments.get(Histogram, "duration", buckets=buckets)


def test_each_kind_records_what_it_is_for(metrics):
    counter, up_down = metrics.instruments.get(Counter, "c"), metrics.instruments.get(UpDownCounter, "u")
    gauge, histogram = metrics.instruments.get(Gauge, "g"), metrics.instruments.get(Histogram, "h", buckets=[1, 2])
    counter.add()
    counter.add(2, {"a": "x"})
    up_down.add(5)
    up_down.add(-7)
    gauge.set(3)
    gauge.set(2.5)
    for value in (0.5, 1, 1.5, 99):
        histogram.record(value)
    assert (metrics.value("c"), metrics.value("c", a="x")) == (1, 2)
    assert (metrics.value("u"), metrics.value("g")) == (-2, 2.5)
    (point,) = metrics.points("h").values()
    assert (point.explicit_bounds, point.bucket_counts) == ((1, 2), (2, 1, 1))


def test_a_bound_instrument_puts_its_attributes_on_every_measurement(metrics):
    attributes = {"route": "/"}
    bound = metrics.instruments.get(Counter, "c").bind(**attributes)
    attributes["route"] = "changed"
    bound.add()
    bound.add(2)
    metrics.instruments.get(Gauge, "g").bind(disk="a").set(4)
    metrics.instruments.get(Histogram, "h").bind(disk="a").record(4)
    assert metrics.value("c", route="/") == 3
    assert metrics.value("g", disk="a") == metrics.value("h", disk="a") == 4


@given(amounts=st.lists(st.integers(-1000, 1000), max_size=20))
def test_a_counter_is_the_sum_of_what_is_not_negative(amounts):
    metrics = Metrics()
    counter = metrics.instruments.get(Counter, "c")
    counter.add(0)
    for amount in amounts:
        counter.add(amount)
    assert metrics.value("c") == sum(amount for amount in amounts if amount >= 0)
    assert sum(metrics.mishaps.counts().values()) == sum(1 for amount in amounts if amount < 0)
    metrics.provider.shutdown()


def test_recording_begins_with_a_meter_ends_without_and_begins_again_with_the_next():
    metrics = Metrics()
    metrics.instruments.detach()
    counter = metrics.instruments.get(Counter, "c")
    counter.add(1)
    metrics.attach()
    counter.add(2)
    assert metrics.value("c") == 2
    metrics.instruments.detach()
    counter.add(4)
    assert metrics.value("c") == 2
    metrics.attach()
    counter.add(8)
    assert metrics.value("c") == 8


HOSTILE = [
    "x", None, [], {}, b"1", 1j, object(), Unshowable(), math.nan, math.inf, -math.inf, 10**400, -(10**400),
    10**5000, -(10**5000), decimal.Decimal("NaN"), decimal.Decimal("sNaN"), "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_a_value_that_cannot_be_recorded_changes_nothing_and_does_not_raise(metrics, kind, value):
    instrument = metrics.instruments.get(kind, "hostile")
    measure(instrument, 1)
    measure(instrument, value)
    assert metrics.value("hostile") == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "attributes",
    [
        5, "text", [1], [("a", 1)], {"a": []}, {"a": [[1], [2]]}, {"a": {1, 2}}, {"a": {"b": []}}, {"a": object()},
        {"a": Unshowable()}, {Unshowable(): 1}, {None: 1}, {5: 1}, {"": 1}, {"\ud800": "\ud800"}, {"a": math.nan},
        {"a": 10**5000}, {"a": None},
    ],
    ids=lambda attributes: type(attributes).__name__,
)  # fmt: skip
def test_attributes_that_cannot_be_recorded_do_not_raise(metrics, kind, attributes):
    instrument = metrics.instruments.get(kind, "hostile")
    measure(instrument, 1, attributes)
    measure(instrument, 1)
    assert metrics.value("hostile") >= 1


def test_many_different_names_that_are_not_allowed_neither_fill_the_memory_nor_the_log(metrics, caplog):
    for number in range(2000):
        metrics.instruments.by_name(Counter, f"orders of customer {number}")
    assert sum(metrics.mishaps.counts().values()) == 2000
    assert len(metrics.mishaps.counts()) <= 100
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 100


def test_measurements_of_many_threads_all_count(metrics):
    def work():
        counter = metrics.instruments.get(Counter, "c")
        for _ in range(500):
            counter.add(1)
        return counter

    with ThreadPoolExecutor(8) as pool:
        counters = {future.result() for future in [pool.submit(work) for _ in range(8)]}
    assert len(counters) == 1
    assert metrics.value("c") == 4000


def test_an_instrument_asked_for_while_the_same_thread_makes_another_does_not_lock_up(metrics):
    # A finaliser or a signal handler may run at any instruction, also inside get(); here it is a comparison.
    class Interrupting(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            metrics.instruments.by_name(Counter, "of.the.finaliser").add(1)
            return str.__eq__(self, other)

    metrics.instruments.get(Counter, "c", unit=Interrupting("s"))
    asked = threading.Thread(target=lambda: metrics.instruments.get(Counter, "c", unit=Interrupting("s")), daemon=True)
    asked.start()
    asked.join(2)
    assert not asked.is_alive()
    assert metrics.value("of.the.finaliser") >= 1
