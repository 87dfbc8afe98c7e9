"""What several processes say becomes what the service says, as each family asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from heliograph.prometheus.labels import rendered
from heliograph.prometheus.multiprocess.across import common_resource, of_service
from heliograph.prometheus.multiprocess.process import Process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.table import Exemplar, Family, Histograms, Numbers, Table


def _family(kind: Any = "gauge", across: Any = "sum", **more: Any) -> Family:
    return Family(name="m", kind=kind, across=across, **more)


def _snapshot(pid: int, tables: Sequence[Table], **more: Any) -> Snapshot:
    said = {"member": str(pid), "process": Process(pid, 1.0, ""), "parent": None, "published_at_s": 100.0 + pid}
    return Snapshot(**{**said, "tables": tables, **more})


def _values(tables: Sequence[Table]) -> dict[str, float]:
    (table,) = tables
    assert isinstance(table, Numbers)
    return dict(zip(table.labels, table.values, strict=True))


def _one(family: Family, value: float, labels: str = "") -> Numbers:
    return Numbers(family=family, labels=[labels], values=[value])


_KILLED, _ENDED = 16.0, 32.0


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (_family("counter"), 3.0 + _KILLED + _ENDED),
        (_family("counter", is_observed=True), 3.0 + _KILLED + _ENDED),
        (_family(), 3.0 + _ENDED),
        (_family(is_observed=True), 3.0),
        (_family(across="max"), 2.0),
        (_family(across="min"), 1.0),
        (_family(across="latest"), 2.0),
        (_family("counter", "latest"), _ENDED),
        (_family("counter", "max"), _ENDED),
    ],
    ids=lambda value: f"{value.kind} {value.across}" if isinstance(value, Family) else None,
)
def test_the_living_and_the_ended_count_as_the_family_says(family: Family, expected: float) -> None:
    living = [_snapshot(1, [_one(family, 1.0)]), _snapshot(2, [_one(family, 2.0)])]
    ended = [_snapshot(3, [_one(family, _KILLED)]), _snapshot(4, [_one(family, _ENDED)], is_ended=True)]

    assert _values(of_service(living, ended, [], pytest.fail)) == {"": expected}


def test_histograms_of_all_processes_are_added_up() -> None:
    table = Histograms(family=_family("histogram"), bounds=(1.0,), labels=[""], counts=[[1, 2]], sums=[5.0])

    (found,) = of_service([_snapshot(1, [table])], [_snapshot(2, [table])], [table], pytest.fail)

    assert isinstance(found, Histograms)
    assert (found.counts, found.sums) == ([[3, 6]], [15.0])


def test_each_living_process_is_shown_with_its_number_when_asked_for() -> None:
    table = Numbers(family=_family(across="per_process"), labels=["", '{a="1",z="2"}'], values=[1.0, 2.0])

    found = of_service([_snapshot(7, [table]), _snapshot(8, [table])], [_snapshot(9, [table])], [], pytest.fail)

    assert _values(found) == {'{pid="7"}': 1.0, '{a="1",pid="7",z="2"}': 2.0, '{pid="8"}': 1.0, '{a="1",pid="8",z="2"}': 2.0}


def test_an_exemplar_stays_with_its_series() -> None:
    exemplars = {'{a="1"}': {0: Exemplar("", 1.0, 1.0)}}
    table = Numbers(family=_family("counter", "per_process"), labels=['{a="1"}'], values=[1.0], exemplars=exemplars)

    (found,) = of_service([_snapshot(7, [table])], [], [], pytest.fail)

    assert list(found.exemplars) == found.labels == ['{a="1",pid="7"}']


@given(some.dictionaries(some.sampled_from(["a", "pic", "pidx", "z", "zz"]), some.text(alphabet='pid="\\\n,{}', max_size=9)))
def test_the_number_is_in_its_place_whatever_the_other_labels_hold(labels: dict[str, str]) -> None:
    table = _one(_family(across="per_process"), 1.0, rendered(labels))

    (found,) = of_service([_snapshot(7, [table])], [], [], pytest.fail)

    assert found.labels == [rendered({**labels, "pid": "7"})]


def test_a_label_pid_of_the_applications_own_stays() -> None:
    (found,) = of_service([_snapshot(7, [_one(_family(across="per_process"), 1.0, '{pid="1"}')])], [], [], pytest.fail)

    assert found.labels == ['{pid="1"}']


def test_the_value_that_changed_last_is_the_latest_whoever_published_last() -> None:
    family = _family(across="latest")
    early = _snapshot(1, [_one(family, 1.0)], published_at_s=50.0, changed_s={"m": [20.0]})
    late = _snapshot(2, [_one(family, 2.0)], published_at_s=60.0, changed_s={"m": [10.0]})

    assert _values(of_service([early, late], [], [], pytest.fail)) == {"": 1.0}


def test_of_values_that_changed_at_once_the_one_published_last_is_shown() -> None:
    family = _family(across="latest")
    snapshots = [
        _snapshot(1, [_one(family, 1.0)], published_at_s=60.0, changed_s={"m": [20.0]}),
        _snapshot(2, [_one(family, 2.0)], published_at_s=50.0, changed_s={"m": [20.0]}),
    ]

    assert _values(of_service(snapshots, [], [], pytest.fail)) == {"": 1.0}


def test_a_counter_that_all_read_alike_shows_only_the_series_that_there_still_are() -> None:
    family = _family("counter", "latest")
    past = Numbers(family=family, labels=['{disk="gone"}', '{disk="here"}'], values=[1.0, 9.0])

    found = of_service([_snapshot(1, [_one(family, 5.0, '{disk="here"}')])], [], [past], pytest.fail)

    assert _values(found) == {'{disk="here"}': 9.0}


def test_what_lives_says_what_kind_a_name_is() -> None:
    noted: list[str] = []
    before = _one(_family("counter"), 5.0)

    (found,) = of_service([_snapshot(2, [_one(_family(), 1.0)])], [], [before], lambda name, _what: noted.append(name))

    assert found.family.kind == "gauge"
    assert noted == ["m"]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], {}),
        ([{"a": "1", "pid": "1"}], {"a": "1", "pid": "1"}),
        ([{"a": "1", "pid": "1"}, {"pid": "2", "a": "1"}], {"a": "1"}),
        ([{"a": "1"}, {}], {}),
    ],
)
def test_of_resources_only_what_all_say_is_told(resources: list[dict[str, str]], expected: dict[str, str]) -> None:
    assert common_resource([_snapshot(pid, [], resource=resource) for pid, resource in enumerate(resources)]) == expected
