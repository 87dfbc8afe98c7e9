"""What is written straight from cells is what the general way would show: every sample, once, under the same labels."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from heliograph.prometheus.families import families
from heliograph.prometheus.text import write
from heliograph.recording.metrics.provider import MeterProvider

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Given:
    """What ``prometheus_client`` encodes: something with a ``collect()``."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def collect(self) -> Any:
        return self.found


class Scene:
    """A provider whose one reader is written both ways."""

    def __init__(self, **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        resource = Resource({"service.name": "s"})
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False, resource=resource, **options)
        self.meter = self.provider.get_meter("m")
        self.notes: list[tuple[str, str]] = []

    def note(self, name: str, reason: str) -> None:
        self.notes.append((name, reason))

    def text(self, *, is_openmetrics: bool = False) -> str:
        encode: Callable[[Any], bytes] = generate_openmetrics if is_openmetrics else generate_latest
        written = write(self.provider.streams(self.reader), self.provider.resource, self.note, is_openmetrics=is_openmetrics)
        return "".join(written.lines) + encode(Given(written.others)).decode()

    def samples(self, *, is_openmetrics: bool = False) -> Samples:
        parse = parse_openmetrics if is_openmetrics else parse_text
        return keyed(parse(self.text(is_openmetrics=is_openmetrics)))


def keyed(found: Any) -> Samples:
    samples = [sample for family in found for sample in family.samples]
    keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples]
    assert [key for key, times in Tally(keys).items() if times > 1] == []
    return {key: sample.value for key, sample in zip(keys, samples, strict=True)}


# No two of these sets become the same labels: the general way shows such series twice.
TEXTS = st.text("xyz\u00e9 ", max_size=4) | st.sampled_from(
    ["a", 'quote " and \\ and\nline', "100 %", "%s", "\0", "ä", "\ud800"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "a.b", "1st", "ä"]), TEXTS | st.sampled_from([1, True, 1.0, [1, "x"]]), max_size=3
)
STEPS = st.tuples(
    st.sampled_from(["one", "two"]),  # scopes
    st.sampled_from(["counter", "up_down_counter", "histogram", "gauge", "exponential"]),
    st.sampled_from(["name", "of.what", "other-name"]),
    st.sampled_from(["", "s", "By", "1", "{thing}"]),
    st.integers(0, 10**7) | st.sampled_from([0.1, 0.5, 12345678.5, 1e300, 2**70]),
    ATTRIBUTES,
)


def take(scene: Scene, step: Any) -> None:
    scope, kind, name, unit, amount, attributes = step
    meter = scene.provider.get_meter(scope)
    full_name = f"exponential.{name}" if kind == "exponential" else name
    made = getattr(meter, f"create_{'histogram' if kind == 'exponential' else kind}")(full_name, unit, "what\nit \\ is")
    getattr(made, {"counter": "add", "up_down_counter": "add", "gauge": "set"}.get(kind, "record"))(amount, attributes)


@given(st.lists(STEPS, max_size=12))
def test_every_sample_is_the_same_as_by_the_general_way(steps: list[Any]) -> None:
    views = [View(instrument_name="exponential.*", aggregation=ExponentialBucketHistogramAggregation())]
    scene = Scene(views=views)
    for step in steps:
        take(scene, step)
    found = families(scene.reader.get_metrics_data(), scene.note) if steps else []
    general = keyed(parse_text(generate_latest(Given(found)).decode()))
    assert scene.samples() == general
    assert scene.samples() == general  # labels are kept by now


def test_numbers_are_written_as_they_are_now() -> None:
    scene = Scene()
    counter, gauge = scene.meter.create_counter("c"), scene.meter.create_gauge("g")
    counter.add(1, {"k": "v"})
    gauge.set(2.5)
    assert (scene.samples()["c_total", (("k", "v"),)], scene.samples()["g", ()]) == (1, 2.5)
    counter.add(10**7, {"k": "v"})
    gauge.set(-1e-9)
    assert (scene.samples()["c_total", (("k", "v"),)], scene.samples()["g", ()]) == (10**7 + 1, -1e-9)


