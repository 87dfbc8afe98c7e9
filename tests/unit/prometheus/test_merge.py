"""Tables of one family become one: nothing is lost, nothing is counted twice, and the order does not matter for sums."""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heliograph.prometheus.merge import exact_sum, merged
from heliograph.prometheus.table import Exemplar, Exponential, Exponentials, Family, Histograms, Numbers, Table

_COUNTER = Family(name="jobs", kind="counter")
_TIME = Family(name="time_seconds", kind="histogram")
_BOUNDS = (1.0, 2.0)
_LABELS = some.sampled_from(["", '{a="1"}', '{a="2"}', '{b="1"}'])
_FINITE = some.floats(min_value=0, max_value=1e18)
_COUNTS = some.integers(min_value=0, max_value=2**40)


class _Notes(list[tuple[str, str]]):
    def __call__(self, name: str, what: str) -> None:
        self.append((name, what))


@pytest.fixture
def notes() -> _Notes:
    return _Notes()


def _numbers(family: Family, values: dict[str, float], **more: Any) -> Numbers:
    return Numbers(family=family, labels=list(values), values=list(values.values()), **more)


def _histograms(series: dict[str, tuple[list[int], float]], bounds: tuple[float, ...] = _BOUNDS, **more: Any) -> Histograms:
    counts, sums = [counts for counts, _ in series.values()], [total for _, total in series.values()]
    return Histograms(family=_TIME, bounds=bounds, labels=list(series), counts=counts, sums=sums, **more)


def _exponentials(series: dict[str, Exponential], **more: Any) -> Exponentials:
    return Exponentials(family=_TIME, labels=list(series), series=list(series.values()), **more)


def _by_labels(table: Table) -> dict[str, Any]:
    match table:
        case Numbers():
            return dict(zip(table.labels, table.values, strict=True))
        case Histograms():
            rows = zip(table.labels, map(list, table.counts), table.sums, strict=True)
            return {labels: (counts, total) for labels, counts, total in rows}
        case Exponentials():
            return dict(zip(table.labels, table.series, strict=True))


_counters = some.dictionaries(_LABELS, _FINITE).map(lambda values: _numbers(_COUNTER, values))
_series = some.tuples(some.lists(_COUNTS, min_size=3, max_size=3), _FINITE)
_histogram_tables = some.dictionaries(_LABELS, _series).map(_histograms)
_buckets = some.dictionaries(some.integers(-300, 300), some.integers(1, 1000), max_size=5)
_exponential_tables = some.dictionaries(
    _LABELS,
    some.builds(
        Exponential, scale=some.integers(-2, 8), zero_count=_COUNTS, positive=_buckets, negative=_buckets, sum=_FINITE
    ),
).map(_exponentials)


@given(
    some.one_of(
        *(some.lists(tables, min_size=1, max_size=5) for tables in (_counters, _histogram_tables, _exponential_tables))
    )
)
def test_the_order_of_what_is_added_up_does_not_matter(tables: list[Table]) -> None:
    (there,) = merged(tables, pytest.fail)
    (back,) = merged(tables[::-1], pytest.fail)

    assert _by_labels(there) == _by_labels(back)


@given(some.lists(_counters, min_size=1, max_size=5))
def test_each_value_of_a_counter_is_added_exactly_once(tables: list[Numbers]) -> None:
    (found,) = merged(tables, pytest.fail)

    expected: dict[str, Fraction] = {}
    for table in tables:
        for labels, value in zip(table.labels, table.values, strict=True):
            expected[labels] = expected.get(labels, Fraction()) + Fraction(value)
    assert _by_labels(found) == {labels: float(value) for labels, value in expected.items()}


@given(some.lists(some.one_of(_counters, _histogram_tables), min_size=1, max_size=5))
def test_what_is_given_stays_as_it_is(tables: list[Table]) -> None:
    before = copy.deepcopy(tables)

    merged(tables, lambda _name, _what: None)

    assert tables == before


@given(some.lists(_exponential_tables, min_size=1, max_size=4))
def test_exponential_histograms_keep_their_counts_and_each_value_its_bucket(tables: list[Exponentials]) -> None:
    (found,) = merged(tables, pytest.fail)

    for labels, series in _by_labels(found).items():
        parts = [_by_labels(table)[labels] for table in tables if labels in table.labels]
        assert series.scale == min(part.scale for part in parts)
        for side in ("positive", "negative"):
            expected: dict[int, int] = {}
            for part in parts:
                for index, count in getattr(part, side).items():
                    wide = math.floor(Fraction(index, 2 ** (part.scale - series.scale)))
                    expected[wide] = expected.get(wide, 0) + count
            assert getattr(series, side) == expected


def test_a_table_that_is_alone_is_given_back(notes: _Notes) -> None:
    table = _numbers(_COUNTER, {"": 1.0})

    assert merged([table], notes)[0] is table


def test_families_come_in_the_order_of_their_first_tables(notes: _Notes) -> None:
    first, second = _numbers(_COUNTER, {"": 1.0}), _histograms({"": ([1, 0, 0], 0.5)})

    assert [table.family for table in merged([first, second, first], notes)] == [_COUNTER, _TIME]


@pytest.mark.parametrize(("across", "expected"), [("sum", 6.0), ("max", 3.0), ("min", 1.0)])
def test_gauges_become_one_as_their_family_says(across: Any, expected: float, notes: _Notes) -> None:
    family = Family(name="depth", kind="gauge", across=across)

    (found,) = merged([_numbers(family, {"": value}) for value in (2.0, 1.0, 3.0)], notes)

    assert _by_labels(found) == {"": expected}
    assert notes == []


