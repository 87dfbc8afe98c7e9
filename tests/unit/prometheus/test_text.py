"""What is written of the recorders' metrics: every sample, once, under the labels that were recorded, in both formats."""

from __future__ import annotations

import math
from collections import Counter as Tally
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from heliograph.catalog.catalogue import BUILTIN
from heliograph.prometheus import points
from heliograph.prometheus.merge import merged
from heliograph.prometheus.table import Table
from heliograph.prometheus.tables import CellTables, Wanted
from heliograph.prometheus.text import TextWriter
from heliograph.recording.metrics.provider import MeterProvider

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
WANTED = Wanted(catalogue=BUILTIN, exemplars=True, created=True)


class Scene:
    """A native provider whose one reader is read as cells, and as the official SDK's points."""

    def __init__(self, **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        resource = Resource({"service.name": "s"})
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False, resource=resource, **options)
        self.meter = self.provider.get_meter("m")
        self.notes: list[tuple[str, str]] = []
        self.cells = CellTables(self.note)
        self.writer = TextWriter()

    def note(self, name: str, reason: str) -> None:
        self.notes.append((name, reason))

    def tables(self, wanted: Wanted = WANTED) -> list[Table]:
        return merged(self.cells.tables(self.provider.streams(self.reader), wanted), self.note)

    def tables_of_points(self) -> list[Table]:
        data = self.reader.get_metrics_data()
        return merged(points.tables_of(data, WANTED, self.note), self.note) if data is not None else []

    def text(self, *, is_openmetrics: bool = False) -> str:
        return self.written(self.tables(), is_openmetrics=is_openmetrics)

    def written(self, tables: list[Table], *, is_openmetrics: bool = False) -> str:
        return b"".join(self.writer.write(tables, is_openmetrics=is_openmetrics)).decode() + "# EOF\n" * is_openmetrics

    def samples(self, *, is_openmetrics: bool = False) -> Samples:
        return keyed(parsed(self.text(is_openmetrics=is_openmetrics), is_openmetrics=is_openmetrics))


def parsed(text: str, *, is_openmetrics: bool = False) -> Any:
    return (parse_openmetrics if is_openmetrics else parse_text)(text)


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
def test_cells_are_shown_as_the_official_points_are_and_alike_in_both_formats(steps: list[Any]) -> None:
    views = [View(instrument_name="exponential.*", aggregation=ExponentialBucketHistogramAggregation())]
    scene = Scene(views=views)
    for step in steps:
        take(scene, step)
    general = keyed(parsed(Scene().written(scene.tables_of_points())))
    assert scene.samples() == general
    assert scene.samples() == general  # labels are kept by now
    in_openmetrics = scene.samples(is_openmetrics=True)
    assert {key: value for key, value in in_openmetrics.items() if not key[0].endswith("_created")} == general


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
        'work_time_seconds_total{k="v"} 3.0\nwork_time_seconds_created{k="v"} '
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


def test_observables_are_shown_and_nothing_without_metrics() -> None:
    scene = Scene()
    assert scene.samples() == {}
    scene.meter.create_observable_gauge("o", [lambda _options: [Observation(5, {"k": 1})]])
    assert scene.samples() == {("o", (("k", "1"),)): 5}


def test_an_attribute_that_is_named_like_the_bounds_is_shown_under_another_name() -> None:
    scene = Scene()
    histogram = scene.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1])
    for le in ("1.0", "mine"):
        histogram.record(2, {"le": le})
    found = scene.samples()
    assert found["h_bucket", (("exported_le", "1.0"), ("le", "+Inf"))] == 1
    assert found["h_sum", (("exported_le", "mine"),)] == 2


def test_what_is_the_same_as_before_is_not_written_again_and_what_changed_is() -> None:
    scene = Scene()
    counter, histogram = scene.meter.create_counter("c"), scene.meter.create_histogram("h")
    counter.add(1, {"k": "v"})
    histogram.record(0)
    before = scene.text()
    assert scene.text() == before
    histogram.record(0)  # the sum stays what it is
    assert scene.samples()["h_count", ()] == 2
    counter.add(1, {"k": "w"})
    assert scene.samples()["c_total", (("k", "w"),)] == 1


