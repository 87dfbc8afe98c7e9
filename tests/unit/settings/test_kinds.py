"""What users may write for each kind of value, in code, in files and in environment variables, and what it means then."""

import collections
import enum
import fractions
import math
import types
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.faults import MismatchError
from heliograph.settings.kinds import (
    Kind,
    by_type,
    choice,
    filled_text,
    flag,
    list_of,
    mapping_of,
    number,
    optional,
    scalar,
    text,
    whole,
)
from heliograph.settings.section import Section, setting


class _Number(enum.IntEnum):
    ONE = 1


class _Word(enum.Enum):
    ONE = "one"
    NUMBER = 1


class _TextWord(enum.StrEnum):
    ONE = "one"


class _Text(str):
    __slots__ = ()


class _Index:
    def __index__(self) -> int:
        return 1


class _Half:
    def __float__(self) -> float:
        return 0.5


class _Unruly:
    def __iter__(self) -> Any:
        raise RuntimeError("no")


_COUNT, _PORT, _RATIO, _BOUND = whole(1), whole(0, 65535), number(0, 1), number()
_ONES = choice(Literal["one", "other"])

# kind, given, what it means: as the settings have read them since their first release
_MEANINGS: list[tuple[Kind[Any], object, object]] = [
    *[(flag, given_value, True) for given_value in (True, 1, 1.0, Decimal(1), fractions.Fraction(1), _Number.ONE, _Index())],
    *[(flag, given_value, True) for given_value in ("true", "TRUE", "tRuE", "yes", "on", "t", "y", "1", b"1", _Text("on"))],
    *[(flag, given_value, False) for given_value in (False, 0, 0.0, -0.0, Decimal(0), "false", "no", "OFF", "f", "n", "0")],
    *[(_COUNT, given_value, 1) for given_value in (1, 1.0, Decimal("1.0"), fractions.Fraction(1), _Number.ONE, _Word.NUMBER)],
    *[(_COUNT, given_value, 1) for given_value in (_Index(), "1", " 1 ", "\n1\t", "\xa01", "1.0", "1.00", "01", "+1", b"1")],
    *[(_PORT, given_value, 0) for given_value in (0, -0.0, "0", "00", "-0", "0.0")],
    *[
        (_COUNT, "1_000", 1000),
        (_COUNT, Decimal("1E+3"), 1000),
        (_COUNT, 2**63 - 1, 2**63 - 1),
        (_COUNT, "9" * 18, int("9" * 18)),
    ],
    *[(_RATIO, given_value, 1.0) for given_value in (1, 1.0, "1", " 1 ", "1.", "01.0", "+1", b"1", Decimal(1), _Index())],
    *[(_RATIO, given_value, 0.5) for given_value in (0.5, ".5", " 0.5 ", "5e-1", "5E-1", fractions.Fraction(1, 2), _Half())],
    *[(_BOUND, "1_0.5", 10.5), (_BOUND, -1, -1.0), (_BOUND, 1e300, 1e300)],
    *[
        (text, given_value, "a")
        for given_value in ("a", " a ", "\u3000a\n", "\x85a", b"a", b" a ", bytearray(b"a"), _Text("a"))
    ],
    *[(text, "", ""), (text, " ", ""), (text, "a b", "a b"), (text, "\x1ca", "\x1ca"), (text, "\ufeffa", "\ufeffa")],
    *[(kind, PurePosixPath("/a/b"), "/a/b") for kind in (text, filled_text)],
    *[(text, _Word.ONE, "one"), (text, _TextWord.ONE, "one"), (text, _Word.NUMBER, "1"), (filled_text, " a", "a")],
    *[(scalar, given_value, given_value) for given_value in (True, False, 0, -1, 10**30, 0.0, 1.5, math.inf, "", "1", "true")],
    *[(scalar, " a ", "a"), (scalar, b"a", "a"), (scalar, _Number.ONE, 1), (scalar, _TextWord.ONE, "one")],
    *[(scalar, Decimal("1.5"), 1.5), (scalar, fractions.Fraction(1, 2), 0.5), (scalar, _Half(), 0.5)],
    *[(_ONES, "one", "one"), (_ONES, _TextWord.ONE, "one"), (_ONES, _Text("other"), "other")],
    *[(optional(_COUNT), None, None), (optional(_COUNT), "1", 1)],
    *[
        (list_of(_COUNT), given_value, (1, 2))
        for given_value in ([1, 2], (1, "2"), range(1, 3), iter([1, 2]), {1: 0, 2: 0}.keys())
    ],
    *[(list_of(_COUNT), given_value, ()) for given_value in ([], (), set(), frozenset())],
    *[(list_of(_COUNT), collections.deque([1]), (1,)), (list_of(_COUNT), {1}, (1,)), (list_of(_COUNT), iter("1"), (1,))],
    *[(mapping_of(_COUNT), given_value, {"a": 1}) for given_value in ({"a": 1}, {" a ": "1"}, {b"a": 1}, {_Text("a"): 1})],
    *[(mapping_of(_COUNT), kind({"a": 1}), {"a": 1}) for kind in (types.MappingProxyType, collections.UserDict)],
]

