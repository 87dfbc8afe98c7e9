"""The archive: whoever is in it counts as much as when it was not, however often something is added."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heliograph.prometheus.multiprocess.across import of_service
from heliograph.prometheus.multiprocess.archive import Archive, archive_of, folded
from heliograph.prometheus.multiprocess.process import Process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.multiprocess.tablefile import TableFile, UnreadableError, encode
from heliograph.prometheus.table import Exponential, Exponentials, Family, Histograms, Numbers, Table

_JOBS = Family(name="jobs", kind="counter")
_IN_FLIGHT = Family(name="in_flight", kind="gauge", across="sum")
_CPU = Family(name="cpu", kind="counter", across="latest")
_TIME = Family(name="time", kind="histogram")
_SIZE = Family(name="size", kind="histogram")
_LABELS = ["", '{a="1"}']
_AMOUNT = some.floats(0, 1e6)


def _snapshot(number: int, tables: list[Table], **more: Any) -> Snapshot:
    said = {"member": str(number), "process": Process(number, 1.0, ""), "parent": None, "published_at_s": 1.0}
    return Snapshot(**{**said, "tables": tables, **more})


def _numbers(family: Family, values: list[float]) -> Numbers:
    return Numbers(family=family, labels=_LABELS[: len(values)], values=values)


@some.composite
def _processes(draw: some.DrawFn) -> list[Snapshot]:
    amounts = some.lists(_AMOUNT, min_size=1, max_size=2)
    return [
        _snapshot(
            number,
            [
                _numbers(_JOBS, draw(amounts)),
                _numbers(_IN_FLIGHT, draw(amounts)),
                _numbers(_CPU, draw(amounts)),
                Histograms(family=_TIME, bounds=(1.0,), labels=[""], counts=[[number, 1]], sums=[draw(_AMOUNT)]),
                Exponentials(
                    family=_SIZE,
                    labels=[""],
                    series=[
                        Exponential(
                            scale=draw(some.integers(-1, 3)),
                            zero_count=1,
                            positive={number: 1},
                            negative={},
                            sum=draw(_AMOUNT),
                        )
                    ],
                ),
            ],
            is_ended=draw(some.booleans()),
        )
        for number in range(draw(some.integers(1, 7)))
    ]


def _by_name(tables: list[Table]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for table in tables:
        columns = (
            (table.series,)
            if isinstance(table, Exponentials)
            else (getattr(table, "values", None), getattr(table, "sums", None))
        )
        found[table.family.name] = table.labels, columns, getattr(table, "counts", None)
    return found


@given(_processes(), some.data())
def test_the_service_says_the_same_when_its_dead_have_been_folded_one_after_the_other(
    ended: list[Snapshot], data: some.DataObject
) -> None:
    living = [_snapshot(99, [_numbers(_JOBS, [0.1, 0.2]), _numbers(_CPU, [0.5, 0.5])])]
    archive, rest = Archive(), list(ended)
    before = _by_name(of_service(living, ended, [], pytest.fail))

    while rest:
        count = data.draw(some.integers(1, len(rest)))
        archive = folded(archive, rest[:count], living, 5.0, pytest.fail)
        archive = archive_of(archive.encoded(pytest.fail))
        rest = rest[count:]

        assert _by_name(of_service(living, rest, archive.tables, pytest.fail)) == before
    assert set(archive.members) == {snapshot.member for snapshot in ended}


def test_it_names_whom_it_contains_and_which_processes_they_were() -> None:
    parent = Process(1, 2.0, "here")
    snapshot = _snapshot(7, [], parent=parent)

    archive = folded(Archive(members={"6": 3.0}), [snapshot], [], 5.0, pytest.fail)

    assert archive.members == {"6": 3.0, "7": 5.0}
    assert archive.service == {snapshot.process, parent}
    assert archive_of(archive.encoded(pytest.fail)) == archive


def test_histograms_with_other_buckets_are_kept_apart() -> None:
    def table(bounds: tuple[float, ...]) -> Histograms:
        return Histograms(family=_TIME, bounds=bounds, labels=[""], counts=[[1] * (len(bounds) + 1)], sums=[1.0])

    ended = [_snapshot(number, [table(bounds)]) for number, bounds in enumerate([(1.0,), (1.0, 2.0), (1.0,)])]

    archive = folded(Archive(), ended, [], 5.0, pytest.fail)

    assert [(found.bounds, found.counts) for found in archive.tables if isinstance(found, Histograms)] == [
        ((1.0,), [[2, 2]]),
        ((1.0, 2.0), [[1, 1, 1]]),
    ]


def test_series_of_the_host_that_are_gone_are_forgotten() -> None:
    ended = [_snapshot(1, [_numbers(_CPU, [5.0, 6.0])])]

    archive = folded(Archive(), ended, [_snapshot(2, [_numbers(_CPU, [4.0])])], 5.0, pytest.fail)

    assert archive.tables == [_numbers(_CPU, [5.0])]


def test_a_file_that_is_something_else_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        archive_of(encode(TableFile(said={"service": []}, tables=[]), pytest.fail))
