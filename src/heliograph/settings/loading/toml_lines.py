"""Finds the line of each name and list position in a TOML text, which has been read already and so is right.

Called by `toml_reader.py`; Python's parser keeps no positions.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Final, TypeAlias

_Place: TypeAlias = tuple[str | int, ...]

_SPACE: Final = re.compile(r"[ \t]*")
_GAP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
# Two quotes may stand before the three that end a text of several lines.
_SCALAR: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+''', re.DOTALL
)


def lines_of(text: str) -> dict[_Place, int]:
    """The line, counted from 1, on which each name or list position begins."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[_Place, int] = {}
        self._text = text
        self._at = 0
        self._counts: dict[_Place, int] = {}  # of the tables in an array that has them with [[...]]
        self._line_ends = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> None:
        table: _Place = ()
        while True:
            self._take(_GAP)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._entry(table)

    def _header(self) -> _Place:
        line = self._line()
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        names = self._names()
        self._at += brackets
        place: _Place = ()
        for position, name in enumerate(names, start=1):
            place = (*place, name)
            self.lines.setdefault(place, line)
            if brackets == 2 and position == len(names):
                self._counts[place] = self._counts.get(place, 0) + 1
            if place in self._counts:
                place = (*place, self._counts[place] - 1)
                self.lines.setdefault(place, line)
        return place

    def _entry(self, place: _Place) -> None:
        line = self._line()
        for name in self._names():
            place = (*place, name)
            self.lines.setdefault(place, line)
        self._at += 1  # the equals sign
        self._take(_SPACE)
        self._value(place)

    def _names(self) -> list[str]:
        names: list[str] = []
        while True:
            self._take(_SPACE)
            key = self._take(_KEY)
            names.append(tomllib.loads(f"key = {key}")["key"] if key[0] in "\"'" else key)
            self._take(_SPACE)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _value(self, place: _Place) -> None:
        begins = self._text[self._at]
        if begins not in "[{":
            self._take(_SCALAR)
            return
        self._at += 1
        position = 0
        while True:
            self._take(_GAP)
            if self._text[self._at] in "]}":
                self._at += 1
                return
            if begins == "{":
                self._entry(place)
            else:
                self.lines[(*place, position)] = self._line()
                self._value((*place, position))
                position += 1
            self._take(_GAP)
            if self._text[self._at] == ",":
                self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None  # the text is right
        self._at = found.end()
        return found.group()

    def _line(self) -> int:
        return bisect_right(self._line_ends, self._at) + 1
