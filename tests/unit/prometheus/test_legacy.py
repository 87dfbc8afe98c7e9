"""Metrics under their older names: the same values in the older unit, and only the series that the older name had."""

from __future__ import annotations

import pytest

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import LegacyName, Metric
from heliograph.prometheus.legacy import with_legacy
from heliograph.prometheus.table import Exemplar, Exponential, Exponentials, Family, Histograms, Numbers, Table

NOTES: list[tuple[str, str]] = []


def older(table: Table, *legacy: LegacyName) -> list[Table]:
    """The tables that are made beside ``table``."""
    NOTES.clear()
    row = Metric(name=table.family.instrument, kind=table.family.kind, unit="s", legacy=legacy)  # type: ignore[arg-type]
    tables = with_legacy([table], Catalogue([row]), lambda name, reason: NOTES.append((name, reason)))
    assert tables[0] is table
    return tables[1:]


def family(kind: str = "gauge", name: str = "the_metric_seconds") -> Family:
    return Family(name=name, kind=kind, unit="seconds", description="What it is.", instrument="the.metric")  # type: ignore[arg-type]


def test_a_histogram_has_its_bounds_sum_and_exemplars_in_the_older_unit() -> None:
    table = Histograms(
        family=family("histogram"),
        bounds=(0.5, 2.0),
        labels=['{k="v"}'],
        counts=[[1, 2, 3]],
        sums=[7.5],
        created_s=[5.0],
        exemplars={'{k="v"}': {1: Exemplar("{}", 1.5, 6.0)}},
    )
    (found,) = older(table, LegacyName(name="video_processing_duration_ms", factor=1000))
    assert isinstance(found, Histograms)
    assert (found.family.name, found.family.unit) == ("video_processing_duration_ms", "")
    assert (found.bounds, found.counts, found.sums, found.created_s) == ((500, 2000), [[1, 2, 3]], [7500], [5.0])
    assert found.exemplars == {'{k="v"}': {1: Exemplar("{}", 1500, 6.0)}}


def test_series_are_chosen_by_an_attribute_which_goes_and_those_that_are_the_same_then_are_added_up() -> None:
    table = Numbers(
        family=family(),
        labels=['{cpu_mode="user",k="a\\"b,c"}', '{cpu_mode="system",k="a\\"b,c"}', '{cpu_mode="idle",k="a\\"b,c"}', ""],
        values=[0.25, 0.5, 0.125, 9.0],
    )
    (found,) = older(table, LegacyName(name="system_cpu_usage_percent", factor=100, where={"cpu.mode": ("user", "system")}))
    assert isinstance(found, Numbers)
    assert (found.labels, found.values) == (['{k="a\\"b,c"}'], [75.0])


def test_attributes_that_the_older_name_did_not_have_go_and_nothing_is_left_of_the_only_one() -> None:
    table = Numbers(family=family(), labels=['{a="1",b="2"}', '{a="1"}'], values=[1.0, 2.0])
    (found,) = older(table, LegacyName(name="older", without=("b", "a")))
    assert isinstance(found, Numbers)
    assert (found.labels, found.values) == ([""], [3.0])


@pytest.mark.parametrize(
    ("kind", "name", "expected"), [("counter", "bytes_sent_total", "bytes_sent"), ("unknown", "bytes_sent", "bytes_sent")]
)
def test_a_counter_may_be_said_to_be_what_its_older_name_was(kind: str, name: str, expected: str) -> None:
    table = Numbers(family=family("counter"), labels=[""], values=[3.0], created_s=[1.0])
    (found,) = older(table, LegacyName(name=name, kind=kind))  # type: ignore[arg-type]
    assert (found.family.name, found.family.kind) == (expected, kind)
    assert found.created_s == ([1.0] if kind == "counter" else [])


def test_an_older_name_that_a_metric_of_today_has_gives_it_one_more_series() -> None:
    table = Numbers(family=family(), labels=['{state="used"}', '{state="free"}'], values=[3.0, 5.0])
    legacy = (LegacyName(name="the_metric_seconds", where={"state": ("used",)}),)
    row = Metric(name="the.metric", kind="gauge", unit="s", legacy=legacy)
    (found,) = with_legacy([table], Catalogue([row]), lambda name, reason: NOTES.append((name, reason)))
    assert isinstance(found, Numbers)
    assert dict(zip(found.labels, found.values, strict=True)) == {'{state="used"}': 3.0, '{state="free"}': 5.0, "": 3.0}


@pytest.mark.parametrize("row", [{"kind": "counter", "unit": "s"}, {"kind": "gauge", "unit": "ms"}])
def test_a_metric_of_another_kind_or_unit_than_its_row_has_no_older_name(row: dict[str, str]) -> None:
    table = Numbers(family=family(), labels=[""], values=[5.0])
    catalogue = Catalogue([Metric(name="the.metric", legacy=(LegacyName(name="older", factor=1000),), **row)])  # type: ignore[arg-type]
    assert with_legacy([table], catalogue, lambda *_note: None) == [table]


def test_a_metric_without_older_names_has_none_and_one_with_several_has_all() -> None:
    table = Numbers(family=family(), labels=['{check="database"}', '{check="disk"}'], values=[1.0, 3.0])
    assert older(table) == []
    names = [LegacyName(name=f"{check}_health_status", where={"check": (check,)}) for check in ("database", "disk", "ffmpeg")]
    found = older(table, *names)
    assert {t.family.name: t.values for t in found if isinstance(t, Numbers) and t.labels} == {
        "database_health_status": [1.0],
        "disk_health_status": [3.0],
    }


def test_an_exponential_histogram_has_no_older_name_which_is_noted() -> None:
    series = Exponential(scale=0, zero_count=1, positive={}, negative={}, sum=0.0)
    table = Exponentials(family=family("histogram"), labels=[""], series=[series])
    assert older(table, LegacyName(name="older", factor=1000)) == []
    assert [name for name, _reason in NOTES] == ["older"]
