"""The resource and the propagators of a declarative file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.settings.kinds import flag, number, whole
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, nothing, put, read_mapping
from heliograph.settings.loading.declarative.values import as_it_is, chosen, written
from heliograph.settings.loading.opentelemetry_rows import RESOURCE_SETTINGS
from heliograph.settings.loading.opentelemetry_values import names, pairs

_TYPES: Final[Mapping[str, Callable[[Any], Any] | None]] = {
    "string": written,
    "bool": flag,
    "int": whole(-(2**63), 2**63 - 1),
    "double": number(),
    **dict.fromkeys(("string_array", "bool_array", "int_array", "double_array")),
}
# The schema's names of detectors, as the SDK's entry points have them.
_DETECTORS: Final[Mapping[str, str]] = {"service": "service_instance"}


def read_resource(node: Node) -> None:
    """Who sends."""
    readers: dict[str, Reader] = {
        "attributes_list": _read_attributes_list,
        "attributes": _read_attributes,
        "detection/development": _read_detection,
        "detectors": ignored("name detectors below detection/development"),
        "schema_url": ignored("the resource has the schema of the conventions that it keeps to"),
    }
    ordered = {name: node.value[name] for name in readers if name in node.value} if isinstance(node.value, Mapping) else {}
    value = {**ordered, **node.value} if isinstance(node.value, Mapping) else node.value  # attributes win over the list
    read_mapping(Node(node.draft, value, node.place), readers)


def _read_attributes_list(node: Node) -> None:
    found = node.read(lambda value: pairs(written(value)))
    if found is not None:
        for name, value in found[0].items():
            put(node, RESOURCE_SETTINGS.get(name, ("resource", name)), value)
        for remark in found[1]:
            node.note(remark)


def _read_attributes(node: Node) -> None:
    for entry in node.entries():
        if not isinstance(entry.value, Mapping) or not isinstance(entry.value.get("name"), str):
            entry.blame("a mapping with 'name' and 'value'")
            continue
        read_mapping(entry, {"name": nothing, "value": nothing, "type": nothing})
        _read_attribute(entry.at("value"), entry.value["name"], entry.at("type"))


def _read_attribute(node: Node, name: str, kind: Node) -> None:
    setting = RESOURCE_SETTINGS.get(name, ("resource", name))
    read = kind.read(chosen(_TYPES)) if kind.value is not None else written if setting[0] != "resource" else as_it_is
    if isinstance(node.value, list):
        node.note("is ignored: an attribute of the resource is one value, not a list")
    elif read is not None:
        value = node.read(read)
        if value is not None:
            put(node, setting, value)
    elif isinstance(kind.value, str) and kind.value in _TYPES and node.value is not None:
        node.blame("a list, as its type has it")


def _read_detection(node: Node) -> None:
    all_kept = ignored("all attributes that a detector finds are kept")
    read_mapping(node, {"attributes": all_kept, "detectors": _read_detectors})


def _read_detectors(node: Node) -> None:
    found: list[str] = []
    for entry in node.entries():
        if not isinstance(entry.value, Mapping) or len(entry.value) != 1:
            entry.blame("a mapping of one name")
            continue
        (name,) = entry.value
        found.append(_DETECTORS.get(name, str(name).removesuffix("/development")))
    if found:
        put(node, ("resource_detectors",), list(dict.fromkeys(found)))


def read_propagator(node: Node) -> None:
    """How trace context travels."""
    found: list[str] = []
    readers: dict[str, Reader] = {
        "composite": lambda inner: found.extend(_composite(inner)),
        "composite_list": lambda inner: found.extend(_listed(inner)),
    }
    read_mapping(node, readers)
    meant = [name for name in dict.fromkeys(found) if name != "none"]
    put(node, ("propagators",), meant or ["none"])


def _composite(node: Node) -> list[str]:
    found: list[str] = []
    for entry in node.entries():
        if isinstance(entry.value, str):  # as versions before 0.4 had it
            found.append(entry.value)
        elif not isinstance(entry.value, Mapping) or len(entry.value) != 1:
            entry.blame("a mapping of one name, such as 'tracecontext:'")
        else:
            found += map(str, entry.value)
    return found


def _listed(node: Node) -> list[str]:
    return node.read(lambda value: names(written(value).lower())) or []
