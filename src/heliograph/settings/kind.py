"""What a setting may be: how it is read, and how that is said to people and to other programs.

`kinds.py` has the kinds that there are. A section (`section.py`) calls a kind with what was given; `loading/` asks of it what
text in a file or an environment variable stands for; `schema.py` and `page.py` describe it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

from heliograph.settings.secret import HIDDEN, is_secret_name, without_credentials

if TYPE_CHECKING:
    from heliograph.settings.section import Section

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Form: TypeAlias = Literal["scalar", "list", "mapping", "section", "one_of"]
Schema: TypeAlias = dict[str, Any]
"""A fragment of JSON Schema, draft 2020-12."""

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Kind(Generic[T_co]):
    """Called with what was given it returns what that means, or raises ``ValueError`` with what was expected (a
    ``MismatchError`` when it looks inside).

    ``form`` says what it consists of: ``item`` is the kind of each entry of a list or value of a mapping, ``section`` the
    section that a mapping of settings is read as, ``sections`` those that a ``one_of`` chooses from by their ``type``.
    ``noun`` says to people what a scalar is. ``is_text`` of one that has no meaning but its letters. ``is_optional`` when it
    may be None.
    """

    __slots__ = ("_plain", "_read", "_schema", "form", "is_optional", "is_text", "item", "noun", "section", "sections")

    def __init__(
        self,
        read: Callable[[object], T_co],
        noun: str,
        schema: Callable[[], Schema],
        *,
        form: Form = "scalar",
        item: Kind[Any] | None = None,
        section: type[Section] | None = None,
        sections: Mapping[str, type[Section]] = _NONE,
        is_text: bool = False,
        is_optional: bool = False,
        plain: Callable[[Any], Any] | None = None,
    ) -> None:
        self._read = read
        self._plain = plain
        self._schema = schema
        self.noun = noun
        self.form: Form = form
        self.item = item
        self.section = section
        self.sections = sections
        self.is_text = is_text
        self.is_optional = is_optional

    def __call__(self, value: object) -> T_co:
        return self._read(value)

    def schema(self) -> Schema:
        """What of JSON fits, built anew; sections are referred to as ``#/$defs/<name of the class>``."""
        return self._schema()

    def plain(self, value: Any) -> Any:
        """``value``, which this kind read, as JSON has it: readable again, but that secrets are hidden."""
        if value is None and self.is_optional:
            return None
        return self._plain(value) if self._plain is not None else _PLAIN[self.form](self, value)


_PLAIN: Final[Mapping[Form, Callable[[Kind[Any], Any], Any]]] = {
    "scalar": lambda _kind, value: without_credentials(value) if isinstance(value, str) else value,
    "list": lambda kind, value: [_item(kind).plain(entry) for entry in value],
    "mapping": lambda kind, value: {name: _named_plain(kind, name, entry) for name, entry in value.items()},
    "section": lambda _kind, value: value.plain(),
    "one_of": lambda _kind, value: value.plain(),
}


def _named_plain(kind: Kind[Any], name: str, entry: Any) -> Any:
    return HIDDEN if isinstance(entry, str) and entry and is_secret_name(name) else _item(kind).plain(entry)


def _item(kind: Kind[Any]) -> Kind[Any]:
    if kind.item is None:
        raise TypeError(f"a {kind.form} was made without the kind of its items")
    return kind.item


def kind_of(
    noun: str,
    schema: Callable[[], Schema],
    *,
    is_text: bool = False,
    plain: Callable[[Any], Any] | None = None,
) -> Callable[[Callable[[object], T]], Kind[T]]:
    """Make a scalar kind of the function below it, which reads the value."""
    return lambda read: Kind(read, noun, schema, is_text=is_text, plain=plain)
