"""Reads YAML into nodes with lines. Called by `file.py`, for YAML only: it loads PyYAML.

Plain scalars are typed by the core schema of YAML 1.2: ``yes``, ``on`` and ``1:30`` are text, ``010`` is ten. Merge keys
(``<<``) are understood, although 1.2 has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

import yaml

from heliograph.settings.loading.document import TOO_MANY_DIGITS, Node, Repeated, UnreadableError

_PREFIX: Final = "tag:yaml.org,2002:"
_MERGE: Final = "<<"
_MOST_NODES: Final = 100_000
_NO_COLON: Final = "could not find expected ':'"
_TAB: Final = r"found character '\t'"
_NO_CONTENT: Final = (r"'(?!<)[^'\s]{3,}'", "'...'")  # what a problem quotes may be a credential; marks of the grammar are not


_COLLECTIONS: Final = (_PREFIX + "seq", _PREFIX + "map")


class _Scalar(NamedTuple):
    tag: str
    pattern: re.Pattern[str]
    begins_with: str
    read: Callable[[str], Any]


def _whole(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _fraction(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_CORE: Final = (
    _Scalar("null", re.compile(r"~|null|Null|NULL|"), "~nN", lambda text: None),
    _Scalar("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF", lambda text: text.lower() == "true"),
    _Scalar("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), "-+0123456789", _whole),
    _Scalar(
        "float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"),
        "-+.0123456789",
        _fraction,
    ),
)


class _CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}  # type: ignore[misc]  # of YAML 1.1 none stays


for _row in _CORE:
    # PyYAML uses `match`, which does not look at the end.
    _whole_text = re.compile(f"(?:{_row.pattern.pattern})$")
    _CoreLoader.add_implicit_resolver(
        _PREFIX + _row.tag, _whole_text, [*_row.begins_with, *([""] if _row.tag == "null" else [])]
    )


def read_yaml(text: str) -> tuple[Node, list[Repeated]]:
    """The value of the one document in ``text``, and the names that stand in it twice. Raises :class:`UnreadableError`."""
    try:
        root = _CoreLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = _line(error, text)
        raise UnreadableError(line + 1, f"{re.sub(*_NO_CONTENT, _problem(error))}{_hint(text, line)}") from None
    except yaml.reader.ReaderError as error:
        raise UnreadableError(
            text.count("\n", 0, error.position) + 1, f"a character that YAML has not, {error.reason}"
        ) from None
    except RecursionError:
        raise UnreadableError(1, "too many levels") from None
    if root is None:
        return Node(value=None, line=1), []
    composer = _Composer()
    return composer.node(root, root.start_mark.line + 1, ()), composer.repeated


def plain_value(text: str) -> Any:
    """What ``text`` means where it stands without quotes."""
    for row in _CORE:
        if row.pattern.fullmatch(text):
            try:
                return row.read(text)
            except ValueError:  # more digits than Python reads
                return text
    return text


def _line(error: yaml.MarkedYAMLError, text: str) -> int:
    """Where the mistake is; of what has no end, where it begins."""
    mark, begins = error.problem_mark, error.context_mark
    is_endless = mark is not None and (not text[mark.index :].strip("\0 \r\n") or error.problem == _NO_COLON)
    if begins is not None and (mark is None or is_endless):
        mark = begins
    return mark.line if mark is not None else 0


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "a mistake"
    if problem.startswith(_TAB):
        return f"{problem}; indent with spaces, and put them after a colon"
    return f"{error.context}, {problem}" if problem.startswith("but ") else problem


def _hint(text: str, line: int) -> str:
    lines = text.splitlines()
    is_likely = line < len(lines) and re.search(r"[{\[,:]\s*\$\{.*[}\]]\s*$", lines[line]) is not None
    return "; inside of [ ] and { } put quotes around ${...}" if is_likely else ""


class _Composer:
    """Makes our nodes of PyYAML's. An alias stands for what it refers to."""

    def __init__(self) -> None:
        self.repeated: list[Repeated] = []
        self._around: list[yaml.Node] = []
        self._count = 0

    def node(self, given: yaml.Node, line: int, place: tuple[str | int, ...]) -> Node:
        self._count += 1
        if self._count > _MOST_NODES:
            raise UnreadableError(line, f"more than {_MOST_NODES} values, aliases counted each time")
        if given in self._around:
            raise UnreadableError(line, "an alias to what is around it")
        if isinstance(given, yaml.ScalarNode):
            return _scalar(given, line)
        if given.tag not in _COLLECTIONS:
            raise UnreadableError(line, "a tag before a list or a mapping")
        self._around.append(given)
        try:
            if isinstance(given, yaml.SequenceNode):
                entries = [
                    self.node(entry, entry.start_mark.line + 1, (*place, position))
                    for position, entry in enumerate(given.value)
                ]
                return Node(value=entries, line=line)
            return Node(value=self._mapping(given, place), line=line)
        finally:
            self._around.pop()

    def _mapping(self, given: yaml.Node, place: tuple[str | int, ...]) -> dict[str, Node]:
        made: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in given.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UnreadableError(line, "a name that is no text")
            if key.value == _MERGE and key.style is None:
                merged = {**self._merged(value, line, place), **merged}
                continue
            if key.value in made:
                self.repeated.append(Repeated((*place, key.value), line, made[key.value].line))
            made[key.value] = self.node(value, line, (*place, key.value))
        return {**merged, **made}

    def _merged(self, given: yaml.Node, line: int, place: tuple[str | int, ...]) -> dict[str, Node]:
        nodes = given.value if isinstance(given, yaml.SequenceNode) else [given]
        made: dict[str, Node] = {}
        for node in reversed(nodes):
            content = self.node(node, line, place).value
            if not isinstance(content, dict):
                raise UnreadableError(line, "'<<' with something else than mappings")
            made.update(content)
        return made


def _scalar(given: yaml.ScalarNode, line: int) -> Node:
    text = given.value
    row = next((row for row in _CORE if _PREFIX + row.tag == given.tag), None)
    if row is None and given.tag != _PREFIX + "str":
        raise UnreadableError(line, "a tag other than !!str, !!int, !!float, !!bool and !!null")
    if row is not None and not row.pattern.fullmatch(text):
        raise UnreadableError(line, f"!!{row.tag} before something else")
    try:
        value = text if row is None else row.read(text)
    except ValueError:
        raise UnreadableError(line, TOO_MANY_DIGITS) from None
    return Node(value=value, line=line, text=text, is_plain=given.style is None)