_NUMBERS_OF_NO_KIND = [
    "",
    " ",
    "a",
    "1,0",
    "1 0",
    "+ 1",
    "0x10",
    "\uff11",
    "\x1c1",
    "1__0",
    "_1",
    "1_",
    "1\0",
    b"\xff",
    None,
    1j,
]
_NUMBERS_OF_NO_KIND += [[], [1], {}, object(), int, bytearray(b"1"), memoryview(b"1"), "9" * 5000 + "x", _Word.ONE]

# kind, given, what was expected instead
_FAULTS: list[tuple[Kind[Any], object, str]] = [
    *[
        (flag, given_value, "true or false")
        for given_value in (2, -1, 1.5, math.nan, math.inf, None, "", " true ", "on ", "2")
    ],
    *[(flag, given_value, "true or false") for given_value in ("1.0", "enabled", bytearray(b"1"), b"\xff", [], object(), int)],
    *[(_COUNT, given_value, "a whole number") for given_value in _NUMBERS_OF_NO_KIND],
    *[(_COUNT, given_value, "a whole number") for given_value in (1.5, "1.5", "1.", ".0", "1e3", Decimal("1.5"), _Half())],
    *[(_COUNT, given_value, "a whole number") for given_value in (math.nan, math.inf, Decimal("NaN"), "nan", "9" * 5000)],
    *[(_RATIO, given_value, "a number") for given_value in [*_NUMBERS_OF_NO_KIND, Decimal("sNaN"), 10**400]],
    *[
        (_BOUND, given_value, "a finite number")
        for given_value in (math.nan, -math.inf, "nan", "Infinity", "1e400", Decimal("NaN"))
    ],
    *[(kind, given_value, "a number, not true or false") for kind in (_COUNT, _RATIO) for given_value in (True, False)],
    *[
        (_COUNT, 0, "at least 1"),
        (_COUNT, "-5", "at least 1"),
        (_COUNT, 2**63, "at most 9223372036854775807"),
        (_PORT, 65536, "at most 65535"),
        (_PORT, "65536", "at most 65535"),
    ],
    *[(_RATIO, 1.01, "at most 1"), (_RATIO, "-0.01", "at least 0")],
    *[(text, given_value, "text") for given_value in (None, 1, 1.5, True, [], {}, object(), str, memoryview(b"a"))],
    *[(text, given_value, "text that UTF-8 can carry") for given_value in ("\ud800", b"\xff")],
    *[(filled_text, given_value, "text that is not empty") for given_value in ("", " \t", b"")],
    *[
        (scalar, given_value, "text, true or false, or a number")
        for given_value in (None, [], {}, 1j, object(), b"\xff", "\ud800")
    ],
    *[(_ONES, given_value, "one of 'one' or 'other'") for given_value in ("ONE", " one", "", b"one", None, 1, [], _Word.ONE)],
    *[(choice(Literal["one"]), "two", "one of 'one'"), (optional(_COUNT), 0, "at least 1")],
    *[(list_of(_COUNT), given_value, "a list") for given_value in ("12", b"12", {1: 2}, None, 1, _Unruly(), int)],
    *[(list_of(_COUNT, least=1), given_value, "at least 1 entries") for given_value in ([], (), iter(()))],
    *[(mapping_of(_COUNT), given_value, "a mapping of names to values") for given_value in (None, "a", [("a", 1)], 1)],
]


def _rows(table: list[tuple[Kind[Any], object, Any]]) -> list[Any]:
    return [pytest.param(*row, id=f"{number}-{type(row[1]).__name__}") for number, row in enumerate(table)]


@pytest.mark.parametrize(("kind", "given_value", "expected"), _rows(_MEANINGS))
def test_each_spelling_of_a_value_means_it(kind: Kind[Any], given_value: object, expected: object) -> None:
    meant = kind(given_value)
    assert (meant, type(meant)) == (expected, type(expected))