def test_histograms_are_cumulative_with_sum_and_count() -> None:
    scene = Scene()
    histogram = scene.meter.create_histogram("h", "s", explicit_bucket_boundaries_advisory=[0.5, 1])
    for amount in (0.1, 0.7, 5):
        histogram.record(amount, {"k": "50 %"})
    label = ("k", "50 %")
    found = {key: value for key, value in scene.samples().items() if key[0].startswith("h_")}
    assert found == {
        ("h_seconds_bucket", (label, ("le", "0.5"))): 1,
        ("h_seconds_bucket", (label, ("le", "1.0"))): 2,
        ("h_seconds_bucket", (label, ("le", "+Inf"))): 3,
        ("h_seconds_count", (label,)): 3,
        ("h_seconds_sum", (label,)): pytest.approx(5.8),
    }


def test_openmetrics_has_the_names_types_and_units_that_it_wants() -> None:
    scene = Scene()
    scene.meter.create_counter("work.time_total", "s", 'said "so"').add(3, {"k": "v"})
    text = scene.text(is_openmetrics=True)
    assert text.startswith(
        '# HELP work_time_seconds said \\"so\\"\n# TYPE work_time_seconds counter\n# UNIT work_time_seconds seconds\n'
        'work_time_seconds_total{k="v"} 3.0\n'
    )
    assert text.endswith("# EOF\n")
    assert scene.samples(is_openmetrics=True)["work_time_seconds_total", (("k", "v"),)] == 3


def test_a_metric_of_two_scopes_is_one_family_with_the_labels_of_both() -> None:
    scene = Scene()
    for scope in ("one", "two"):
        counter = scene.provider.get_meter(scope).create_counter("c")
        counter.add(1, {"scope": scope})
        counter.add(1, {"k": "shared"})
    found = scene.samples()
    assert found["c_total", (("k", "shared"),)] == 2
    assert found["c_total", (("scope", "one"),)] == found["c_total", (("scope", "two"),)] == 1


def test_series_with_the_same_labels_are_added_up_at_each_scrape_until_one_is_gone() -> None:
    scene = Scene()
    counter = scene.meter.create_counter("c")
    counter.add(1, {"a.b": "x"})
    counter.add(2, {"a_b": "x"})
    for _ in range(2):
        assert scene.samples()["c_total", (("a_b", "x"),)] == 3
    counter.remove({"a.b": "x"})
    assert scene.samples()["c_total", (("a_b", "x"),)] == 2


def test_one_name_for_two_kinds_is_noted_and_shown_once() -> None:
    scene = Scene()
    scene.provider.get_meter("one").create_counter("c").add(1)
    scene.provider.get_meter("two").create_histogram("c").record(1)
    assert ("c_total", ()) in scene.samples()
    assert scene.notes[0][0] == "c"


def test_what_is_beyond_every_float_is_infinite() -> None:
    scene = Scene()
    counter = scene.meter.create_up_down_counter("u")
    for _ in range(3):
        counter.add(-(10**308))
    assert scene.samples()["u", ()] == -math.inf


def test_observables_and_the_resource_are_shown_and_nothing_without_metrics() -> None:
    scene = Scene()
    assert scene.samples() == {}
    scene.meter.create_observable_gauge("o", [lambda _options: [Observation(5, {"k": 1})]])
    assert scene.samples() == {("o", (("k", "1"),)): 5, ("target_info", (("service_name", "s"),)): 1}


def test_the_names_that_are_taken_are_told() -> None:
    scene = Scene()
    scene.meter.create_counter("c").add(1)
    scene.meter.create_histogram("h").record(1)
    written = write(scene.provider.streams(scene.reader), scene.provider.resource, scene.note, is_openmetrics=False)
    assert written.names == {"c", "c_total", "c_created", "h", "h_bucket", "h_count", "h_sum", "h_created"}
    assert [family.name for family in written.others] == ["target"]


def test_an_attribute_that_is_named_like_the_bounds_breaks_no_histogram() -> None:
    scene = Scene()
    histogram = scene.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1])
    for le in ("1.0", "mine"):
        histogram.record(2, {"le": le})
    found = scene.samples()
    assert found["h_bucket", (("le", "+Inf"),)] == 2
    assert found["h_sum", (("le", "mine"),)] == 2


def test_two_metrics_that_would_expose_one_name_are_noted_and_one_is_shown() -> None:
    scene = Scene()
    scene.meter.create_counter("name").add(1)
    scene.meter.create_gauge("name.total").set(7)
    assert scene.samples()["name_total", ()] == 1
    assert [name for name, _reason in scene.notes] == ["name_total"]
