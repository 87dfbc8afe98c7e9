"""A place of a declarative file: the value there, and how it is read. Used by the modules of the sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from heliograph.settings.faults import NOTHING, path_of
from heliograph.settings.loading.declarative.draft import Draft
from heliograph.settings.loading.layer import Place

T = TypeVar("T")
_DEVELOPMENT: Final = "/development"


class Node:
    """The value at ``place``, and the draft that what it means goes to."""

    __slots__ = ("draft", "place", "value")

    def __init__(self, draft: Draft, value: Any, place: Place = ()) -> None:
        self.draft = draft
        self.value = value
        self.place = place

    def at(self, part: str | int) -> Node:
        """What is at one of its names or positions; null where there is nothing."""
        value = self.value.get(part) if isinstance(self.value, Mapping) else self.value[int(part)]
        return Node(self.draft, value, (*self.place, part))

    def note(self, text: str) -> None:
        """Say ``text`` of it in a notice."""
        self.draft.note(self.place, text)

    def blame(self, expected: str) -> None:
        """Say in a fault what was expected instead."""
        self.draft.blame(self.place, self.value, expected)

    def read(self, kind: Callable[[Any], T]) -> T | None:
        """The value as what ``kind`` makes of it; None when there is none, or after a fault."""
        if self.value is None:
            return None
        try:
            return kind(self.value)
        except ValueError as error:
            self.blame(str(error))
            return None

    def entries(self) -> Iterator[Node]:
        """Each entry of a list, which has one at least."""
        if self.value is None:
            return
        if not isinstance(self.value, Sequence) or isinstance(self.value, str) or not self.value:
            self.blame("a list with an entry at least")
            return
        for position in range(len(self.value)):
            yield self.at(position)


Reader: TypeAlias = Callable[[Node], None]
"""Reads one place of the file into the draft."""


def ignored(why: str) -> Reader:
    """The reader of what is not covered."""
    return lambda node: node.note(f"is ignored: {why}")


def unless(*, usual: Any, why: str) -> Reader:
    """The reader of what is covered at ``usual`` only."""
    return lambda node: node.note(f"is ignored: {why}") if node.value != usual else None


def nothing(_node: Node) -> None:
    """The reader of what asks for what is so anyway."""


def sets(kind: Callable[[Any], Any], *settings: Place) -> Reader:
    """The reader of a value that goes to each of ``settings``."""

    def read(node: Node) -> None:
        value = node.read(kind)
        for setting in settings if value is not None else ():
            put(node, setting, value)

    return read


def put(node: Node, setting: Place, value: Any) -> None:
    """Let ``setting`` be ``value``, as ``node`` has it; a fault of the node's when it cannot be that."""
    try:
        node.draft.put(setting, value, node.place)
    except ValueError as error:
        node.blame(str(error))


def sets_once(kind: Callable[[Any], Any], setting: Place) -> Reader:
    """The reader of a value that several places of the file may each say, of which the first one does."""

    def read(node: Node) -> None:
        value, first = node.read(kind), node.draft.get(setting)
        if value is not None and first is None:
            put(node, setting, value)
        elif value is not None and first != value:
            node.note(f"is ignored: {path_of(setting)} holds for all of them, and an earlier one says otherwise")

    return read


def read_mapping(node: Node, readers: Mapping[str, Reader], required: Sequence[str] = ()) -> None:
    """Read each name of a mapping; null is as if the name were not there."""
    if node.value is None:
        return
    if not isinstance(node.value, Mapping):
        node.blame("a mapping")
        return
    for name in required:
        if node.value.get(name) is None:
            node.draft.blame((*node.place, name), NOTHING, "a value")
    for name in node.value:
        inner = node.at(name)
        reader = _found(readers, name)
        if reader is None:
            _read_unknown(inner, name, readers)
        elif inner.value is not None:
            reader(inner)


def read_choice(node: Node, readers: Mapping[str, Reader], noun: str) -> None:
    """Read the one name that a mapping has, which chooses; it is chosen with null too."""
    names = list(node.value) if isinstance(node.value, Mapping) else []
    if len(names) != 1:
        node.blame(f"a mapping of one name: {', '.join(readers)}")
        return
    reader = _found(readers, names[0])
    inner = node.at(names[0])
    if reader is None:
        inner.note(f"is ignored: there is no such {noun} here; there are {', '.join(readers)}")
    elif inner.value is not None and not isinstance(inner.value, Mapping):
        inner.blame("a mapping, or nothing")
    else:
        reader(Node(node.draft, {} if inner.value is None else inner.value, inner.place))


def _found(readers: Mapping[str, Reader], name: object) -> Reader | None:
    """The reader of a name, with ``/development`` after it as the schema has it, or without, as older and newer ones do."""
    plain = str(name).removesuffix(_DEVELOPMENT)
    return readers.get(str(name)) or readers.get(plain) or readers.get(plain + _DEVELOPMENT)


def _read_unknown(node: Node, name: str, readers: Mapping[str, Reader]) -> None:
    if node.draft.is_newer or str(name).endswith(_DEVELOPMENT):
        node.note("is ignored: it is not known here")
        return
    from difflib import get_close_matches  # 2 ms, for what happens in few files  # noqa: PLC0415

    close = get_close_matches(str(name), readers, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(readers)}"
    node.blame(f"no such name; {hint}")
