"""A forked child begins at zero, is another instance of the service, and never waits for a lock of its parent."""

from __future__ import annotations

from tests.support.interpreter import run_script

SETUP = """
import os, signal, sys, threading, time
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from heliograph.recording.metrics.provider import MeterProvider
reader = InMemoryMetricReader()
def values(name, of=reader):
    data = of.get_metrics_data()
    found = [m for s in data.resource_metrics[0].scope_metrics for m in s.metrics if m.name == name] if data else []
    return [(dict(p.attributes), getattr(p, "value", None) or p.count) for m in found for p in m.data.data_points]
def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that hangs is ended, and seen
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def run(code: str) -> None:
    run_script(SETUP + code)


def test_a_child_reports_only_what_it_recorded_itself() -> None:
    run(
        """
provider = MeterProvider([reader], shutdown_on_exit=False)
meter = provider.get_meter("m")
counter, histogram, gauge = meter.create_counter("c"), meter.create_histogram("h"), meter.create_gauge("g")
bound = counter.bind(k="bound")
for which in ("bound", "plain"):
    counter.add(5, {"k": which})
    histogram.record(5, {"k": which})
    gauge.set(5, {"k": which})
started_ns = time.time_ns()
def child():
    assert [values(name) for name in "chg"] == [[], [], []]
    bound.add(1)
    counter.add(2, {"k": "plain"})
    histogram.record(1, {"k": "plain"})
    point = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    assert point.start_time_unix_nano >= started_ns
    assert sorted(values("c"), key=str) == [({"k": "bound"}, 1), ({"k": "plain"}, 2)]
    assert values("h") == [({"k": "plain"}, 1)]
in_child(child)
assert values("c") == [({"k": "bound"}, 5), ({"k": "plain"}, 5)]
"""
    )


def test_a_child_is_another_instance_unless_the_user_named_it() -> None:
    run(
        """
def instance(provider):
    return provider.resource.attributes.get("service.instance.id")
made = MeterProvider([reader], shutdown_on_exit=False)
named = MeterProvider(resource=Resource({"service.instance.id": "mine"}), shutdown_on_exit=False)
before = instance(made)
def child():
    assert before is not None and instance(made) not in (None, before)
    assert instance(named) == "mine"
    made.get_meter("m").create_counter("c").add(1)
    assert reader.get_metrics_data().resource_metrics[0].resource is made.resource
in_child(child)
assert instance(made) == before
"""
    )


def test_a_child_forked_in_the_middle_of_a_collection_measures_and_collects() -> None:
    run(
        """
provider = MeterProvider([reader], shutdown_on_exit=False)
meter = provider.get_meter("m")
counter, inside, over = meter.create_counter("c"), threading.Event(), threading.Event()
def slow(_options):
    inside.set()
    over.wait(10)
    return [Observation(1)]
meter.create_observable_gauge("slow", [slow])
thread = threading.Thread(target=reader.collect)
thread.start()
assert inside.wait(5)
def child():
    over.set()
    counter.add(1)
    meter.create_counter("made").add(1)
    assert values("c") == [({}, 1)]
with counter._series.guard.lock:
    in_child(child)
over.set()
thread.join()
"""
    )


def test_a_fork_in_a_callback_ends_in_the_child_too() -> None:
    run(
        """
provider = MeterProvider([reader], shutdown_on_exit=False)
meter = provider.get_meter("m")
def forks(_options):
    def child():
        meter.create_counter("c").add(1)
    in_child(child)
    return [Observation(1)]
meter.create_observable_gauge("g", [forks])
assert values("g") == [({}, 1)]
"""
    )
