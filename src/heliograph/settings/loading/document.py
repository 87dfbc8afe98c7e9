"""A file of settings as it was read: values, each with its line.

The readers (`yaml_reader.py`, `json_reader.py`, `toml_reader.py`) make nodes of a text, `substitution.py` puts variables into
them, `settling.py` turns them into a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

TOO_MANY_DIGITS: Final = "a number of more digits than can be read"
Content: TypeAlias = "Mapping[str, Node] | Sequence[Node] | str | bool | int | float | Any | None"


class Node(NamedTuple):
    """One value. That of a mapping or list holds nodes; of TOML also dates.

    ``line`` counts from 1; that of a setting is its name's. ``text`` is a scalar as it stands there, without quotes;
    ``is_plain`` when its letters alone decide of what type it is. ``written`` is the text before a variable was put into it.
    """

    value: Content
    line: int
    text: str = ""
    is_plain: bool = False
    written: str | None = None


class Repeated(NamedTuple):
    """A name that a mapping has twice."""

    place: tuple[str | int, ...]
    line: int
    first_line: int


class UnreadableError(ValueError):
    """The text is not in the format that it should be in. ``problem`` shows nothing of it: it may hold credentials."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(f"line {line}: {problem}")
