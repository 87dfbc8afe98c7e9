"""What a forked process reports, and as which instance of the service: that is where the two recorders differ.

Under both a child is another instance. The native recorder begins at zero in it, leaves the spans that are open at the fork to
the parent, and leaves an id that the user set; the official SDK goes on with its parent's sums, delivers an open span in each
process that ends it, and replaces any id.
"""

from __future__ import annotations

import pytest

from tests.support.interpreter import run_script
from tests.support.otlp_receiver import http_receiver
from tests.support.recorded import ABOUT_TELEMETRY, RECORDERS

START = """
import contextlib, os, sys
from heliograph import TelemetryManager
otlp = {"exporters": [{"type": "otlp", "endpoint": sys.argv[1]}]}
telemetry = TelemetryManager.start("app", recorder=sys.argv[2], tracing=otlp, logs=otlp, metrics=otlp, **QUIET)
bound = telemetry.counter("bound").bind(kind="bound")
def work(name, amount):
    with telemetry.span(name):
        telemetry.event(name)
        telemetry.increment_counter("plain", amount)
        bound.add(amount)
def forked(run):
    child = os.fork()
    if child == 0:
        run()
        sys.exit(0)  # delivered by the exit hook of the child
    assert os.waitpid(child, 0)[1] == 0
"""
# The parent records before the fork and after it, and what only the parent measured is none of the child's.
FAMILY = (
    START
    + """
telemetry.record_histogram("of.the.parent", 5)
telemetry.set_gauge("gauge.of.the.parent", 5)
work("before", 100)
forked(lambda: work("child", 7))
work("after", 1000)
"""
)


class Instance:
    """What one ``service.instance.id`` reported: names of spans and events, sums of counters."""

    def __init__(self):
        self.spans, self.events, self.sums, self.metrics = [], [], {}, set()


def instances(receiver):
    """By ``service.instance.id``."""
    found = {}
    for _signal, _headers, message in receiver.requests:
        for part in (*getattr(message, "resource_spans", ()), *getattr(message, "resource_logs", ())):
            scopes = getattr(part, "scope_spans", None) or part.scope_logs
            of = found.setdefault(_id(part), Instance())
            of.spans += [span.name for scope in scopes for span in getattr(scope, "spans", ())]
            of.events += [record.event_name for scope in scopes for record in getattr(scope, "log_records", ())]
        for part in getattr(message, "resource_metrics", ()):
            of = found.setdefault(_id(part), Instance())
            for metric in (metric for scope in part.scope_metrics for metric in scope.metrics):
                of.metrics.add(metric.name)
                for point in metric.sum.data_points:
                    of.sums[metric.name] = point.as_int
    return found


def _id(part):
    (found,) = [item.value.string_value for item in part.resource.attributes if item.key == "service.instance.id"]
    return found


def child_and_parent(receiver, name):
    """The instance that reported the span ``name``, and the other one."""
    return sorted(instances(receiver).values(), key=lambda each: name not in each.spans)


def own(metrics):
    return {name for name in metrics if not name.startswith(ABOUT_TELEMETRY)}


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_child_reports_its_own_once_as_one_instance_for_all_three_signals(recorder):
    with http_receiver() as receiver:
        run_script(FAMILY, receiver.url, recorder)
        child, parent = child_and_parent(receiver, "child")
    assert (child.spans, child.events) == (["child"], ["child"])
    assert own(child.metrics) == {"plain", "bound"}
    assert (child.sums["plain"], child.sums["bound"]) == (7, 7)
    assert (parent.spans, parent.events) == (["before", "after"], ["before", "after"])
    assert own(parent.metrics) == {"plain", "bound", "of.the.parent", "gauge.of.the.parent"}
    assert (parent.sums["plain"], parent.sums["bound"]) == (1100, 1100)


def test_each_process_of_a_family_of_the_native_recorder_is_an_instance_of_its_own():
    code = (
        START
        + """
def child():
    work("child", 1)
    forked(lambda: work("grandchild", 2))
work("parent", 3)
forked(child)
forked(lambda: work("sibling", 4))
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, "native")
        found = list(instances(receiver).values())
    assert sorted((*each.spans, *each.events, each.sums["plain"]) for each in found) == [
        ("child", "child", 1),
        ("grandchild", "grandchild", 2),
        ("parent", "parent", 3),
        ("sibling", "sibling", 4),
    ]


@pytest.mark.parametrize("given", ["settings", "environment"])
def test_an_id_that_the_user_set_stays_in_a_child_of_the_native_recorder(given):
    in_settings = {"settings": "resource={'service.instance.id': 'mine'}, ", "environment": ""}[given]
    environ = {"settings": {}, "environment": {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=mine"}}[given]
    with http_receiver() as receiver:
        run_script(FAMILY.replace("**QUIET", f"{in_settings}**QUIET"), receiver.url, "native", environ=environ)
        found = instances(receiver)
    assert set(found) == {"mine"}
    assert sorted(found["mine"].spans) == sorted(found["mine"].events) == ["after", "before", "child"]


def test_a_span_that_is_open_at_the_fork_is_the_parents_alone_under_the_native_recorder():
    code = (
        START
        + """
def child():
    telemetry.event("within it")
    work("below it", 1)
with telemetry.span("open"):
    forked(child)  # the child leaves the block as well, by its SystemExit
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, "native")
        child, parent = child_and_parent(receiver, "below it")
        spans = {span.name: span for span in receiver.spans()}
    assert (child.spans, parent.spans) == (["below it"], ["open"])
    assert child.events == ["within it", "below it"]
    assert spans["below it"].parent_span_id == spans["open"].span_id


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_child_forked_within_a_trace_whose_end_decides_delivers_its_own_failure_and_no_span_of_its_parent(recorder):
    code = (
        START.replace("tracing=otlp", "tracing={'sample_rate': 0.0, 'keep_errors': True, **otlp}")
        + """
with contextlib.suppress(KeyError), telemetry.span("root"):
    work("ended before the fork", 1)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(ValueError), telemetry.span("of the child"):
            raise ValueError
        os._exit(0 if telemetry.force_flush() else 1)
    assert os.waitpid(child, 0)[1] == 0
    raise KeyError
work("not kept", 1)
"""
    )
    with http_receiver() as receiver:
        run_script(code, receiver.url, recorder)
        assert [span.name for span in receiver.spans()] == ["of the child", "ended before the fork", "root"]
