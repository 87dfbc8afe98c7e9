"""Forked processes: each has its own queues, threads and locks, and delivers its own items once.

What each reports, and as whom, is in test_forks_identity.py.
"""

from __future__ import annotations

import pytest

from tests.support.interpreter import run_script
from tests.support.otlp_receiver import http_receiver
from tests.support.recorded import RECORDERS

START = """
import os, signal, sys, threading
from heliograph import TelemetryManager
otlp = {"exporters": [{"type": "otlp", "endpoint": sys.argv[1]}]}
telemetry = TelemetryManager.start("app", recorder=sys.argv[2], tracing=otlp, logs=otlp, metrics=otlp, **QUIET)
def work(name):
    with telemetry.span(name):
        telemetry.event(name)
"""


@pytest.fixture(params=RECORDERS)
def recorder(request):
    return request.param


def names(receiver):
    return sorted(span.name for span in receiver.spans())


def test_a_forked_child_delivers_its_own_items_once_and_the_parent_its_own(recorder):
    code = (
        START
        + """
work("parent before")
open_span = telemetry.span_builder("open at the fork").start()
child = os.fork()
if child == 0:
    assert all(counts.accepted == 0 for counts in telemetry.ledger().values()), telemetry.ledger()
    work("child")
    sys.exit(5)  # delivered by the exit hook of the child
work("parent after")
open_span.end()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
assert telemetry.force_flush()
print(telemetry.ledger()["traces", "otlp"].delivered)
"""
    )
    with http_receiver() as receiver:
        out, err = run_script(code, receiver.url, recorder)
        assert names(receiver) == ["child", "open at the fork", "parent after", "parent before"]
        assert sorted(record.event_name for record in receiver.log_records()) == ["child", "parent after", "parent before"]
        assert len(set(receiver.span_ids())) == 4
    assert out == "3\n"
    assert "Traceback" not in err


def test_a_delivery_imports_nothing_since_a_fork_meanwhile_would_leave_the_import_lock_taken_in_the_child(recorder):
    code = (
        START
        + """
before = set(sys.modules)
work("a")
assert telemetry.force_flush()
assert set(sys.modules) == before, set(sys.modules) - before
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder)


def test_a_child_of_a_child_and_several_children_each_deliver_their_own(recorder):
    code = (
        START
        + """
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        work(f"child {number}")
        grandchild = os.fork()
        if grandchild == 0:
            work(f"grandchild {number}")
            os._exit(0 if telemetry.force_flush() else 1)
        ended = os.waitpid(grandchild, 0)[1]
        os._exit(0 if telemetry.force_flush() and ended == 0 else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder)
        assert names(receiver) == sorted([f"child {n}" for n in range(3)] + [f"grandchild {n}" for n in range(3)])


def test_a_child_forked_while_the_parent_records_and_delivers_on_threads_works(recorder):
    code = (
        START
        + """
def forever():
    number = 0
    while True:
        number += 1
        work("t")
        telemetry.increment_counter(f"not allowed {number}")
        telemetry.gauge(f"allowed.{number % 50}").set(1)
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
for number in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm(8)  # a child that hangs is ended, and seen
        telemetry.increment_counter("not allowed")
        telemetry.counter(f"of.the.child.{number}").add(1)
        work("child")
        telemetry.shutdown()
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    assert ended == 0, ended
os._exit(0)
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder, timeout_s=30)
        assert names(receiver).count("child") == 10


@pytest.mark.parametrize("lock", ["mishaps", "instruments"])
def test_a_child_forked_while_another_thread_is_inside_a_recording_call_does_not_hang(lock):
    code = """
import os, signal, sys, threading, time
from heliograph import TelemetryManager, TelemetrySettings
from heliograph.clock import SystemClock
held, forked = threading.Event(), threading.Event()
def hold():
    if threading.current_thread().name == "holder" and not held.is_set():
        held.set()
        forked.wait(5)
class Slow(SystemClock):
    def monotonic_ns(self):
        hold()
        return time.monotonic_ns()
class SlowText(str):
    def __eq__(self, other):
        hold()
        return str.__eq__(self, other)
    __hash__ = str.__hash__
memory = {"exporters": ["memory"]}
settings = TelemetrySettings(tracing=memory, metrics=memory, logs=memory, **QUIET)
telemetry = TelemetryManager(settings, clock=Slow()).initialize()
telemetry.counter("c", unit="s")
inside = {
    "mishaps": lambda: telemetry.increment_counter("not allowed"),
    "instruments": lambda: telemetry.counter("c", unit=SlowText("s")),
}[sys.argv[1]]
threading.Thread(target=inside, name="holder", daemon=True).start()
assert held.wait(5)
child = os.fork()
if child == 0:
    signal.alarm(3)
    telemetry.increment_counter("not allowed")
    telemetry.counter("d").add(1)
    with telemetry.span("child"):
        pass
    os._exit(0 if telemetry.force_flush() else 1)
forked.set()
ended = os.waitpid(child, 0)[1]
assert ended == 0, ended
"""
    run_script(code, lock)


def test_a_child_forked_while_its_parents_queue_is_full_has_an_empty_one(recorder):
    code = START.replace("**QUIET", "delivery={'queue_size': 5, 'shutdown_timeout': '200ms'}, **QUIET") + (
        """
def fill():
    for _ in range(100):
        work("parent")
    telemetry.force_flush(0.2)
fill()
fill()
assert telemetry.ledger()["traces", "otlp"].dropped["queue_full"] > 0
child = os.fork()
if child == 0:
    work("child")
    counts = telemetry.ledger()["traces", "otlp"]
    os._exit(0 if (counts.accepted, counts.pending, counts.dropped) == (1, 1, {}) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    )
    run_script(code, "http://127.0.0.1:9", recorder)


def test_a_child_does_not_keep_the_port_of_its_parent():
    code = """
import os, socket, sys
from heliograph import TelemetryManager
telemetry = TelemetryManager.start("app", server={"port": 0}, health={"enabled": False}, system={"enabled": False})
port = int(telemetry.endpoint_url.rsplit(":", 1)[1])
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    assert telemetry.endpoint_url is None
    os.read(go[0], 1)
    os._exit(0)
telemetry.shutdown()
with socket.socket() as other:
    other.bind(("127.0.0.1", port))
    other.listen()
os.write(go[1], b"x")
assert os.waitpid(child, 0)[1] == 0
"""
    run_script(code)


def test_a_child_forked_before_the_start_can_start_its_own():
    code = """
import os, sys
from heliograph import TelemetryManager
child = os.fork()
otlp = {"exporters": [{"type": "otlp", "endpoint": sys.argv[1]}]}
telemetry = TelemetryManager.start("app", tracing=otlp, **QUIET)
with telemetry.span("child" if child == 0 else "parent"):
    pass
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    with http_receiver() as receiver:
        run_script(code, receiver.url)
        assert names(receiver) == ["child", "parent"]


def test_a_child_can_shut_down_and_start_again_while_its_parent_goes_on(recorder):
    code = (
        START
        + """
child = os.fork()
if child == 0:
    telemetry.shutdown()
    again = TelemetryManager.start("other", recorder=sys.argv[2], tracing=otlp, **QUIET)
    with again.span("child again"):
        pass
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
work("parent")
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder)
        assert names(receiver) == ["child again", "parent"]


def test_a_shut_down_manager_stays_shut_down_in_a_child(recorder):
    code = (
        START
        + """
telemetry.shutdown()
child = os.fork()
if child == 0:
    work("child")
    os._exit(0 if telemetry.force_flush() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder)
        assert receiver.spans() == []
