"""Reads TOML into nodes with lines. Called by `file.py`, for TOML only.

Python's own parser reads the values; `toml_lines.py` finds where they stand.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from heliograph.settings.loading.document import TOO_MANY_DIGITS, Node, UnreadableError
from heliograph.settings.loading.toml_lines import lines_of

_POSITION: Final = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")


def read_toml(text: str) -> Node:
    """The value in ``text``. Raises :class:`UnreadableError`, also for a name that stands in it twice."""
    try:
        found = tomllib.loads(text)
        return _node(found, (), lines_of(text), 1)
    except RecursionError:
        raise UnreadableError(1, "too many levels") from None
    except tomllib.TOMLDecodeError as error:
        position = _POSITION.search(str(error))
        line = position[1] if position else None
        problem = _POSITION.sub(f" (column {position[2]})" if line and position else " at the end", str(error))
        problem = problem.replace("Cannot overwrite a value", "a name that has a value already")
        raise UnreadableError(int(line) if line else text.count("\n") + 1, problem) from None
    except ValueError:
        raise UnreadableError(1, TOO_MANY_DIGITS) from None


def _node(value: Any, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], around: int) -> Node:
    line = lines.get(place, around)
    if isinstance(value, dict):
        return Node(value={name: _node(entry, (*place, name), lines, line) for name, entry in value.items()}, line=line)
    if isinstance(value, list):
        return Node(value=[_node(entry, (*place, position), lines, line) for position, entry in enumerate(value)], line=line)
    return Node(value=value, line=line, text=value if isinstance(value, str) else str(value))
