"""Reads JSON into nodes with lines. Called by `file.py`, and by `environment.py` for values in JSON.

Python's own parser decides what is JSON; what is left to do here is to find the lines, in a text that is right.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any, Final

from heliograph.settings.loading.document import TOO_MANY_DIGITS, Node, Repeated, UnreadableError

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD: Final = re.compile(r"[^\s,\]}]+")
_NO_JSON: Final = ("NaN", "Infinity", "-Infinity")  # Python reads them


def read_json(text: str) -> tuple[Node, list[Repeated]]:
    """The value in ``text``, and the names that stand in it twice. Raises :class:`UnreadableError`."""
    try:
        json.loads(text)
        scanner = _Scanner(text)
        return scanner.node(()), scanner.repeated
    except json.JSONDecodeError as error:
        raise UnreadableError(error.lineno, f"{error.msg} (column {error.colno})") from None
    except RecursionError:
        raise UnreadableError(1, "too many levels") from None
    except UnreadableError:
        raise
    except ValueError:
        raise UnreadableError(1, TOO_MANY_DIGITS) from None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.repeated: list[Repeated] = []
        self._text = text
        self._at = 0
        self._line_ends = [found.start() for found in re.finditer("\n", text)]

    def node(self, place: tuple[str | int, ...], line: int | None = None) -> Node:
        begins = self._next()
        line = line or self._line()
        if begins == "{":
            return Node(value=self._object(place), line=line)
        if begins == "[":
            return Node(value=self._array(place), line=line)
        word = self._take(_STRING if begins == '"' else _WORD)
        if word in _NO_JSON:
            raise UnreadableError(line, f"{word} is no number in JSON")
        value: Any = json.loads(word)
        return Node(value=value, line=line, text=value if isinstance(value, str) else word)

    def _object(self, place: tuple[str | int, ...]) -> dict[str, Node]:
        made: dict[str, Node] = {}
        self._at += 1
        while self._next() != "}":
            line = self._line()
            name = json.loads(self._take(_STRING))
            self._next()
            self._at += 1  # the colon
            if name in made:
                self.repeated.append(Repeated((*place, name), line, made[name].line))
            made[name] = self.node((*place, name), line)
            self._skip_comma()
        self._at += 1
        return made

    def _array(self, place: tuple[str | int, ...]) -> list[Node]:
        made: list[Node] = []
        self._at += 1
        while self._next() != "]":
            made.append(self.node((*place, len(made))))
            self._skip_comma()
        self._at += 1
        return made

    def _next(self) -> str:
        self._take(_SPACE)
        return self._text[self._at]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None  # the text is right
        self._at = found.end()
        return found.group()

    def _skip_comma(self) -> None:
        if self._next() == ",":
            self._at += 1

    def _line(self) -> int:
        return bisect_right(self._line_ends, self._at) + 1
