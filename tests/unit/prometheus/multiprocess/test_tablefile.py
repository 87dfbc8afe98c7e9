"""Tables as bytes: what is read is what was written, or the file is told to be unreadable."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heliograph.prometheus.labels import rendered
from heliograph.prometheus.labels import text as repaired
from heliograph.prometheus.multiprocess.tablefile import TableFile, UnreadableError, decode, encode
from heliograph.prometheus.table import Exemplar, Exponential, Exponentials, Family, Histograms, Numbers, Table

_TEXT = some.text(some.characters(codec=None), max_size=20)  # surrogates and NUL included
_LABELS = some.dictionaries(some.sampled_from(["a", "b"]), _TEXT.map(repaired), max_size=2).map(rendered)
_NUMBER = some.floats(allow_nan=False)
_COUNT = some.integers(0, 2**63 - 1)
_FAMILIES = some.builds(
    Family,
    name=_TEXT,
    kind=some.sampled_from(["counter", "gauge"]),
    description=_TEXT,
    across=some.sampled_from(["sum", "latest"]),
    is_observed=some.booleans(),
)
_EXEMPLARS = some.dictionaries(
    some.integers(0, 5), some.builds(Exemplar, labels=_LABELS, value=_NUMBER, at_s=_NUMBER), min_size=1
)


@some.composite
def _tables(draw: some.DrawFn) -> Table:
    labels = draw(some.lists(_LABELS, unique=True, max_size=5))
    count = len(labels)

    def column(items: some.SearchStrategy[Any]) -> list[Any]:
        return draw(some.lists(items, min_size=count, max_size=count))

    common: dict[str, Any] = {
        "family": draw(_FAMILIES),
        "labels": labels,
        "created_s": column(_NUMBER) if draw(some.booleans()) else [],
        "exemplars": {label: draw(_EXEMPLARS) for label in labels if draw(some.booleans())},
    }
    kind = draw(some.sampled_from([Numbers, Histograms, Exponentials]))
    if kind is Numbers:
        return Numbers(**common, values=column(_NUMBER))
    if kind is Histograms:
        bounds = tuple(draw(some.lists(_NUMBER, max_size=3)))
        width = len(bounds) + 1
        counts = column(some.lists(_COUNT, min_size=width, max_size=width))
        return Histograms(**common, bounds=bounds, counts=counts, sums=column(_NUMBER))
    buckets = some.dictionaries(some.integers(), _COUNT, max_size=3)
    series = some.builds(
        Exponential, scale=some.integers(-10, 20), zero_count=_COUNT, positive=buckets, negative=buckets, sum=_NUMBER
    )
    return Exponentials(**common, series=column(series))


_FILE = TableFile(
    said={"member": "one"},
    tables=[Numbers(family=Family(name="jobs", kind="counter"), labels=["", '{a="ü"}'], values=[1.0, 2.0])],
)


@given(some.lists(_tables(), max_size=4), some.dictionaries(_TEXT, _TEXT))
def test_what_is_read_is_what_was_written(tables: list[Table], said: dict[str, str]) -> None:
    file = TableFile(said=said, tables=tables)

    assert decode(encode(file, pytest.fail)) == file


def test_when_the_values_changed_is_kept() -> None:
    file = TableFile(said={}, tables=_FILE.tables, changed_s={"jobs": [5.0, 6.0]})

    assert decode(encode(file, pytest.fail)).changed_s == {"jobs": [5.0, 6.0]}


def test_values_that_are_no_numbers_or_infinite_are_kept() -> None:
    table = Numbers(family=Family(name="t", kind="gauge"), labels=["", '{a="1"}'], values=[math.inf, math.nan])

    (found,) = decode(encode(TableFile(said={}, tables=[table]), pytest.fail)).tables

    assert isinstance(found, Numbers)
    assert found.values[0] == math.inf
    assert math.isnan(found.values[1])


@pytest.mark.parametrize("label", ['{a="\0"}', '{a="\0\0"}', "\0"])
def test_a_label_with_a_nul_does_not_shift_the_others(label: str) -> None:
    table = Numbers(family=Family(name="t", kind="gauge"), labels=[label, '{b="1"}'], values=[1.0, 2.0])

    (found,) = decode(encode(TableFile(said={}, tables=[table]), pytest.fail)).tables

    assert found.labels == [label.replace("\0", "\ufffd"), '{b="1"}']


def test_a_table_that_cannot_be_written_costs_no_other() -> None:
    broken = Histograms(family=Family(name="broken", kind="histogram"), bounds=(1.0,), labels=[""], counts=[[1]], sums=[1.0])
    endless = Histograms(family=Family(name="endless", kind="histogram"), bounds=(), labels=[""], counts=[[2**70]], sums=[1.0])
    noted: list[str] = []

    found = decode(encode(TableFile(said={}, tables=[broken, *_FILE.tables, endless]), lambda name, _what: noted.append(name)))

    assert found.tables == _FILE.tables
    assert noted == ["broken", "endless"]


def test_a_file_that_is_cut_off_anywhere_is_unreadable() -> None:
    data = encode(_FILE, pytest.fail)

    for length in range(len(data)):
        with pytest.raises(UnreadableError):
            decode(data[:length])


@given(some.data())
def test_a_file_in_which_a_byte_is_another_one_is_unreadable(data: some.DataObject) -> None:
    written = bytearray(encode(_FILE, pytest.fail))
    place = data.draw(some.integers(0, len(written) - 1))
    written[place] ^= data.draw(some.integers(1, 255))

    with pytest.raises(UnreadableError):
        decode(bytes(written))


@given(some.binary(max_size=200))
def test_somebody_elses_file_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode(data)


def test_a_file_of_a_later_version_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="version"):
        decode(encode(_FILE, pytest.fail).replace(b"heliograph tables 1", b"heliograph tables 2"))
