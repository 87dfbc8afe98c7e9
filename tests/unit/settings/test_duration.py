"""Durations are read in every spelling that people use, and in no other."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heliograph.settings.duration import EXPECTED, parse_duration

_LONGEST = timedelta(days=3650)


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        ("10m", timedelta(minutes=10)),
        ("10min", timedelta(minutes=10)),
        ("1h", timedelta(hours=1)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("1.5h", timedelta(minutes=90)),
        ("5", timedelta(seconds=5)),
        (" 5 S ", timedelta(seconds=5)),
        ("10MIN", timedelta(minutes=10)),
        (5, timedelta(seconds=5)),
        (0.25, timedelta(milliseconds=250)),
        ("3650d", _LONGEST),
        (timedelta(minutes=2), timedelta(minutes=2)),
        ("0.001ms", timedelta(microseconds=1)),
    ],
)
def test_a_duration_is_read_in_each_spelling(given_value: object, expected: timedelta) -> None:
    assert parse_duration(given_value) == expected


@pytest.mark.parametrize(
    "given_value",
    [
        *[0, -1, 0.0, "0", "0s", "-5s", timedelta(0), timedelta(seconds=-1)],  # not above zero
        *[float("nan"), float("inf"), float("-inf"), "nan", "inf", "9" * 400],  # no finite number
        *["3650.1d", 3650 * 86400 + 1, timedelta.max],  # over ten years
        *["", " ", "s", "5 weeks", "5µs", "5us", "1h30m", ".5s", "5.s", "1_0s", "1e3", "+5s", "0x10", "5,5s", "\uff15s"],
        *[True, False, None, [], {}, b"5s", object(), 5j],
    ],
    ids=repr,
)
def test_anything_else_is_refused_with_the_spellings_that_are_read(given_value: object) -> None:
    with pytest.raises(ValueError, match="a duration above zero") as caught:
        parse_duration(given_value)
    assert str(caught.value) == EXPECTED


@pytest.mark.parametrize("given_value", [10**400, -(10**400)], ids=["above", "below"])
def test_a_number_too_large_for_a_float_is_refused_like_any_other(given_value: int) -> None:
    with pytest.raises(ValueError, match="a duration above zero"):
        parse_duration(given_value)


@pytest.mark.parametrize("given_value", [1e-9, 4e-7, "0.0001ms"])
def test_a_duration_too_short_to_be_told_from_zero_is_refused(given_value: object) -> None:
    with pytest.raises(ValueError, match="a duration above zero"):
        parse_duration(given_value)


_ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.timedeltas(), st.binary(), st.lists(st.integers())
)


@given(_ANYTHING)
@example(10**309)
@example(5e-324)
def test_every_value_gives_a_duration_within_bounds_or_a_value_error(value: object) -> None:
    try:
        duration = parse_duration(value)
    except ValueError:
        return
    assert timedelta(0) < duration <= _LONGEST


@given(st.integers(1, 9999), st.sampled_from(["ms", "s", "m", "min", "h"]), st.text(" \t", max_size=3))
def test_space_and_case_do_not_matter(number: int, unit: str, space: str) -> None:
    assert parse_duration(f"{space}{number}{space}{unit.upper()}{space}") == parse_duration(f"{number}{unit}")


@given(st.timedeltas(timedelta(microseconds=1), _LONGEST))
def test_a_timedelta_within_bounds_is_itself(value: timedelta) -> None:
    assert abs(parse_duration(value) - value) <= timedelta(microseconds=100)
