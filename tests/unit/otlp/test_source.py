"""Resources and scopes: each item is found under its own, however many there are and whatever became of the others."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from heliograph.otlp.source import Grouping, SourceEncoder
from heliograph.otlp.traces import TraceEncoder
from heliograph.otlp.values import ValueEncoder
from tests.support.hostile import HOSTILE, RaisesAlways, RaisingMapping
from tests.support.otlp_oracle import plain_value

_SCOPE = InstrumentationScope("scope")
_RESOURCE = Resource({"service.name": "under-test"})
_TWINS = (True, 1, 1.0, 0.0, -0.0, 0, False)


def _sources() -> SourceEncoder:
    return SourceEncoder(ValueEncoder())


def _item(number: int) -> bytes:
    """A span with nothing but a name."""
    return b"\x2a\x01" + str(number).encode()


def _request(entries: list[tuple[Any, Any]], sources: SourceEncoder | None = None) -> Any:
    """What a receiver reads of items numbered from 0 with these resources and scopes."""
    groups = Grouping(sources or _sources())
    for number, (resource, scope) in enumerate(entries):
        groups.add(resource, scope, _item(number % 10))
    return ExportTraceServiceRequest.FromString(groups.request())


def _attributes(part: Any) -> dict[str, Any]:
    return {attribute.key: plain_value(attribute.value) for attribute in part.attributes}


def _names(request: Any) -> list[list[list[str]]]:
    return [[[span.name for span in scope.spans] for scope in resource.scope_spans] for resource in request.resource_spans]


def test_nothing_makes_an_empty_request() -> None:
    assert Grouping(_sources()).request() == b""


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=10))
@settings(max_examples=100, deadline=None)
def test_items_stand_under_their_resource_and_scope_in_the_order_of_their_coming(places: list[tuple[int, int]]) -> None:
    resources = [Resource({"number": number}, f"r{number}") for number in range(3)]
    scopes = [InstrumentationScope(f"scope {number}", "1", f"s{number}", {"number": number}) for number in range(3)]
    request = _request([(resources[resource], scopes[scope]) for resource, scope in places])
    expected: dict[int, dict[int, list[str]]] = {}
    for number, (resource, scope) in enumerate(places):
        expected.setdefault(resource, {}).setdefault(scope, []).append(str(number))
    read = {
        plain_value(group.resource.attributes[0].value): {
            plain_value(part.scope.attributes[0].value): [span.name for span in part.spans] for part in group.scope_spans
        }
        for group in request.resource_spans
    }
    assert read == expected
    assert [list(scopes) for scopes in read.values()] == [list(scopes) for scopes in expected.values()]
    for group in request.resource_spans:
        assert group.schema_url == f"r{plain_value(group.resource.attributes[0].value)}"
        for part in group.scope_spans:
            number = plain_value(part.scope.attributes[0].value)
            assert (part.scope.name, part.scope.version, part.schema_url) == (f"scope {number}", "1", f"s{number}")


@pytest.mark.parametrize("second", _TWINS)
@pytest.mark.parametrize("first", _TWINS)
def test_resources_and_scopes_that_are_equal_but_not_the_same_keep_their_own_attributes(first: Any, second: Any) -> None:
    sources = _sources()
    values = [first, second, first]
    entries = [(Resource({"value": value}), InstrumentationScope("scope", attributes={"value": value})) for value in values]
    for _ in range(2):
        read = _request(entries, sources).resource_spans
        assert [repr(_attributes(group.resource)["value"]) for group in read] == [repr(value) for value in values]
        assert [repr(_attributes(group.scope_spans[0].scope)["value"]) for group in read] == [repr(value) for value in values]


def test_scopes_that_are_equal_but_not_the_same_are_not_merged_under_one_resource() -> None:
    # The official encoder groups by equality, and InstrumentationScope takes an attribute of 1 for one of True: it writes
    # the items of both under the first. A request may hold equal scopes more than once, so identity loses nothing.
    scopes = [InstrumentationScope("scope", attributes={"value": value}) for value in (1, True, 1.0)]
    (group,) = _request([(_RESOURCE, scope) for scope in scopes]).resource_spans
    assert [repr(_attributes(part.scope)["value"]) for part in group.scope_spans] == ["1", "True", "1.0"]


def test_an_item_without_scope_and_resource_has_empty_ones() -> None:
    (group,) = _request([(None, None)]).resource_spans
    assert not group.resource.attributes
    assert (group.scope_spans[0].scope.name, group.scope_spans[0].schema_url) == ("", "")
    assert _names(_request([(None, None), (None, _SCOPE), (None, None)])) == [[["0", "2"], ["1"]]]


def test_a_resource_that_took_the_place_of_a_collected_one_gets_its_own_bytes() -> None:
    sources = _sources()
    for number in range(2_000):  # more than are kept, so that some are let go and their ids come again
        resource, scope = Resource({"number": number}), InstrumentationScope(f"scope {number}")
        (group,) = _request([(resource, scope)], sources).resource_spans
        assert _attributes(group.resource) == {"number": number}
        assert group.scope_spans[0].scope.name == f"scope {number}"
        del resource, scope


def test_ids_really_come_again_in_such_a_run() -> None:
    seen = set()
    for number in range(2_000):
        seen.add(id(Resource({"number": number})))
    assert len(seen) < 2_000


def test_many_resources_and_scopes_do_not_grow_beyond_those_that_are_kept() -> None:
    sources = _sources()

    def flood(count: int) -> None:
        for number in range(count):
            resource = Resource({"number": number, "pad": "x" * 1_000})
            _request([(resource, InstrumentationScope("s", attributes={"pad": "x" * 1_000}))], sources)

    flood(300)
    gc.collect()
    tracemalloc.start()
    try:
        flood(600)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 256 * 2 * 8_000
    finally:
        tracemalloc.stop()


def test_one_request_may_hold_more_resources_than_are_kept() -> None:
    request = _request([(Resource({"number": number}), _SCOPE) for number in range(700)])
    assert [_attributes(group.resource)["number"] for group in request.resource_spans] == list(range(700))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_in_a_resource_or_scope_never_costs_the_attributes_beside_it(name: str) -> None:
    class Source:
        """As a resource or scope of somebody else's is, that cleans nothing."""

        schema_url = ""
        name = "theirs"
        version = None

        def __init__(self) -> None:
            self.attributes = {"before": 1, "hostile": HOSTILE[name](), "after": 2}

    (group,) = _request([(Source(), Source())]).resource_spans
    assert _attributes(group.resource).items() >= {"before": 1, "after": 2}.items()
    assert _attributes(group.scope_spans[0].scope).items() >= {"before": 1, "after": 2}.items()