SOME_AMOUNTS = st.sampled_from([0.0, 1e-300, 5e300, 0.75, 3.0, 1024.0])


@given(st.lists(SOME_AMOUNTS | st.floats(0, 1e6), min_size=1, max_size=60), st.integers(2, 160))
def test_exponential_histograms_are_shown_as_classic_buckets_that_hold_what_was_recorded(
    amounts: list[float], max_size: int
) -> None:
    scene = Scene(views=[View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation(max_size=max_size))])
    histogram = scene.meter.create_histogram("h")
    for amount in amounts:
        histogram.record(amount)
    found = scene.samples()
    buckets = {float(dict(labels)["le"]): value for (name, labels), value in found.items() if name == "h_bucket"}
    assert buckets[math.inf] == found["h_count", ()] == len(amounts)
    assert found["h_sum", ()] == pytest.approx(math.fsum(amounts), rel=1e-6, abs=1e-3)
    for bound, count in buckets.items():
        # A bucket's own bound may be off by what a float cannot tell; values that are that near to one are left out.
        if all(not math.isclose(amount, bound, rel_tol=1e-9) for amount in amounts):
            assert count == sum(amount <= bound for amount in amounts)
    assert [buckets[bound] for bound in sorted(buckets)] == sorted(buckets.values())


def test_exponential_histograms_are_valid_openmetrics() -> None:
    scene = Scene(views=[View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())])
    for amount in (0, 0.1, 7, 1e9):
        scene.meter.create_histogram("h", "s").record(amount, {"k": "v"}, context=traced(amount))
    found = list(parsed(scene.text(is_openmetrics=True), is_openmetrics=True))
    exemplars = {float(s.labels["le"]): s.exemplar for s in found[0].samples if s.name.endswith("_bucket") and s.exemplar}
    assert sorted(exemplar.value for exemplar in exemplars.values()) == [0, 0.1, 7, 1e9]
    assert all(exemplar.value <= bound for bound, exemplar in exemplars.items())


def traced(number: float) -> Any:
    span = NonRecordingSpan(SpanContext(0xABC, int(number * 10) % 2**64 or 1, is_remote=False, trace_flags=TraceFlags(1)))
    return set_span_in_context(span)


def test_exemplars_are_on_counters_and_buckets_with_the_ids_of_the_span() -> None:
    scene = Scene()
    counter = scene.meter.create_counter("c")
    histogram = scene.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 2])
    counter.add(3, {"k": "v"}, context=traced(1))
    histogram.record(1.5, {"k": "v", "more": "x" * 10}, context=traced(2))
    counter.add(1, {"k": "plain"})
    scene.meter.create_gauge("g").set(1, context=traced(3))
    for _scrape in range(2):  # the latest stays until there is a newer one
        found = {
            (s.name, s.labels.get("k"), s.labels.get("le")): s.exemplar
            for family in parsed(scene.text(is_openmetrics=True), is_openmetrics=True)
            for s in family.samples
            if s.exemplar is not None
        }
        assert set(found) == {("c_total", "v", None), ("h_bucket", "v", "2.0")}
        assert found["c_total", "v", None].labels == {"trace_id": f"{0xABC:032x}", "span_id": f"{10:016x}"}
        assert (found["c_total", "v", None].value, found["h_bucket", "v", "2.0"].value) == (3, 1.5)
    assert "trace_id" not in scene.text()


def test_an_exemplar_has_as_many_attributes_as_openmetrics_allows() -> None:
    scene = Scene(views=[View(instrument_name="c", attribute_keys={"k"})])
    scene.meter.create_counter("c").add(1, {"k": "v", "short": "s", "zlong": "x" * 100}, context=traced(1))
    (exemplar,) = [
        s.exemplar for f in parsed(scene.text(is_openmetrics=True), is_openmetrics=True) for s in f.samples if s.exemplar
    ]
    assert set(exemplar.labels) == {"trace_id", "span_id", "short"}


