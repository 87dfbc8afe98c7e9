"""Puts the values of variables where a file has ``${NAME}``, ``${NAME:-default}`` or ``${env:NAME}``. Called by `file.py`.

``$$`` is a ``$``; one that nothing of these follows is itself. A default is used when the variable is not set or empty. Names
of settings are left alone, and what a variable holds is never read as more than one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from heliograph.errors import SettingsFault
from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.loading.document import Node
from heliograph.settings.loading.layer import Place

_PART: Final = re.compile(r"\$\$|\$\{[^}]*\}?")
_REFERENCE: Final = re.compile(r"\$\{(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}")


class Substitution:
    """Goes through the nodes of one file. ``faults`` are what it found on its way.

    With ``is_lenient``, as OpenTelemetry has it for its own files, a variable that is not set leaves nothing.
    """

    def __init__(self, environ: Mapping[str, str], typed: Callable[[str], Any], shown: str, *, is_lenient: bool) -> None:
        self.faults: list[SettingsFault] = []
        self._environ = environ
        self._typed = typed
        self._shown = shown
        self._is_lenient = is_lenient

    def applied(self, node: Node, place: Place = ()) -> Node:
        """``node`` with all variables in it."""
        if isinstance(node.value, Mapping):
            return Node(value={name: self.applied(each, (*place, name)) for name, each in node.value.items()}, line=node.line)
        if isinstance(node.value, list):
            entries = [self.applied(each, (*place, position)) for position, each in enumerate(node.value)]
            return Node(value=entries, line=node.line)
        if not isinstance(node.value, str) or "$" not in node.value:
            return node
        try:
            text = _PART.sub(self._meant, node.value)
        except ValueError as error:
            self._report(node, place, str(error))
            return node
        value = self._typed(text) if node.is_plain else text
        return Node(value=value, line=node.line, text=text, is_plain=node.is_plain, written=node.value)

    def _meant(self, part: re.Match[str]) -> str:
        if part.group() == "$$":
            return "$"
        found = _REFERENCE.fullmatch(part.group())
        if found is None or "${" in (found["default"] or ""):
            raise ValueError("${NAME}, ${NAME:-default} or ${env:NAME}, with nothing of these inside; for a plain $ write $$")
        held = self._environ.get(found["name"], "")
        if found["default"] is not None:
            return held or found["default"].removeprefix(":-")
        if found["name"] not in self._environ and not self._is_lenient:
            name = found["name"]
            raise ValueError(f"the variable {name} to be set; set it, or give a default: ${{{name}:-...}}")
        return held

    def _report(self, node: Node, place: Place, expected: str) -> None:
        given = shown_at(place, node.value)
        self.faults.append(
            SettingsFault(path=path_of(place), given=given, expected=expected, where=f"{self._shown}:{node.line}")
        )
