"""What every section of the settings shares: frozen, keyword-only values, read by a table of fields.

A section lists its settings as annotated class attributes, each ``setting(kind, default=...)``. The kind (`kinds.py`) reads
what was given. Nothing here is generated or evaluated at import, which is what makes it cheap; type checkers derive the
constructor from the annotations (``dataclass_transform``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NoReturn, Self, TypeVar, cast, dataclass_transform

from heliograph.errors import SettingsError
from heliograph.settings.faults import NOTHING, Found, MismatchError, found_below, name_of, settings_faults
from heliograph.settings.kind import Kind

T = TypeVar("T")
Siblings = Mapping[str, Any]
"""The settings of the same section that stand above one, as far as they fit."""

_REQUIRED: Final[Any] = object()  # instead of a default; `None` is one like any other


class Field(Generic[T]):
    """How one setting is read. ``kind`` raises ``ValueError`` for what does not fit, and so does ``check``, which sees the
    settings above it as well."""

    __slots__ = ("check", "default", "default_factory", "doc", "kind")

    def __init__(
        self,
        kind: Kind[T],
        default: object,
        default_factory: Callable[[Siblings], T] | None,
        check: Callable[[T, Siblings], None] | None,
        doc: str,
    ) -> None:
        self.kind = kind
        self.default = default
        self.default_factory = default_factory
        self.check = check
        self.doc = doc

    @property
    def is_required(self) -> bool:
        """Whether it must be given."""
        return self.default is _REQUIRED and self.default_factory is None


def setting(
    kind: Kind[T],
    *,
    default: T = _REQUIRED,
    default_factory: Callable[[Siblings], T] | None = None,
    check: Callable[[T, Siblings], None] | None = None,
    doc: str = "",
) -> T:
    """One setting of a section: what fits, what it is when it is not given, and in ``doc`` what it means to users.

    Without ``default`` it must be given. ``default_factory`` makes the default from the settings above this one. A default is
    read like a value that was given, so that the check sees it, and no two sections share a mapping.
    """
    return cast(
        "T", Field(kind, default, default_factory, check, doc)
    )  # what the class body has is a field, an instance the value


class _SectionType(type):
    """Moves the fields of a class from its body into ``fields``, and makes a slot of each: they must be known before the class
    is there."""

    fields: Mapping[str, Field[Any]]

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _SectionType:
        inherited = {name: field for base in bases for name, field in getattr(base, "fields", {}).items()}
        own = {name: value for name, value in body.items() if isinstance(value, Field)}
        rest = {name: value for name, value in body.items() if name not in own}
        rest.setdefault("__slots__", tuple(name for name in own if name not in inherited))
        made = super().__new__(cls, name, bases, rest)
        made.fields = {**inherited, **own}
        return made


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Section(metaclass=_SectionType):
    """A frozen group of settings. Constructing one raises :class:`~heliograph.errors.SettingsError` with every fault, unknown
    names among them. Change a value with :meth:`replace`. Two are equal when they are of one class and all values are."""

    __slots__ = ("fields_set",)

    fields: ClassVar[Mapping[str, Field[Any]]]
    has_credentials: ClassVar[bool] = False
    """Whether the value of a name that is not known may be one, so that no fault shows it."""
    fields_set: frozenset[str]
    """The names of those that were given, by the caller or a preset; the others are defaults."""

    def __init__(self, **given: Any) -> None:
        self._fill(given)

    def _fill(self, given: Mapping[Any, Any]) -> None:
        try:
            values = _read(type(self), given)
        except MismatchError as mismatch:
            raise SettingsError(settings_faults(mismatch)) from None  # it says the same, secrets included
        self.__setstate__((values, frozenset(given)))

    @classmethod
    def read(cls, given: object) -> Self:
        """The kind of a setting that is a section: one that is made already, or a mapping. Raises ``ValueError``."""
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise ValueError("a mapping of settings")
        made = cls.__new__(cls)
        made.__setstate__((_read(cls, given), frozenset(given)))
        return made

    def replace(self, **changes: Any) -> Self:
        """Another section with ``changes``, validated like a new one; defaults that follow from others follow the changes."""
        return type(self)(**{**{name: getattr(self, name) for name in self.fields_set}, **changes})

    def plain(self) -> dict[str, Any]:
        """All values as JSON has them: durations as text, secrets hidden, credentials taken out of URLs. Else it can be read
        again."""
        return {name: field.kind.plain(getattr(self, name)) for name, field in type(self).fields.items()}

    def __getstate__(self) -> tuple[dict[str, Any], frozenset[str]]:
        return {name: getattr(self, name) for name in type(self).fields}, self.fields_set

    def __setstate__(self, state: tuple[Mapping[str, Any], frozenset[str]]) -> None:
        values, fields_set = state
        for name, value in values.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "fields_set", fields_set)

    if not TYPE_CHECKING:  # type checkers would take it that any name can be set; that settings cannot, they know

        def __setattr__(self, name: str, value: object) -> NoReturn:
            raise AttributeError(f"settings cannot be changed, but {name!r} was set; make others with replace({name}=...)")

        def __delattr__(self, name: str) -> NoReturn:
            raise AttributeError(f"settings cannot be changed, but {name!r} was deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__getstate__()[0] == other.__getstate__()[0]

    def __hash__(self) -> int:
        return hash((type(self), *self.__getstate__()[0].values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__getstate__()[0].items())})"


def _read(section: type[Section], given: Mapping[Any, Any]) -> dict[str, Any]:
    """The value of each field. Raises a mismatch with all that does not fit, in the order of the fields."""
    values: dict[str, Any] = {}
    found: list[Found] = []
    for name, field in section.fields.items():
        if name in given:
            value = given[name]
        elif field.default_factory is not None:
            if found:
                continue  # it may follow from what does not fit, and that is listed
            value = field.default_factory(values)
        elif field.default is _REQUIRED:
            found.append(Found((name,), NOTHING, "a value"))
            continue
        else:
            value = field.default
        try:
            meant = field.kind(value)
            if field.check is not None:
                field.check(meant, values)
        except ValueError as error:
            found += found_below(name, error, value)
        else:
            values[name] = meant
    found += [_unknown(key, given[key], section) for key in given if key not in section.fields]
    if found:
        raise MismatchError(found)
    return values


def _unknown(key: object, value: object, section: type[Section]) -> Found:
    """The setting that was probably meant, else all that there are."""
    if not isinstance(key, str):
        return Found((name_of(key),), key, "names as text")
    from difflib import get_close_matches  # 2 ms at each start of an application, for what happens in few  # noqa: PLC0415

    close = get_close_matches(key, section.fields, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(section.fields)}"
    return Found((name_of(key),), value, f"no setting of this name; {hint}", is_secret=section.has_credentials)