@pytest.mark.parametrize(("kind", "given_value", "expected"), _rows(_FAULTS))
def test_anything_else_is_refused_with_what_was_expected(kind: Kind[Any], given_value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        kind(given_value)
    assert str(caught.value) == expected


def test_every_entry_of_a_list_that_does_not_fit_is_found_with_its_position() -> None:
    with pytest.raises(MismatchError) as caught:
        list_of(list_of(_COUNT))([[1, 0], 5, ["a"]])
    assert [(found.place, found.value, found.expected) for found in caught.value.found] == [
        ((0, 1), 0, "at least 1"),
        ((1,), 5, "a list"),
        ((2, 0), "a", "a whole number"),
    ]


def test_every_name_and_value_of_a_mapping_that_does_not_fit_is_found() -> None:
    with pytest.raises(MismatchError) as caught:
        mapping_of(_COUNT)({"a": 0, "b": 1, 5: 1, None: "x"})
    assert [(found.place, found.value, found.expected) for found in caught.value.found] == [
        (("a",), 0, "at least 1"),
        (("5",), 5, "text"),
        (("None",), None, "text"),
        (("None",), "x", "a whole number"),
    ]


def test_a_mapping_is_a_copy() -> None:
    given_value = {"a": 1}
    meant = mapping_of(_COUNT)(given_value)
    given_value["b"] = 2
    assert meant == {"a": 1}


class _Cat(Section):
    type: Literal["cat"] = setting(choice(Literal["cat"]), default="cat")
    lives: int = setting(_COUNT, default=9)


class _Dog(Section):
    type: Literal["dog"] = setting(choice(Literal["dog"]), default="dog")


class _Stone(Section):
    weight: int = setting(_COUNT, default=1)


_PETS: Kind[_Cat | _Dog] = by_type(_Cat, _Dog)


def test_the_type_chooses_the_section() -> None:
    assert _PETS({"type": "cat", "lives": "7"}) == _Cat(lives=7)
    assert _PETS({"type": "dog"}) == _Dog()
    dog = _Dog()
    assert _PETS(dog) is dog


@pytest.mark.parametrize(
    ("given_value", "place", "expected"),
    [
        ({"type": "cow"}, ("type",), "one of 'cat', 'dog'"),
        ({"type": ["cat"]}, ("type",), "one of 'cat', 'dog'"),
        ({"type": "cat", "lives": 0}, ("lives",), "at least 1"),
        ({"type": "dog", "lives": 1}, ("lives",), "no setting of this name; there are type"),
    ],
)
def test_a_section_of_no_such_type_is_found_there(given_value: object, place: tuple[str, ...], expected: str) -> None:
    with pytest.raises(MismatchError) as caught:
        _PETS(given_value)
    assert [(found.place, found.expected) for found in caught.value.found] == [(place, expected)]


@pytest.mark.parametrize("given_value", ["cat", 5, None, [], _Cat, object()])
def test_what_is_no_mapping_is_no_section(given_value: object) -> None:
    with pytest.raises(ValueError, match=r"^a mapping of settings$"):
        _PETS(given_value)


@pytest.mark.parametrize("given_value", [{}, {"lives": 1}, _Stone()])
def test_what_has_no_type_is_none_of_the_sections(given_value: object) -> None:
    with pytest.raises(ValueError, match="a mapping with 'type'"):
        _PETS(given_value)


_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=5,
)
_KINDS: list[Kind[Any]] = [flag, text, scalar, _COUNT, _RATIO, _BOUND, _ONES, _PETS, list_of(scalar), mapping_of(scalar)]


@given(st.sampled_from(_KINDS), _ANYTHING)
def test_whatever_is_given_a_kind_reads_it_as_something_that_it_reads_as_itself_or_refuses_it(
    kind: Kind[Any], given_value: object
) -> None:
    try:
        meant = kind(given_value)
    except ValueError:
        return
    assert repr(kind(meant)) == repr(meant)


@given(st.integers(1, 2**63 - 1))
def test_a_whole_number_is_the_same_in_every_spelling(value: int) -> None:
    assert [_COUNT(spelling) for spelling in (value, str(value), f" +{value}.0 ", str(value).encode(), Decimal(value))] == [
        value
    ] * 5


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_in_every_spelling(value: float) -> None:
    assert [_BOUND(spelling) for spelling in (value, str(value), f" {value} ", Decimal(value))] == [value] * 4
