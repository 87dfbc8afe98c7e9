"""The sampler of a declarative file, as the share of traces that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from heliograph.settings.kinds import number
from heliograph.settings.loading.declarative.node import Node, Reader, nothing, put, read_choice, read_mapping
from heliograph.settings.loading.declarative.rules import read_rules
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_sampler import not_parent_based

Share: TypeAlias = tuple[Node, float]
"""A share of the traces, and the place that says it."""

_RATE: Final[Place] = ("tracing", "sample_rate")
_PARENTS: Final[Mapping[str, str]] = {
    "remote_parent_sampled": "always_on",
    "remote_parent_not_sampled": "always_off",
    "local_parent_sampled": "always_on",
    "local_parent_not_sampled": "always_off",
}


def read_sampler(node: Node) -> None:
    """The sampler of the tracer provider."""
    for at, rate in _sampler(node, is_root=False):
        put(at, _RATE, rate)


def _sampler(node: Node, *, is_root: bool) -> list[Share]:
    """The share of new traces that a sampler keeps; one that ``is_root`` decides on these only. Nothing after a fault."""
    found: list[Share] = []
    readers: dict[str, Reader] = {
        **_plain(found, is_root=is_root),
        "trace_id_ratio_based": _ratio(found, is_root=is_root),
        "probability/development": _ratio(found, is_root=is_root),
        "parent_based": lambda inner: found.extend(_parent_based(inner)),
        "composite/development": lambda inner: found.extend(_composable(inner, is_root=False)),
        "jaeger_remote/development": lambda inner: found.extend(_jaeger_remote(inner)),
    }
    read_choice(node, readers, "sampler")
    return found


def _composable(node: Node, *, is_root: bool) -> list[Share]:
    found: list[Share] = []

    def read_parent_threshold(inner: Node) -> None:
        read_mapping(inner, {"root": lambda root: found.extend(_composable(root, is_root=True))}, required=("root",))

    def read_rule_based(inner: Node) -> None:
        rate = read_rules(inner, lambda sampler: next((rate for _, rate in _composable(sampler, is_root=True)), None))
        _keep(found, inner, rate, is_root=is_root)

    readers: dict[str, Reader] = {
        **_plain(found, is_root=is_root),
        "probability": _ratio(found, is_root=is_root),
        "parent_threshold": read_parent_threshold,
        "rule_based": read_rule_based,
    }
    read_choice(node, readers, "sampler")
    return found


def _plain(found: list[Share], *, is_root: bool) -> dict[str, Reader]:
    def share(rate: float) -> Reader:
        def read(node: Node) -> None:
            read_mapping(node, {})
            _keep(found, node, rate, is_root=is_root)

        return read

    return {"always_on": share(1.0), "always_off": share(0.0)}


def _ratio(found: list[Share], *, is_root: bool) -> Reader:
    def read(node: Node) -> None:
        read_mapping(node, {"ratio": nothing})
        ratio = node.at("ratio")
        if ratio.value is None:
            _keep(found, node, 1.0, is_root=is_root)
        else:
            _keep(found, ratio, ratio.read(number(0, 1)), is_root=is_root)

    return read


def _keep(found: list[Share], node: Node, rate: float | None, *, is_root: bool) -> None:
    if rate is not None:
        found.append((node, rate))
        if not is_root:
            node.note(f"is read as that of new traces: {not_parent_based('it')}")


def _parent_based(node: Node) -> list[Share]:
    found: list[Share] = []
    readers: dict[str, Reader] = {"root": lambda inner: found.extend(_sampler(inner, is_root=True))}
    read_mapping(node, readers | {name: _follows(usual) for name, usual in _PARENTS.items()})
    return found if node.value.get("root") is not None else [(node, 1.0)]


def _jaeger_remote(node: Node) -> list[Share]:
    node.note("is ignored: nobody is asked for the share of traces; the one to begin with stays")
    initial = node.at("initial_sampler")
    return _sampler(initial, is_root=True) if initial.value is not None else []


def _follows(usual: str) -> Reader:
    """The reader of what becomes of a span with a parent: it follows that."""

    def read(node: Node) -> None:
        value: Any = node.value
        if not isinstance(value, Mapping) or list(value) != [usual]:
            node.note("is ignored: a span follows what was decided on its parent")

    return read
