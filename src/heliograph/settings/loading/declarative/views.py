"""The views of a declarative file: which instruments, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.settings.faults import MismatchError
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, nothing, put, read_choice, read_mapping, unless
from heliograph.settings.loading.declarative.values import as_it_is, written
from heliograph.settings.metrics import MetricView

_OWN_BUCKETS: Final = "histograms keep their smallest and largest measurement always"
_SCALE: Final = "an exponential histogram has 160 buckets and the finest scale that fits"


class _View:
    """One view in the making: ``options`` of ours, by the places of the file that say them."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.nodes: dict[str, Node] = {}

    def put(self, option: str, value: Any, node: Node) -> None:
        try:
            MetricView.fields[option].kind(value)
        except ValueError as error:
            node.blame(str(error))
        else:
            self.options[option] = value
            self.nodes[option] = node

    def is_whole(self) -> bool:
        """Whether its options go together; the others say so."""
        try:
            MetricView.read(self.options)
        except MismatchError as mismatch:
            for found in mismatch.found:
                self.nodes[str(found.place[0])].blame(found.expected)
            return False
        return True

    def to(self, option: str, kind: Callable[[Any], Any] = written) -> Reader:
        """The reader of a value that becomes ``option``."""

        def read(node: Node) -> None:
            value = node.read(kind)
            if value is not None:
                self.put(option, value, node)

        return read


def read_views(node: Node) -> None:
    """All views, in their order."""
    views = [_read_view(entry) for entry in node.entries()]
    faulty = [view for view in views if not view.is_whole()]
    if faulty:
        return
    put(node, ("metrics", "views"), [view.options for view in views])
    for position, view in enumerate(views):
        for option, inner in view.nodes.items():
            node.draft.located(("metrics", "views", position, option), inner.place)


def _read_view(node: Node) -> _View:
    view = _View()
    readers = {
        "selector": lambda inner: read_mapping(inner, _selector(view)),
        "stream": lambda inner: read_mapping(inner, _stream(view)),
    }
    read_mapping(node, readers, required=("selector", "stream"))
    return view


def _selector(view: _View) -> dict[str, Reader]:
    return {
        "instrument_name": view.to("instrument"),
        "instrument_type": view.to("type"),
        "unit": view.to("unit"),
        "meter_name": view.to("meter"),
        "meter_version": ignored("a view chooses by the name of a meter, not by its version"),
        "meter_schema_url": ignored("a view chooses by the name of a meter, not by its schema"),
    }


def _stream(view: _View) -> dict[str, Reader]:
    return {
        "name": view.to("name"),
        "description": view.to("description"),
        "aggregation": lambda inner: _read_aggregation(inner, view),
        "aggregation_cardinality_limit": ignored("one limit holds for all instruments, metrics.cardinality_limit"),
        "attribute_keys": lambda inner: _read_keys(inner, view),
    }


def _read_aggregation(node: Node, view: _View) -> None:
    numbers = ignored("an instrument keeps the aggregation of its kind")
    readers: dict[str, Reader] = {
        "default": nothing,
        "drop": lambda inner: view.put("drop", value=True, node=inner),
        "explicit_bucket_histogram": lambda inner: _read_explicit(inner, view),
        "base2_exponential_bucket_histogram": lambda inner: _read_exponential(inner, view),
        "last_value": numbers,
        "sum": numbers,
    }
    read_choice(node, readers, "aggregation")


def _read_explicit(node: Node, view: _View) -> None:
    read_mapping(node, {"boundaries": view.to("buckets", as_it_is), "record_min_max": unless(usual=True, why=_OWN_BUCKETS)})


def _read_exponential(node: Node, view: _View) -> None:
    options = {"max_scale": unless(usual=20, why=_SCALE), "max_size": unless(usual=160, why=_SCALE)}
    read_mapping(node, {**options, "record_min_max": unless(usual=True, why=_OWN_BUCKETS)})
    view.put("exponential", value=True, node=node)


def _read_keys(node: Node, view: _View) -> None:
    read_mapping(node, {"included": nothing, "excluded": nothing})
    if not isinstance(node.value, Mapping):
        return
    included, excluded = _keys(node.at("included")), _keys(node.at("excluded"))
    if any(sign in key for key in (*(included or ()), *(excluded or ())) for sign in "*?"):
        node.note("is ignored: keys are named, they are no patterns; all of them are kept")
    elif included is not None:
        view.put("keep", [key for key in included if key not in (excluded or ())], node.at("included"))
    elif excluded is not None:
        view.put("exclude", excluded, node.at("excluded"))


def _keys(node: Node) -> list[str] | None:
    found = [entry.read(written) for entry in node.entries()]
    return [key for key in found if key is not None] if node.value is not None else None