@pytest.mark.parametrize("across", ["latest", "per_process"])
def test_a_gauge_that_is_there_twice_has_its_later_value_and_is_noted(across: Any, notes: _Notes) -> None:
    family = Family(name="depth", kind="gauge", across=across)

    (found,) = merged([_numbers(family, {"": 2.0, "{a}": 5.0}), _numbers(family, {"": 1.0})], notes)

    assert _by_labels(found) == {"": 1.0, "{a}": 5.0}
    assert notes == [("depth", "is recorded twice with the same labels; the later value is exposed")]


@pytest.mark.parametrize("kind", ["gauge", "histogram"])
def test_of_two_kinds_with_one_name_the_first_is_kept_and_the_other_noted(kind: Any, notes: _Notes) -> None:
    other = Family(name="jobs", kind=kind)
    others: Table = _numbers(other, {"": 7.0})
    if kind == "histogram":
        others = Histograms(family=other, bounds=(), labels=[""], counts=[[7]], sums=[7.0])

    (found,) = merged([_numbers(_COUNTER, {"": 1.0}), others, _numbers(_COUNTER, {"": 2.0})], notes)

    assert _by_labels(found) == {"": 3.0}
    assert notes == [("jobs", f"is a counter and a {kind}; only the counter is exposed")]


def test_histograms_with_different_buckets_are_added_at_the_bounds_that_all_have(notes: _Notes) -> None:
    newer = _histograms({"": ([1, 2, 4, 8], 15.0)}, bounds=(0.5, 1.0, 3.0))
    older = _histograms({"": ([1, 0, 1], 3.0)}, bounds=(1.0, 2.0))

    (found,) = merged([newer, older], notes)

    assert found == _histograms({"": ([4, 13], 18.0)}, bounds=(1.0,))
    assert [name for name, _what in notes] == ["time_seconds"]


def test_exemplars_go_to_the_bucket_that_is_left_the_newest_of_each(notes: _Notes) -> None:
    newer = _histograms({"": ([1, 2, 4], 15.0)}, bounds=(0.5, 1.0))
    newer.exemplars[""] = {0: Exemplar("{a}", 0.4, 5.0), 1: Exemplar("{b}", 0.9, 4.0), 2: Exemplar("{c}", 7.0, 3.0)}
    older = _histograms({"": ([1, 1], 3.0)}, bounds=(1.0,))

    (found,) = merged([newer, older], notes)

    assert found.exemplars == {"": {0: Exemplar("{a}", 0.4, 5.0), 1: Exemplar("{c}", 7.0, 3.0)}}


def test_histograms_without_a_common_bound_still_have_count_and_sum(notes: _Notes) -> None:
    (found,) = merged(
        [_histograms({"": ([1, 2], 3.0)}, bounds=(1.0,)), _histograms({"": ([3, 4], 5.0)}, bounds=(2.0,))], notes
    )

    assert found == _histograms({"": ([10], 8.0)}, bounds=())


def test_a_table_without_series_says_nothing_about_the_kind(notes: _Notes) -> None:
    empty = _numbers(Family(name="jobs", kind="gauge"), {})

    (found,) = merged([empty, _numbers(_COUNTER, {"": 1.0})], notes)

    assert found.family == _COUNTER
    assert notes == []


def test_a_series_began_when_its_first_part_did(notes: _Notes) -> None:
    (found,) = merged(
        [
            _numbers(_COUNTER, {"": 1.0, "{a}": 1.0}, created_s=[20.0, 30.0]),
            _numbers(_COUNTER, {"{a}": 1.0, "": 1.0}, created_s=[25.0, 10.0]),
            _numbers(_COUNTER, {"": 1.0}),
        ],
        notes,
    )

    assert (found.labels, found.created_s) == (["", "{a}"], [10.0, 25.0])


def test_that_some_series_began_at_an_unknown_time_is_not_made_up(notes: _Notes) -> None:
    (found,) = merged([_numbers(_COUNTER, {"": 1.0}, created_s=[20.0]), _numbers(_COUNTER, {"{a}": 1.0})], notes)

    assert found.created_s == []


def test_the_newest_exemplar_of_each_bucket_is_kept(notes: _Notes) -> None:
    old, new, other = Exemplar("{t=old}", 0.5, 10.0), Exemplar("{t=new}", 0.7, 20.0), Exemplar("{t=other}", 1.5, 5.0)
    series = {"": ([1, 0, 0], 0.5)}

    (found,) = merged(
        [_histograms(series, exemplars={"": {0: new}}), _histograms(series, exemplars={"": {0: old, 1: other}})], notes
    )

    assert found.exemplars == {"": {0: new, 1: other}}


def test_an_exponential_histogram_keeps_a_limited_number_of_the_newest_exemplars(notes: _Notes) -> None:
    series = {"": Exponential(scale=0, zero_count=0, positive={0: 1}, negative={}, sum=1.5)}
    tables = [_exponentials(series, exemplars={"": {0: Exemplar("", 1.5, float(at_s))}}) for at_s in range(50)]

    (found,) = merged(tables, notes)

    assert sorted(one.at_s for one in found.exemplars[""].values()) == [float(at_s) for at_s in range(30, 50)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1e308, 1e308], math.inf), ([math.inf, 1.0], math.inf), ([1e16, 1.0, 1.0], 1e16 + 2)],
)
def test_a_sum_is_rounded_once_and_never_fails(values: list[float], expected: float) -> None:
    assert exact_sum(values) == expected


def test_a_sum_of_both_infinities_is_no_number() -> None:
    assert math.isnan(exact_sum([math.inf, -math.inf]))
