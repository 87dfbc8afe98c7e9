"""The kinds of values that settings have. A kind (`kind.py`) is called with what was given, and returns what it means.

Settings come from code, from files and from environment variables: numbers and truth values are read from text too, text from
bytes and enums, and space around text goes. A kind with arguments is made by a function that has them. Used by the modules of
the sections.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar, cast, get_args

from heliograph.settings.faults import NOTHING, Found, MismatchError, found_below, name_of
from heliograph.settings.kind import Kind, Schema, kind_of
from heliograph.settings.section import Section

T = TypeVar("T")
S = TypeVar("S", bound=Section)

Scalar: TypeAlias = str | bool | int | float

_TRUTH: Final[Mapping[str | int, bool]] = {
    **dict.fromkeys(("true", "yes", "on", "t", "y", "1", 1), True),
    **dict.fromkeys(("false", "no", "off", "f", "n", "0", 0), False),
}
# Unicode's White_Space. `str.strip()` takes U+001C to U+001F as well, which are no space to anybody else.
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SPACE_CLASS: Final = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # the same in a regular expression
_LARGEST: Final = 2**63 - 1  # what the size of anything can be; Python's own containers refuse more
_DIGITS: Final = "[0-9]+(_[0-9]+)*"
_NO_NUMBER: Final = (AttributeError, OverflowError, TypeError, ValueError)  # what the conversions to numbers raise
_NO_LIST: Final = (str, bytes, bytearray, Mapping)  # they can be iterated over, but nobody who gives one means that


def either_case(words: Iterable[str]) -> str:
    """A regular expression, for JSON Schema, that fits each of ``words`` in upper and lower case."""
    return "|".join("".join(f"[{sign.lower()}{sign.upper()}]" if sign.isalpha() else sign for sign in word) for word in words)


def _flag_schema() -> Schema:
    words = either_case(word for word in _TRUTH if isinstance(word, str))
    return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, {"type": "string", "pattern": f"^({words})$"}]}


@kind_of("true or false", _flag_schema)
def flag(value: object) -> bool:
    """True or false, the numbers 1 and 0, or one of the words for them."""
    if isinstance(value, bool):
        return value
    word = _word(value)
    try:
        return _TRUTH[word.lower() if word is not None else _integer(value)]
    except (KeyError, *_NO_NUMBER):
        raise ValueError("true or false") from None


@kind_of("text", lambda: {"type": "string"}, is_text=True)
def text(value: object) -> str:
    """Text, which may be empty."""
    if isinstance(value, Enum):
        value = str(value.value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, (str, bytes, bytearray)):
        raise ValueError("text")
    try:
        meant = value.decode() if not isinstance(value, str) else str.__str__(value)  # no subclass stays
        meant.encode()
    except UnicodeError:
        raise ValueError("text that UTF-8 can carry") from None
    return meant.strip(_SPACE)


def filled_schema() -> Schema:
    """Of text with something in it."""
    return {"type": "string", "pattern": f"[^{_SPACE_CLASS}]"}


@kind_of("text", filled_schema, is_text=True)
def filled_text(value: object) -> str:
    """Text with something in it."""
    meant = text(value)
    if not meant:
        raise ValueError("text that is not empty")
    return meant


def whole(least: int, most: float = math.inf) -> Kind[int]:
    """A whole number from ``least`` to ``most``."""

    def read(value: object) -> int:
        if isinstance(value, Enum):
            value = value.value
        _refuse_boolean(value)
        word = _word(value)
        try:
            meant = _integer(value) if word is None else _integer_in(word)
        except _NO_NUMBER:
            raise ValueError("a whole number") from None
        _refuse_outside(meant, least, min(most, _LARGEST))
        return meant

    return Kind(
        read,
        f"whole number{_range(least, most)}",
        lambda: _number_schema("integer", least, most, rf"[+-]?{_DIGITS}(\.0+)?"),
    )


def number(least: float = -math.inf, most: float = math.inf) -> Kind[float]:
    """A finite number from ``least`` to ``most``."""

    def read(value: object) -> float:
        _refuse_boolean(value)
        word = _word(value)
        try:
            meant = _float(value) if word is None else float(_digits(word))
        except _NO_NUMBER:
            raise ValueError("a number") from None
        if not math.isfinite(meant):
            raise ValueError("a finite number")
        _refuse_outside(meant, least, most)
        return meant

    fraction = rf"({_DIGITS}(\.({_DIGITS})?)?|\.{_DIGITS})([eE][+-]?{_DIGITS})?"
    return Kind(read, f"number{_range(least, most)}", lambda: _number_schema("number", least, most, f"[+-]?{fraction}"))


@kind_of("text, true or false, or number", lambda: {"type": ["string", "boolean", "number"]})
def scalar(value: object) -> Scalar:
    """Text, true or false, or a number, each as what it is: nothing is read from text here."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    try:
        return text(value) if isinstance(value, (str, bytes, bytearray, Enum)) else _float(value)
    except _NO_NUMBER:
        raise ValueError("text, true or false, or a number") from None


def choice(literal: Any) -> Kind[Any]:
    """One of the words of a ``Literal``; the type of the result is that literal."""
    words: dict[str, str] = {word: word for word in get_args(literal)}
    *some, last = map(repr, words)
    expected = f"one of {', '.join(some)} or {last}" if some else f"one of {last}"

    def read(value: object) -> Any:
        meant = words.get(value) if isinstance(value, str) else None
        if meant is None:
            raise ValueError(expected)
        return meant

    return Kind(read, expected, lambda: {"enum": list(words)}, is_text=True)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """None, or what ``kind`` reads."""
    return Kind(
        lambda value: None if value is None else kind(value),
        kind.noun,
        lambda: {"anyOf": [kind.schema(), {"type": "null"}]},
        form=kind.form,
        item=kind.item,
        section=kind.section,
        sections=kind.sections,
        is_text=kind.is_text,
        is_optional=True,
        plain=kind.plain,
    )


