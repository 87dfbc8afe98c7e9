"""The rule-based sampler of a declarative file, as the settings' ``sample_rules``.

Its rules hold for every span, ours for the traces that begin here: what a rule says of spans with a parent is not covered.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from heliograph.settings.loading.declarative.node import Node, Reader, nothing, put, read_mapping
from heliograph.settings.loading.declarative.values import chosen, written
from heliograph.settings.tracing import SpanKind

_KINDS: Final = {kind: kind for kind in get_args(SpanKind)}
_PARENTS: Final = {"none": True, "remote": False, "local": False}
_ANY: Final[tuple[None, ...]] = (None,)


class _NotCoveredError(Exception):
    """A rule that ours cannot say."""


def read_rules(node: Node, rate_of: Callable[[Node], float | None]) -> float | None:
    """Put the rules; returns the share of the traces that fit none. ``rate_of`` reads the sampler of a rule."""
    found: list[dict[str, Any]] = []
    rules: list[Node] = []
    read_mapping(node, {"rules": lambda inner: rules.extend(inner.entries())})
    rate: float | None = 0.0  # what fits no rule is not sampled
    for rule in rules:
        read_mapping(rule, _OPTIONS, required=("sampler",))
        sampler = rule.at("sampler") if isinstance(rule.value, Mapping) else rule
        rate_here = rate_of(sampler) if sampler is not rule and sampler.value is not None else None
        if rate_here is None:
            continue
        if not set(rule.value) & {"attribute_values", "attribute_patterns", "span_kinds", "parent"}:
            rate = rate_here
            break
        try:
            found += [{**pattern, "sample_rate": rate_here} for pattern in _patterns(rule)]
        except _NotCoveredError as error:
            rule.note(f"is ignored: {error}")
    if found:
        put(node, ("tracing", "sample_rules"), found)
    return rate


def _patterns(rule: Node) -> list[dict[str, Any]]:
    """What fits one rule: each way in which it can be said with one value for each key."""
    parents = _read(rule.at("parent"), chosen(_PARENTS))
    if parents and True not in parents:
        raise _NotCoveredError("it is about spans with a parent, which follow that")
    attributes = [*_values(rule.at("attribute_values"), "values"), *_values(rule.at("attribute_patterns"), "included")]
    if len({key for key, _ in attributes}) < len(attributes):
        raise _NotCoveredError("it names one attribute twice")
    kinds = _read(rule.at("span_kinds"), chosen(_KINDS)) or _ANY
    ways = itertools.product(kinds, *([(key, value) for value in values] for key, values in attributes))
    return [
        {**({"kind": kind} if kind is not None else {}), **({"attributes": dict(pairs)} if pairs else {})}
        for kind, *pairs in ways
    ]


def _values(node: Node, name: str) -> list[tuple[str, list[str]]]:
    if not isinstance(node.value, Mapping):
        return []
    if name == "included" and node.value.get("excluded"):
        raise _NotCoveredError("a pattern that is excluded cannot be said here; put a rule before this one")
    values = _read(node.at(name), written)
    if name == "values" and any(sign in value for value in values for sign in "*?["):
        raise _NotCoveredError("a value with * or ? would be a pattern here")
    key = node.at("key").read(written)
    return [(key, values)] if key is not None and values else []


def _read(node: Node, kind: Callable[[Any], Any]) -> list[Any]:
    return [value for value in (entry.read(kind) for entry in node.entries()) if value is not None]


_OPTIONS: Final[dict[str, Reader]] = {
    "sampler": nothing,
    "parent": nothing,
    "span_kinds": nothing,
    "attribute_values": lambda node: read_mapping(node, {"key": nothing, "values": nothing}, required=("key", "values")),
    "attribute_patterns": lambda node: read_mapping(
        node, dict.fromkeys(("key", "included", "excluded"), nothing), required=("key",)
    ),
}
