"""Attributes as they are recorded: copied once, bounded, whatever they are."""

from __future__ import annotations

import fractions
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.recording.attributes import frozen, put, put_all, taken

_scalars = st.one_of(st.text(max_size=8), st.booleans(), st.integers(), st.floats(allow_nan=False), st.binary(max_size=8))


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")


class FailingMapping(dict):
    def items(self):
        raise RuntimeError("no items")


@given(st.dictionaries(st.text(min_size=1, max_size=8), _scalars, max_size=8))
def test_what_is_simple_is_taken_as_it_is(attributes):
    kept, dropped = taken(attributes, None, None)
    assert (kept, dropped) == (attributes, 0)
    assert [type(value) for value in kept.values()] == [type(value) for value in attributes.values()]


@given(
    st.dictionaries(st.text(max_size=3), st.one_of(_scalars, st.none(), st.lists(st.integers())), max_size=8),
    st.integers(0, 8),
)
def test_the_number_of_attributes_never_exceeds_its_limit_and_all_others_are_counted(attributes, most):
    kept, dropped = taken(attributes, most, None)
    wanted = {key for key, value in attributes.items() if value is not None}
    assert len(kept) <= most
    assert len(kept) + dropped == len(wanted)
    assert list(kept) == [key for key in attributes if key in kept]


def test_the_newest_attributes_are_those_that_do_not_get_in():
    kept, dropped = taken({"a": 1, "b": 2, "c": 3}, 2, None)
    assert (kept, dropped) == ({"a": 1, "b": 2}, 1)


def test_a_key_that_is_there_is_set_again_also_at_the_limit():
    kept = {"a": 1, "b": 2}
    assert put(kept, "a", 3, 2, None) == 0
    assert list(kept.items()) == [("a", 3), ("b", 2)]


def test_none_is_no_value_and_no_loss():
    assert taken({"a": None, "b": 1}, 1, None) == ({"b": 1}, 0)


def test_a_key_of_no_length_is_left_out_and_counted():
    assert taken({"": 1, "b": 1}, None, None) == ({"b": 1}, 1)


def test_texts_are_cut_at_the_limit_wherever_they_are():
    kept, _ = taken({"a": "x" * 9, "b": ["y" * 9, 1], "c": {"d": "z" * 9}, "e": b"12345"}, None, 4)
    assert kept == {"a": "xxxx", "b": ("yyyy", 1), "c": {"d": "zzzz"}, "e": b"12345"}


def test_what_the_application_changes_later_is_not_changed_here():
    inner, outer = [1], {"list": [1]}
    kept, _ = taken({"a": inner, "b": outer}, None, None)
    inner.append(2)
    outer["list"].append(2)
    assert kept == {"a": (1,), "b": {"list": (1,)}}


def test_a_cycle_ends():
    cycle: list = []
    cycle.append(cycle)
    kept, dropped = taken({"a": cycle}, None, None)
    assert dropped == 0
    assert "<nested too deeply>" in str(kept["a"])


def test_a_value_that_refers_to_itself_many_times_is_no_flood():
    flood: list = []
    flood.extend([flood] * 30)
    before = time.monotonic()
    frozen(flood)
    assert time.monotonic() - before < 1


def test_attributes_that_cannot_even_be_asked_whether_there_are_any_are_one_loss():
    class Odd(dict):
        def __bool__(self):
            raise RuntimeError("no answer")

        __len__ = items = __bool__

    assert taken(Odd(), 5, None) == ({}, 1)


def test_an_attribute_that_raises_costs_itself_only():
    kept, dropped = taken({"bad": FailingMapping(a=1), "good": 1}, None, None)
    assert (kept, dropped) == ({"good": 1}, 1)


@pytest.mark.parametrize("given_attributes", [FailingMapping(a=1), 7, ["a"]])
def test_what_is_no_mapping_is_one_loss(given_attributes):
    assert taken(given_attributes, None, None) == ({}, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (fractions.Fraction(1, 2), 0.5),
        ({1, 2}, (1, 2)),
        (range(3), (0, 1, 2)),
        ({1: [2]}, {"1": (2,)}),
        (Unshowable(), "<Unshowable that cannot be shown>"),
        (ValueError("why"), "why"),
    ],
)
def test_other_values_become_what_otlp_can_carry(value, expected):
    assert frozen(value) == expected


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), _scalars, max_size=6),
    st.dictionaries(st.text(min_size=1, max_size=3), _scalars),
)
def test_putting_all_is_putting_one_by_one(first, second):
    at_once, one_by_one = dict(first), dict(first)
    lost = put_all(at_once, second, 6, None)
    assert lost == sum(put(one_by_one, key, value, 6, None) for key, value in second.items())
    assert at_once == one_by_one
