"""What a scrape reads: our metrics and the application's, in valid text and OpenMetrics, whatever was registered."""

import logging
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from typing import Any

import prometheus_client
import pytest
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from heliograph.prometheus.exposition import Exposition
from heliograph.recording import MeterProvider

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# What Prometheus 2.x and 3.x send.
PROMETHEUS = f"{OPENMETRICS},application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


class _Gives:
    """An application's collector."""

    def __init__(self, collect: Callable[[], Iterable[Any]]) -> None:
        self.collect = collect


class _Scene:
    """An exposition with a meter of ours and a registry of the application."""

    def __init__(self, recorder: Any = MeterProvider) -> None:
        self.registry = CollectorRegistry()
        self.exposition = Exposition(self.registry)
        self.provider = recorder(metric_readers=[self.exposition.reader({})], shutdown_on_exit=False)
        self.meter = self.provider.get_meter("ours")

    def text(self) -> str:
        return self.exposition.render("")[0].decode()

    def samples(self, accept: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every sample by name and labels; fails when one comes twice or the format is broken."""
        body, content_type = self.exposition.render(accept)
        parse = parse_openmetrics if "openmetrics" in content_type else parse_text
        found = [sample for family in parse(body.decode()) for sample in family.samples]
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in found]
        assert [key for key, times in Tally(keys).items() if times > 1] == []
        return {key: sample.value for key, sample in zip(keys, found, strict=True)}

    def value(self, name: str, accept: str = "", **labels: str) -> float:
        return self.samples(accept)[name, tuple(sorted(labels.items()))]


@pytest.fixture(params=[MeterProvider, SdkMeterProvider], ids=["native", "opentelemetry-sdk"])
def scene(request: pytest.FixtureRequest) -> Iterable[_Scene]:
    scene = _Scene(request.param)
    yield scene
    scene.provider.shutdown()


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain;version=0.0.4", "application/json", ";;,,", "\x00é"])
def test_text_is_what_is_answered_unless_more_is_asked_for(scene: _Scene, accept: str) -> None:
    assert scene.exposition.render(accept)[1] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("accept", [OPENMETRICS, PROMETHEUS])
def test_openmetrics_is_answered_to_who_accepts_it(scene: _Scene, accept: str) -> None:
    body, content_type = scene.exposition.render(accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith(b"# EOF\n")


@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
@pytest.mark.parametrize(
    "parameters", ["version=abc", "version=1.x.0", "version=", "version", "=", "version=1.0.0;escaping=zzz"]
)
def test_a_nonsensical_accept_header_is_answered_all_the_same(scene: _Scene, kind: str, parameters: str) -> None:
    scene.meter.create_counter("mine").add(1)
    body, content_type = scene.exposition.render(f"{kind};{parameters}")
    assert b"mine_total 1.0\n" in body
    assert content_type


@pytest.mark.parametrize("accept", ["", PROMETHEUS])
def test_each_kind_of_instrument_is_exposed_under_its_prometheus_name(scene: _Scene, accept: str) -> None:
    scene.meter.create_counter("orders.placed", "{order}", "Orders placed.").add(3, {"shop.name": "eu"})
    scene.meter.create_up_down_counter("queue.size", "By").add(-2)
    scene.meter.create_gauge("temperature", "Cel").set(0.5)
    scene.meter.create_histogram("render.duration", "s", explicit_bucket_boundaries_advisory=[1.0, 2.0]).record(1.5)
    assert scene.value("orders_placed_total", accept, shop_name="eu") == 3
    assert scene.value("queue_size_bytes", accept) == -2
    assert scene.value("temperature_celsius", accept) == 0.5
    buckets = [scene.value("render_duration_seconds_bucket", accept, le=le) for le in ("1.0", "2.0", "+Inf")]
    assert buckets == [0, 1, 1]
    assert scene.value("render_duration_seconds_sum", accept) == 1.5
    assert scene.value("render_duration_seconds_count", accept) == 1
    assert "# HELP orders_placed_total Orders placed.\n# TYPE orders_placed_total counter\n" in scene.text()


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_label_values_are_escaped(scene: _Scene, accept: str) -> None:
    hostile = 'a"b\\c\nd,{}=#\x7fé😀'
    scene.meter.create_counter("hits", description='He said "\\n"\nand left').add(1, {"path": hostile})
    assert scene.value("hits_total", accept, path=hostile) == 1


def test_the_resource_is_exposed_as_target_info(scene: _Scene) -> None:
    scene.meter.create_counter("hits").add(1)
    (labels,) = [dict(labels) for name, labels in scene.samples() if name == "target_info"]
    assert labels["telemetry_sdk_language"] == "python"


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_what_the_application_registered_is_exposed_too(scene: _Scene, accept: str) -> None:
    scene.meter.create_counter("ours").add(1)
    prometheus_client.Counter("theirs", "Theirs.", ["kind"], registry=scene.registry).labels("x").inc(2)
    prometheus_client.Histogram("waits", "Waits.", registry=scene.registry).observe(0.2)
    prometheus_client.Info("build", "Build.", registry=scene.registry).info({"version": "1"})
    assert scene.value("ours_total", accept) == 1
    assert scene.value("theirs_total", accept, kind="x") == 2
    assert scene.value("waits_count", accept) == 1
    assert scene.value("build_info", accept, version="1") == 1


def test_the_default_registry_is_that_of_prometheus_client() -> None:
    counter = prometheus_client.Counter("heliograph_test_default_registry", "Registered by a test.")
    try:
        assert b"heliograph_test_default_registry_total 0.0" in Exposition().render("")[0]
    finally:
        prometheus_client.REGISTRY.unregister(counter)


def test_a_name_that_both_use_is_exposed_once_as_ours_and_said_once(scene: _Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.meter.create_counter("requests").add(1)
    prometheus_client.Counter("requests", "Theirs.", registry=scene.registry).inc(5)
    prometheus_client.Gauge("other", "Theirs.", registry=scene.registry).set(7)
    with caplog.at_level(logging.WARNING, "heliograph.prometheus"):
        values = [scene.value("requests_total") for _scrape in range(3)]
    assert values == [1, 1, 1]
    assert scene.value("other") == 7
    assert [record.getMessage() for record in caplog.records if "requests" in record.getMessage()] == [caplog.messages[0]]


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("jobs_total", prometheus_client.Counter),
        ("jobs_count", prometheus_client.Histogram),
        ("jobs_sum", prometheus_client.Summary),
        ("jobs_info", prometheus_client.Info),
    ],
)
def test_a_sample_name_that_both_use_is_exposed_once_too(scene: _Scene, accept: str, ours: str, theirs: Any) -> None:
    scene.meter.create_gauge(ours).set(5)
    theirs("jobs", "Theirs.", registry=scene.registry)
    assert scene.value(ours, accept) == 5
    assert scene.text().count(f"# TYPE {ours} ") == 1


def test_a_name_that_the_application_gives_twice_is_exposed_once(scene: _Scene) -> None:
    for value in (1, 2):
        scene.registry.register(_Gives(lambda value=value: [GaugeMetricFamily("doubled", "D.", value=value)]))
    assert scene.value("doubled") == 1


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_one_instrument_in_two_scopes_is_exposed_as_one_metric_with_the_labels_of_each(scene: _Scene, accept: str) -> None:
    # Two instrumentations that both record http.client.request.duration, as the semantic conventions have it.
    one, two = scene.provider.get_meter("one"), scene.provider.get_meter("two")
    one.create_counter("calls", description="Calls.").add(1, {"method": "GET"})
    two.create_counter("calls", description="Calls.").add(2, {"peer": "db"})
    found = {value: dict(labels) for (name, labels), value in scene.samples(accept).items() if name == "calls_total"}
    assert (found[1].get("method"), found[1].get("peer")) == ("GET", None)
    assert (found[2].get("method"), found[2].get("peer")) == (None, "db")
    assert scene.text().count("# TYPE calls_total ") == 1


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize("names", [("a.b", "a_b"), ("calls", "calls")])
def test_instruments_that_translate_to_one_name_give_no_sample_twice(
    scene: _Scene, accept: str, names: tuple[str, str]
) -> None:
    for scope, name in zip(("one", "two"), names, strict=True):
        scene.provider.get_meter(scope).create_counter(name, description=f"Of {scope}.").add(1)
    scene.samples(accept)
    sample = names[1] + "_total"
    assert scene.text().count(f"# TYPE {sample} ") == 1


def test_a_flush_of_the_meter_provider_changes_nothing_in_the_next_scrape(scene: _Scene) -> None:
    scene.meter.create_counter("hits").add(1)
    before = scene.text()
    for _flush in range(3):
        scene.provider.force_flush()
    assert scene.text() == before


def _odd_families() -> dict[str, Callable[[], Any]]:
    number_as_label = GaugeMetricFamily("odd", "O.", labels=["a"])
    number_as_label.add_metric([1], 1)  # type: ignore[list-item]
    text_as_value = Metric("odd", "O.", "gauge")
    text_as_value.add_sample("odd", {}, "many")  # type: ignore[arg-type]
    exemplar_on_gauge = Metric("odd", "O.", "gauge")
    exemplar_on_gauge.add_sample("odd", {}, 1, exemplar=Exemplar({}, 1))
    no_help = Metric("odd", None, "gauge")  # type: ignore[arg-type]
    no_help.add_sample("odd", {}, 1)

    def raises() -> Any:
        raise RuntimeError("database is gone")

    return {
        "raises": raises,
        "none": lambda: None,
        "gives none": lambda: [None],
        "gives text": lambda: ["odd"],
        "number as label": lambda: [number_as_label],
        "text as value": lambda: [text_as_value],
        "exemplar on gauge": lambda: [exemplar_on_gauge],
        "no help": lambda: [no_help],
    }


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize("odd", _odd_families())
def test_a_broken_collector_of_the_application_costs_its_own_metrics_only(scene: _Scene, accept: str, odd: str) -> None:
    scene.meter.create_counter("ours").add(1)
    prometheus_client.Gauge("before", "Registered before it.", registry=scene.registry).set(2)
    broken = _Gives(list)
    scene.registry.register(broken)  # registries collect once when they register; it breaks later
    prometheus_client.Gauge("after", "Registered after it.", registry=scene.registry).set(3)
    broken.collect = _odd_families()[odd]
    assert scene.value("ours_total", accept) == 1
    assert (scene.value("before", accept), scene.value("after", accept)) == (2, 3)


def test_a_broken_collector_is_said_in_the_log(scene: _Scene, caplog: pytest.LogCaptureFixture) -> None:
    collector = _Gives(list)
    scene.registry.register(collector)
    collector.collect = _odd_families()["raises"]
    with caplog.at_level(logging.WARNING, "heliograph.prometheus"):
        scene.text()
    assert "prometheus_client.REGISTRY" in caplog.messages[0]


def test_a_broken_observable_instrument_hides_no_other(scene: _Scene) -> None:
    scene.meter.create_observable_gauge("broken", [lambda _options: 1 / 0])  # type: ignore[list-item, return-value]
    scene.meter.create_counter("hits").add(1)
    assert scene.value("hits_total") == 1


def test_scrapes_at_once_each_get_everything(scene: _Scene) -> None:
    counter = scene.meter.create_counter("hits")
    scene.registry.register(_Gives(lambda: [CounterMetricFamily("theirs", "T.", value=1)]))
    errors: list[BaseException] = []

    def scrape(accept: str) -> None:
        try:
            for _scrape in range(15):
                counter.add(1)
                found = scene.samples(accept)
                assert {name for name, _labels in found} >= {"hits_total", "theirs_total", "target_info"}
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=scrape, args=(accept,)) for accept in ("", OPENMETRICS) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert scene.value("hits_total") == 120


def test_metrics_are_gone_after_their_provider_shut_down_and_those_of_the_next_are_there(scene: _Scene) -> None:
    scene.meter.create_counter("first").add(1)
    scene.provider.shutdown()
    again = MeterProvider(metric_readers=[scene.exposition.reader({})], shutdown_on_exit=False)
    again.get_meter("ours").create_counter("second").add(1)
    names = {name for name, _labels in scene.samples()}
    again.shutdown()
    assert "second_total" in names
    assert "first_total" not in names


def test_a_forked_child_scrapes_although_the_parent_was_scraping(scene: _Scene) -> None:
    scene.meter.create_counter("hits").add(1)
    entered, let_go = threading.Event(), threading.Event()

    def slow() -> list[Metric]:
        entered.set()
        let_go.wait(10)
        return []

    collector: Collector | _Gives = _Gives(list)
    scene.registry.register(collector)
    collector.collect = slow  # type: ignore[method-assign]
    parent = threading.Thread(target=scene.text)
    parent.start()
    assert entered.wait(10)
    scene.exposition.after_fork_in_child()
    collector.collect = list  # type: ignore[method-assign, assignment, return-value]
    assert scene.value("hits_total") == 1
    let_go.set()
    parent.join()