def section_of(section: type[S]) -> Kind[S]:
    """A section, or a mapping of its settings."""
    return Kind(section.read, "section", lambda: _reference(section), form="section", section=section)


def list_of(kind: Kind[T], least: int = 0) -> Kind[tuple[T, ...]]:
    """As many of ``kind`` as there are, at least ``least``, from anything that can be iterated over."""

    def read(value: object) -> tuple[T, ...]:
        entries = _entries(value)
        if len(entries) < least:
            raise ValueError(f"at least {least} entries")
        found: list[Found] = []
        meant = tuple(_read_at(position, kind, entry, found) for position, entry in enumerate(entries))
        if found:
            raise MismatchError(found)
        return meant

    at_least = {"minItems": least} if least else {}
    return Kind(read, "list", lambda: {"type": "array", "items": kind.schema(), **at_least}, form="list", item=kind)


def mapping_of(kind: Kind[T]) -> Kind[Mapping[str, T]]:
    """Names to what ``kind`` reads, as a mapping of its own."""

    def read(value: object) -> Mapping[str, T]:
        if not isinstance(value, Mapping):
            raise ValueError("a mapping of names to values")
        found: list[Found] = []
        meant: dict[str, T] = {}
        for key, entry in value.items():
            place = name_of(key)
            name = _read_at(place, text, key, found)
            meant[name] = _read_at(place, kind, entry, found)
        if found:
            raise MismatchError(found)
        return meant

    return Kind(read, "mapping", lambda: {"type": "object", "additionalProperties": kind.schema()}, form="mapping", item=kind)


def by_type(*sections: type[S]) -> Kind[S]:
    """One of several sections, told apart by their setting ``type``, whose default is the word for each."""
    words = {str(section.fields["type"].default): section for section in sections}
    expected = f"one of {', '.join(map(repr, words))}"

    def read(value: object) -> S:
        if not isinstance(value, (Mapping, Section)):
            raise ValueError("a mapping of settings")
        word = value.get("type", NOTHING) if isinstance(value, Mapping) else getattr(value, "type", NOTHING)
        if word is NOTHING:  # it may be headers that stand where they do not belong
            raise MismatchError([Found((), value, "a name such as 'console', or a mapping with 'type'", is_secret=True)])
        section = words.get(word) if isinstance(word, str) else None
        if section is None:
            raise MismatchError([Found(("type",), word, expected)])
        if isinstance(value, Section) and not isinstance(value, section) and issubclass(section, type(value)):
            # It is one of less, such as OTLP for any signal.
            value = {**{name: getattr(value, name) for name in value.fields_set}, "type": word}
        return section.read(value)

    def schema() -> Schema:
        return {"anyOf": [{**_reference(section), "required": ["type"]} for section in words.values()]}

    return Kind(read, "one of several", schema, form="one_of", sections=words)


def _read_at(part: str | int, kind: Kind[T], value: object, found: list[Found]) -> T:
    """What ``value`` means. If it does not fit that is in ``found``, and nobody uses the result."""
    try:
        return kind(value)
    except ValueError as error:
        found += found_below(part, error, value)
        return cast("T", None)


def _reference(section: type[Section]) -> Schema:
    return {"$ref": f"#/$defs/{section.__name__}"}


def _number_schema(name: str, least: float, most: float, in_text: str) -> Schema:
    limits = {"minimum": least, "maximum": most}
    inside = {word: limit for word, limit in limits.items() if math.isfinite(limit)}
    space = f"[{_SPACE_CLASS}]*"
    return {"anyOf": [{"type": name, **inside}, {"type": "string", "pattern": f"^{space}{in_text}{space}$"}]}


def _range(least: float, most: float) -> str:
    """What numbers there are, as people say it."""
    if math.isfinite(most):
        return f", {least} to {most}"
    return f", at least {least}" if math.isfinite(least) else ""


def _entries(value: object) -> list[object]:
    try:
        if not isinstance(value, _NO_LIST):
            return list(cast("Iterable[object]", value))
    except Exception:  # noqa: S110  # an object of the caller's may raise anything; it is one fault among others
        pass
    raise ValueError("a list")


def _word(value: object) -> str | None:
    """The text that a number or truth value may be written as."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


def _digits(word: str) -> str:
    """``word`` without the space around it, if what is left could be a number: Python reads other signs and more space."""
    plain = word.strip(_SPACE)
    if not (plain.isascii() and plain.isprintable()) or " " in plain:
        raise ValueError(word)
    return plain


def _integer_in(word: str) -> int:
    """Digits, which a point and zeros may follow."""
    digits, point, zeros = _digits(word).partition(".")
    if point and (not zeros or zeros.strip("0")):
        raise ValueError(word)
    return int(digits)


def _integer(value: Any) -> int:
    """Every kind of whole number, also as ``Decimal``, ``Fraction`` or ``float``."""
    if hasattr(value, "__index__"):
        return operator.index(value)
    whole_part, denominator = value.as_integer_ratio()
    if denominator != 1:
        raise ValueError(value)
    return int(whole_part)


def _float(value: Any) -> float:
    if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
        raise TypeError(value)  # `float()` reads the memory of some objects as text
    return float(value)


def _refuse_boolean(value: object) -> None:
    # Python's bool is an int; `port: true` would otherwise mean port 1.
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")


def _refuse_outside(number: float, least: float, most: float) -> None:
    if number < least:
        raise ValueError(f"at least {least}")
    if number > most:
        raise ValueError(f"at most {most}")