def _encoded(places: list[tuple[Any, Any]]) -> tuple[list[str], int]:
    """The names of the spans with these resources and scopes that a receiver reads, and how many were left out."""
    context = SpanContext(1, 1, is_remote=False)
    spans = [
        ReadableSpan(str(number), context, resource=resource, instrumentation_scope=scope)
        for number, (resource, scope) in enumerate(places)
    ]
    body, broken = TraceEncoder().encode(spans)
    groups = _names(ExportTraceServiceRequest.FromString(body))
    return [name for group in groups for scope in group for name in scope], broken


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_version_or_address_never_costs_an_item(name: str) -> None:
    value = HOSTILE[name]()
    strange = InstrumentationScope(value, value, value)
    names, broken = _encoded([(_RESOURCE, _SCOPE), (_RESOURCE, strange), (Resource({}, value), _SCOPE), (_RESOURCE, _SCOPE)])
    assert {"0", "3"} <= set(names)
    assert len(names) + broken == 4


@pytest.mark.parametrize("broken", ["name", "version", "attributes", "schema_url"])
def test_a_source_of_somebody_elses_that_raises_never_costs_the_items_of_others(broken: str) -> None:
    class Raising:
        name = "theirs"
        version = ""
        attributes: Any = None
        schema_url = ""

    setattr(Raising, broken, property(lambda self: RaisesAlways()._refuse()))
    names, lost = _encoded([(_RESOURCE, _SCOPE), (Raising(), _SCOPE), (_RESOURCE, Raising()), (_RESOURCE, _SCOPE)])
    assert {"0", "3"} <= set(names)
    assert len(names) + lost == 4


@pytest.mark.parametrize("make", [object, RaisesAlways, str, lambda: "text", dict, RaisingMapping])
def test_what_is_no_source_at_all_never_costs_the_items_of_others(make: Callable[[], Any]) -> None:
    names, lost = _encoded([(_RESOURCE, _SCOPE), (make(), _SCOPE), (_RESOURCE, make()), (_RESOURCE, _SCOPE)])
    assert {"0", "3"} <= set(names)
    assert len(names) + lost == 4
