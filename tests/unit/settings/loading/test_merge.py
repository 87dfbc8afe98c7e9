"""Layers over each other: what they come to, and whose each part of it is."""

from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.exporters import OtlpExporter
from heliograph.settings.loading.layer import Layer, Source
from heliograph.settings.loading.merge import Merged

_NAMES = st.sampled_from(["a", "b", "c"])
_VALUES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2) | st.none(),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_SECTIONS = st.dictionaries(_NAMES, _VALUES, max_size=3)


def over(lower, upper):
    merged = dict(lower)
    for name, value in upper.items():
        below = merged.get(name)
        merged[name] = over(below if isinstance(below, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def leaves(value, place=()):
    if isinstance(value, dict) and value:
        return {at: leaf for name, each in value.items() for at, leaf in leaves(each, (*place, name)).items()}
    return {place: value}


@given(_SECTIONS, _SECTIONS, _SECTIONS)
def test_the_upper_layer_decides_each_value_and_has_it(argument, environment, file):
    layers = [
        Layer(kind="argument", values=argument),
        Layer(kind="environment", values=environment),
        Layer(kind="file", values=file, places={(): "a.yaml"}),
    ]
    merged = Merged(layers)
    assert merged.values == over(over(file, environment), argument)
    for place, leaf in leaves(merged.values).items():
        if place and leaf != {}:
            assert merged.source(place).kind == next(layer.kind for layer in layers if place in leaves(layer.values))


def test_of_a_list_each_part_is_from_where_the_list_is():
    lower = Layer(
        kind="file", values={"x": [{"a": 1, "b": 2}, 3]}, places={("x",): "f:1", ("x", 0): "f:2", ("x", 0, "b"): "f:3"}
    )
    upper = Layer(kind="argument", values={"y": [4]})
    merged = Merged([upper, lower])
    sources = {
        ("x",): Source("file", "f:1"),
        ("x", 0): Source("file", "f:2"),
        ("x", 0, "a"): Source("file", "f:2"),
        ("x", 0, "b"): Source("file", "f:3"),
        ("x", 0, "c"): Source("default"),
        ("x", 1): Source("file", "f:1"),
        ("x", 2): Source("default"),
        ("y", 0): Source("argument"),
    }
    assert {place: merged.source(place) for place in sources} == sources


def test_nothing_of_a_list_that_was_replaced_is_left():
    merged = Merged([Layer(kind="argument", values={"x": [{"a": 1}]}), Layer(kind="file", values={"x": [{"a": 2, "b": 3}]})])
    assert merged.source(("x", 0, "b")) == Source("default")


def test_what_refines_all_others_has_what_it_changed_of_a_list():
    place = ("tracing", "exporters")
    file = Layer(
        kind="file", values={"tracing": {"exporters": ["otlp", "console"]}}, places={place: "f:1", (*place, 1): "f:2"}
    )
    merged = Merged([file])
    merged.refine(
        Layer(
            kind="environment",
            values={"tracing": {"exporters": [{"type": "otlp", "timeout": 3}, "console"]}, "server": {"port": 1}},
            places={(*place, 0, "timeout"): "OTEL_TIMEOUT", ("server", "port"): "PORT"},
        )
    )
    assert merged.values["tracing"]["exporters"] == [{"type": "otlp", "timeout": 3}, {"type": "console"}]
    sources = {
        place: Source("file", "f:1"),
        (*place, 0, "type"): Source("file", "f:1"),
        (*place, 0, "timeout"): Source("environment", "OTEL_TIMEOUT"),
        (*place, 1, "type"): Source("file", "f:2"),
        ("server", "port"): Source("environment", "PORT"),
    }
    assert {each: merged.source(each) for each in sources} == sources


def test_of_an_exporter_that_was_made_already_only_what_was_set_is_the_arguments():
    merged = Merged([Layer(kind="argument", values={"tracing": {"exporters": [OtlpExporter(timeout=3)]}})])
    assert merged.source(("tracing", "exporters", 0, "timeout")) == Source("argument")
    assert merged.source(("tracing", "exporters", 0, "protocol")) == Source("default")