def test_labels_of_the_scope_are_shown_when_they_are_wanted() -> None:
    scene = Scene()
    for version in ("1", "2"):
        scene.provider.get_meter("m", version).create_counter("c").add(1, {"k": "v"})
    tables = scene.tables(Wanted(catalogue=BUILTIN, scope_labels=True))
    found = keyed(parsed(scene.written(tables)))
    assert found == {
        ("c_total", (("k", "v"), ("otel_scope_name", "m"), ("otel_scope_version", version))): 1 for version in ("1", "2")
    }
    assert scene.samples()["c_total", (("k", "v"),)] == 2


@pytest.mark.parametrize("key", ["otel_scope_name", "otel.scope.name"])
def test_a_label_of_the_scope_stands_in_the_place_of_an_attribute_of_its_name(key: str) -> None:
    scene = Scene()
    scene.meter.create_counter("c").add(1, {key: "mine", "z": 'a"b'}, context=traced(1))
    tables = scene.tables(Wanted(catalogue=BUILTIN, scope_labels=True, exemplars=True))
    found = keyed(parsed(scene.written(tables, is_openmetrics=True), is_openmetrics=True))
    assert found == {("c_total", (("otel_scope_name", "m"), ("z", 'a"b'))): 1}


@pytest.mark.parametrize("asked", [{"c"}, {"c_total"}, {"h_sum"}, {"h", "g"}, {"nothing"}])
def test_only_the_names_that_are_asked_for_are_shown(asked: set[str]) -> None:
    scene = Scene()
    scene.meter.create_counter("c").add(1, {"k": "a\rb\n# HELP c"})
    scene.meter.create_histogram("h").record(1)
    scene.meter.create_gauge("g").set(1)
    text = b"".join(TextWriter().write(scene.tables(), is_openmetrics=False, names=asked)).decode()
    shown = {name for name, _labels in keyed(parsed(text))}
    everything = {name for name, _labels in scene.samples()}
    whole = {name for name in everything for family in asked & {"c", "h", "g"} if name.startswith(family)}
    assert shown == whole | (asked & everything)


# The official exporter is an oracle where it has no known fault: one scope, no names or labels that fall together.
ORACLE_STEPS = st.tuples(
    st.sampled_from(["counter", "up_down_counter", "histogram", "gauge"]),
    st.sampled_from(["", "s", "By", "1", "{thing}", "By/s", "%"]),
    st.integers(0, 10**6) | st.floats(0, 1e6),
    st.dictionaries(
        st.sampled_from(["a", "b.c", "1d"]), st.text(st.characters(codec="ascii", min_codepoint=1), min_size=1), max_size=2
    ),
)


@given(st.lists(ORACLE_STEPS, max_size=8))
def test_names_labels_and_values_are_those_of_the_official_exporter(steps: list[Any]) -> None:
    scene = Scene()
    official = PrometheusMetricReader(disable_target_info=True)
    provider = SdkMeterProvider([official], shutdown_on_exit=False)
    try:
        for kind, unit, amount, attributes in steps:
            name = f"the.{kind}.{len(unit)}.{unit[:1].strip('{%')}"
            call = {"counter": "add", "up_down_counter": "add", "gauge": "set"}.get(kind, "record")
            for meter in (scene.meter, provider.get_meter("m")):
                getattr(getattr(meter, f"create_{kind}")(name, unit), call)(amount, attributes)
        expected = {
            # It gives each sample the labels of all others of its metric, empty; Prometheus reads those as none.
            (name, tuple((key, said) for key, said in labels if said and not key.startswith("otel_scope_"))): value
            for (name, labels), value in keyed(official._collector.collect()).items()
        }
    finally:
        provider.shutdown()
        assert official._collector not in REGISTRY._collector_to_names
    assert scene.samples() == expected


def test_two_metrics_that_would_expose_one_name_are_told_apart_by_the_caller() -> None:
    scene = Scene()
    scene.meter.create_counter("name").add(1)
    scene.meter.create_gauge("name.total").set(7)
    assert [table.family.name for table in scene.tables()] == ["name", "name_total"]
