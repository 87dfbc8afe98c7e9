"""Turns nodes into plain values as the settings' kinds take them, with where each was read.

Called by `file.py` and, for values in JSON, by `environment.py`. Asks the kinds (`settings/kind.py`) what a value is to be:
of an exporter's spellings one is left, and where text is meant a number stays as it was written (``1.10``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from heliograph.settings.kind import Kind
from heliograph.settings.loading.document import Node
from heliograph.settings.loading.layer import Place
from heliograph.settings.section import Section


class Settling:
    """Goes through nodes and keeps ``places`` and ``written`` of what it passed, as a layer has them. ``shown`` says a line as
    people read it."""

    def __init__(self, shown: Callable[[int], str]) -> None:
        self.places: dict[Place, str] = {}
        self.written: dict[Place, str] = {}
        self._shown = shown

    def section(self, nodes: Mapping[str, Node], section: type[Section] | None, place: Place = ()) -> dict[str, Any]:
        """The values of the settings in ``nodes``. Without ``section`` nothing is known of them, and each is what it is."""
        return {name: self.value(node, _kind_in(section, name), (*place, name)) for name, node in nodes.items()}

    def value(self, node: Node, kind: Kind[Any] | None, place: Place) -> Any:
        """The value of one node, of the given kind if that is known."""
        self.places[place] = self._shown(node.line)
        if kind is not None and kind.form == "one_of":
            node = _entry(node)
        content = node.value
        if isinstance(content, Mapping):
            section = _section(content, kind)
            if section is None and kind is not None and kind.form == "mapping":
                return {name: self.value(each, kind.item, (*place, name)) for name, each in content.items()}
            return self.section(content, section, place)
        if isinstance(content, list):
            item = kind.item if kind is not None else None
            return [self.value(each, item, (*place, position)) for position, each in enumerate(content)]
        return self._scalar(node, kind, place)

    def _scalar(self, node: Node, kind: Kind[Any] | None, place: Place) -> Any:
        if node.written is not None:
            self.written[place] = node.written
        if kind is not None and node.value is None and kind.form == "section" and not kind.is_optional:
            return {}  # a section with nothing in it, as when all of it is commented out
        if kind is not None and kind.is_text and node.is_plain and node.value is not None:
            return node.text
        return node.value


def _kind_in(section: type[Section] | None, name: str) -> Kind[Any] | None:
    field = section.fields.get(name) if section is not None else None
    return field.kind if field is not None else None


def _section(content: Mapping[str, Node], kind: Kind[Any] | None) -> type[Section] | None:
    if kind is None:
        return None
    word = content["type"].value if "type" in content else None
    return kind.sections.get(word) if isinstance(word, str) else kind.section


def _entry(node: Node) -> Node:
    """An exporter in any of its spellings as a mapping with ``type``, as `settings/entries.py` has it for values."""
    content = node.value
    if isinstance(content, str):
        return Node(value={"type": _word(node)}, line=node.line)
    if not isinstance(content, Mapping):
        return node
    if "type" in content:
        return Node(value={**content, "type": _word(content["type"])}, line=node.line)
    if len(content) == 1:
        ((name, options),) = content.items()
        if options.value is None or isinstance(options.value, Mapping):
            named = Node(value=name.strip().lower(), line=options.line)
            return Node(value={"type": named, **(options.value or {})}, line=node.line)
    return node


def _word(node: Node) -> Node:
    if not isinstance(node.value, str):
        return node
    return Node(value=node.value.strip().lower(), line=node.line, written=node.written)
