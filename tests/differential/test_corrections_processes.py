"""Corrections 5, 6 and 7: clocks that are set back, forks, and code that runs in the middle of a recording. Each body is a
script for an interpreter of its own, which a deadlock cannot keep."""

from __future__ import annotations

from tests.differential.stacks import correction
from tests.support.interpreter import run_script

# `tracers(accept)` and `meters(reader)` make a provider of the recorder that `sys.argv[1]` names.
PROVIDERS = """
import os, signal, sys, threading, time
from tests.differential.recorders import METERS, TRACERS
from tests.support.recorded import points_of
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
tracers, meters = TRACERS[sys.argv[1]], METERS[sys.argv[1]]

def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(2)  # ends a child that waits for ever
        try:
            work()
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print("deadlock" if os.WIFSIGNALED(status) else f"child ended with {os.waitstatus_to_exitcode(status)}")
"""
# A clock that can be set back, put in place before anybody asks it.
SET_CLOCK = """
import time
behind_ns, real_time_ns = 0, time.time_ns
time.time_ns = lambda: real_time_ns() - behind_ns
"""
# Ends a script that waits for ever, in words.
WATCH = """
def give_up():
    print("deadlock", flush=True)
    os._exit(0)
timer = threading.Timer(3, give_up)
timer.daemon = True
timer.start()
"""


def _said(recorder: str, *code: str) -> str:
    return run_script("".join(code), recorder, timeout_s=30.0)[0]


@correction(5, official="-3600")
def test_a_clock_that_is_set_back_makes_no_negative_duration(recorder: str) -> None:
    code = """
from opentelemetry.sdk.trace import SpanProcessor
class Durations(SpanProcessor):
    def on_end(self, span):
        print((span.end_time - span.start_time) // 10**9)
provider = tracers()
provider.add_span_processor(Durations())
span = provider.get_tracer("t").start_span("work")
behind_ns = 3600 * 10**9
span.end()
"""
    assert _said(recorder, SET_CLOCK, PROVIDERS, code) == "0\n"


@correction(6, official=r"\[6\]")
def test_a_forked_child_counts_from_zero(recorder: str) -> None:
    code = """
reader = InMemoryMetricReader()
calls = meters(metric_readers=[reader]).get_meter("m").create_counter("calls")
values = lambda: [point.value for point in points_of(reader.get_metrics_data())["calls"].values()]
calls.add(5)
def work():
    calls.add(1)
    print(values())
in_child(work)
print(values())
"""
    assert _said(recorder, PROVIDERS, code) == "[1]\nchild ended with 0\n[5]\n"


@correction(6, official="deadlock")
def test_a_child_that_is_forked_in_the_middle_of_a_collection_can_record(recorder: str) -> None:
    code = """
reader, is_in, may_go_on = InMemoryMetricReader(), threading.Event(), threading.Event()
meter = meters(metric_readers=[reader]).get_meter("m")
def slow(options):
    is_in.set()
    may_go_on.wait(10)
    return [Observation(1)]
meter.create_observable_gauge("slow", [slow])
calls = meter.create_counter("calls")
collecting = threading.Thread(target=reader.collect)
collecting.start()
is_in.wait(10)
def work():
    may_go_on.set()
    calls.add(1)
    own = InMemoryMetricReader()
    meter.create_observable_gauge("another", [lambda options: [Observation(2)]])
    print(points_of(reader.get_metrics_data())["calls"][()].value)
in_child(work)
may_go_on.set()
collecting.join()
"""
    assert _said(recorder, PROVIDERS, code) == "1\nchild ended with 0\n"


@correction(6, official="open at the fork")
def test_a_forked_child_is_another_instance_of_the_service_and_reports_its_own_spans_only(recorder: str) -> None:
    code = """
from opentelemetry.sdk.resources import Resource
ended = []
provider = tracers(ended.append, resource=Resource.create({}))
tracer, parent = provider.get_tracer("t"), provider.resource.attributes
is_open = tracer.start_span("open at the fork")
def work():
    is_open.end()
    tracer.start_span("of the child").end()
    print([span.name for span in ended])
    own = ended[-1].resource.attributes
    print("another instance" if own["service.instance.id"] != parent["service.instance.id"] else "same instance")
in_child(work)
"""
    assert _said(recorder, PROVIDERS, code) == "['of the child']\nanother instance\nchild ended with 0\n"


@correction(7, official="deadlock")
def test_a_signal_handler_records_on_the_span_that_it_interrupts(recorder: str) -> None:
    code = """
span = tracers().get_tracer("t").start_span("work")
handled = []
def handle(number, frame):
    span.set_attribute("signal", len(handled))
    handled.append(number)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0005)
until = time.monotonic() + 1.5
while time.monotonic() < until:
    span.set_attribute("key", ["several", "texts", "in", "a", "list"])
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print("handled" if handled else "no signal came")
"""
    assert _said(recorder, PROVIDERS, WATCH, code) == "handled\n"


@correction(7, official="deadlock")
def test_a_callback_of_the_garbage_collector_records_on_the_span_that_it_interrupts(recorder: str) -> None:
    code = """
import gc
span = tracers().get_tracer("t").start_span("work")
collected = []
def note(phase, info):
    collected.append(phase)
    span.set_attribute("gc", phase)
gc.callbacks.append(note)
gc.set_threshold(1)
for number in range(2000):
    span.set_attributes({"key": [number, [number]], "other": {"nested": [number]}})
gc.callbacks.clear()
print("collected" if collected else "nothing was collected")
"""
    assert _said(recorder, PROVIDERS, WATCH, code) == "collected\n"


@correction(7, official="deadlock")
def test_an_observable_callback_may_make_instruments_and_record(recorder: str) -> None:
    code = """
reader = InMemoryMetricReader()
meter = meters(metric_readers=[reader]).get_meter("m")
def observe(options):
    meter.create_counter("made.in.callback").add(1)
    meter.create_observable_gauge("observable.made.in.callback", [lambda options: [Observation(3)]])
    return [Observation(1)]
meter.create_observable_gauge("outer", [observe])
reader.get_metrics_data()
print(sorted(points_of(reader.get_metrics_data())))
"""
    assert _said(recorder, PROVIDERS, WATCH, code) == "['made.in.callback', 'observable.made.in.callback', 'outer']\n"
