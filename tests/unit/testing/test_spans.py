"""Finished spans as a test sees them: in a tree, by name, with what is on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from heliograph.testing import CapturedTelemetry, RecordedSpan, captured


@pytest.fixture
def telemetry() -> Iterator[CapturedTelemetry]:
    with captured() as found:
        yield found


def fail() -> None:
    raise ValueError("no money")


def test_the_tree_shows_names_durations_attributes_errors_and_events(telemetry: CapturedTelemetry) -> None:
    with telemetry.span("take order", attributes={"order.id": 7}) as span:
        with telemetry.span("check stock", sku="lamp"):
            telemetry.clock.advance(0.25)
        span.add_event("reserved", {"count": 1})
        with pytest.raises(ValueError, match="no money"), telemetry.span("charge card"):
            fail()
    with telemetry.span("ship"):
        pass
    assert telemetry.spans.tree().splitlines() == [
        "take order (0.25 s) order.id=7",
        "  * reserved count=1",
        "  check stock (0.25 s) sku='lamp'",
        "  charge card ERROR ValueError: no money",
        "    * exception exception.type='ValueError' exception.message='no money' exception.escaped='False'",
        "ship",
    ]
    assert telemetry.spans.tree(is_detailed=False) == "take order\n  check stock\n  charge card\nship"
    assert telemetry.spans["charge card"].tree(is_detailed=False) == "charge card"
    assert telemetry.spans["take order"].tree(is_detailed=False) == "take order\n  check stock\n  charge card"


def test_a_span_has_what_was_recorded_on_it(telemetry: CapturedTelemetry) -> None:
    other = telemetry.tracer.start_span("other")
    telemetry.clock.advance(1)
    with telemetry.tracer.start_as_current_span(
        "work", kind=SpanKind.SERVER, attributes={"a": 1}, links=[Link(other.get_span_context())]
    ) as span:
        span.set_attribute("b", ("x", "y"))
        span.add_event("half", {"done": 0.5}, timestamp=5)
        telemetry.clock.advance(2)
        span.set_status(StatusCode.ERROR, "broke")
    (found,) = telemetry.spans
    began_ns = telemetry.clock.time_ns() - 2_000_000_000
    assert (found.name, found.kind, found.attributes) == ("work", SpanKind.SERVER, {"a": 1, "b": ("x", "y")})
    assert [(event.name, event.attributes, event.time_ns) for event in found.events] == [("half", {"done": 0.5}, 5)]
    assert (found.is_error, found.status.status_code, found.status.description) == (True, StatusCode.ERROR, "broke")
    assert (found.started_at_ns, found.ended_at_ns, found.duration_s) == (began_ns, began_ns + 2_000_000_000, 2.0)
    assert ([link.span_id for link in found.links], found.scope) == ([1], "heliograph")
    assert (found.trace_id, found.span_id, found.context.span_id) == (2, 2, 2)


def test_parents_and_children_are_tied_whatever_ends_first(telemetry: CapturedTelemetry) -> None:
    outer = telemetry.tracer.start_span("outer")
    with trace.use_span(outer):
        late = telemetry.tracer.start_span("late")
        with telemetry.span("early"):
            pass
    outer.end()
    late.end()
    spans = telemetry.spans
    assert spans.names == ["early", "outer", "late"]
    assert spans["outer"].parent is None
    assert [child.name for child in spans["outer"].children] == ["late", "early"]
    assert isinstance(spans["late"].parent, RecordedSpan)
    assert spans["late"].parent is spans["outer"]
    assert spans["early"].trace_id == spans["outer"].trace_id
    assert [root.name for root in spans.roots] == ["outer"]


def test_a_parent_of_another_service_is_known_by_its_ids(telemetry: CapturedTelemetry) -> None:
    remote = SpanContext(0xA, 0xB, is_remote=True, trace_flags=TraceFlags(1))
    with telemetry.tracer.start_as_current_span("work", trace.set_span_in_context(NonRecordingSpan(remote))):
        pass
    work = telemetry.spans["work"]
    assert work.parent == remote
    assert (work.trace_id, [root.name for root in telemetry.spans.roots]) == (0xA, ["work"])


def test_a_span_that_has_not_ended_is_not_there_and_its_children_are_roots(telemetry: CapturedTelemetry) -> None:
    with telemetry.span("open"):
        with telemetry.span("inner"):
            pass
        assert telemetry.spans.tree() == "inner"
    assert telemetry.spans.tree() == "open\n  inner"


def test_spans_are_found_by_name_place_and_slice(telemetry: CapturedTelemetry) -> None:
    for number in range(3):
        with telemetry.span("item", number=number):
            pass
    with telemetry.span("end"):
        pass
    spans = telemetry.spans
    assert (len(spans), spans[0].attributes, spans[-1].name) == (4, {"number": 0}, "end")
    assert [span.attributes["number"] for span in spans.named("item")] == [0, 1, 2]
    assert spans[1:3].names == ["item", "item"]
    assert "item" in spans
    assert "other" not in spans
    assert spans["end"] in spans
    assert list(spans) == spans == telemetry.spans


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("itme", "no spans are named 'itme', expected one. Recorded spans:\n  item a=1\n  item a=2"),
        ("item", "2 spans are named 'item', expected one; take one of named('item'). Recorded spans:"),
    ],
)
def test_a_name_that_is_not_the_one_of_a_span_is_refused_with_what_there_is(
    telemetry: CapturedTelemetry, name: str, said: str
) -> None:
    for number in (1, 2):
        with telemetry.span("item", a=number):
            pass
    with pytest.raises(LookupError) as refused:
        telemetry.spans[name]
    assert said in str(refused.value)


def test_no_spans_say_so(telemetry: CapturedTelemetry) -> None:
    assert (telemetry.spans.tree(), repr(telemetry.spans), telemetry.spans == []) == ("", "No spans.", True)


def test_a_deep_trace_is_shown(telemetry: CapturedTelemetry) -> None:
    spans = []
    context = None
    for number in range(3000):
        spans.append(telemetry.tracer.start_span(f"level {number}", context))
        context = trace.set_span_in_context(spans[-1])
    for span in reversed(spans):
        span.end()
    assert telemetry.spans.tree().splitlines()[-1] == "  " * 2999 + "level 2999"
    assert telemetry.spans[0] == telemetry.spans[0]
