"""``heliograph metrics list``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from heliograph.catalog.catalogue import BUILTIN
from heliograph.cli.app import app

OWN = {"metrics": {"catalogue": [{"name": "basket.value", "kind": "histogram", "unit": "{EUR}", "group": "shop"}]}}


def run(*arguments):
    return CliRunner().invoke(app, ["metrics", "list", *map(str, arguments)])


@pytest.fixture
def settings_file(tmp_path):
    def write(content):
        path = tmp_path / "settings.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_it_lists_every_metric_by_group():
    ended = run()
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0] == "HTTP"
    assert lines[1].split() == ["NAME", "KIND", "UNIT", "ON", "/METRICS", "DESCRIPTION"]
    (hits,) = [line for line in lines if line.startswith("cache.hits ")]
    assert hits.split(maxsplit=4) == [
        "cache.hits",
        "counter",
        "{lookup}",
        "cache_hits_total",
        "Look-ups that found their entry.",
    ]
    assert {row.name for row in BUILTIN} <= {line.split()[0] for line in lines if line}


def test_json_has_every_field():
    found = {row["name"]: row for row in json.loads(run("--json").output)}
    assert set(found) == {row.name for row in BUILTIN}
    assert found["worker.pool.utilization"] == {
        "name": "worker.pool.utilization",
        "kind": "gauge",
        "unit": "1",
        "description": "Share of workers that are busy, from 0 to 1.",
        "group": "worker",
        "stability": "development",
        "pull_name": "worker_pool_utilization",
        "otlp_name": "worker_pool_utilization_ratio",
        "attributes": [{"name": "worker.pool.name", "cardinality": 20, "description": ""}],
        "buckets": None,
        "across": "per_process",
        "starts_at_zero": False,
        "legacy": [],
    }
    assert found["encoding.speed"]["legacy"] == [
        {"name": "encoding_speed_fps", "factor": 1.0, "where": {}, "without": [], "kind": None}
    ]


@pytest.mark.parametrize("content", [OWN, {"telemetry": OWN}])
def test_a_file_of_settings_adds_its_rows(settings_file, content):
    assert "\nSHOP\n" in run("--file", settings_file(content)).output
    assert json.loads(run("--json", "--file", settings_file(content)).output)[-1]["pull_name"] == "basket_value"


def test_the_file_may_be_of_any_format(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(
        '[[telemetry.metrics.catalogue]]\nname = "basket.value"\nkind = "histogram"\nunit = "{EUR}"\ngroup = "shop"\n'
    )
    assert "\nSHOP\n" in run("--file", path).output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "settings.json:1: file: given what is no JSON"),
        ("[]", "settings.json:1: file: given a list, expected a mapping of settings"),
        ({"metrics": {"catalogue": [{"name": "a", "kind": "sum"}]}}, "metrics.catalogue[0].kind: given 'sum'"),
    ],
)
def test_a_file_that_does_not_fit_ends_it_in_words(settings_file, content, said):
    ended = run("--file", settings_file(content))
    assert ended.exit_code == 2
    assert said in ended.output


def test_a_file_that_is_not_there_ends_it_in_words(tmp_path):
    assert run("--file", tmp_path / "none.json").exit_code == 2


def test_it_is_either_json_or_markdown():
    assert run("--json", "--markdown").exit_code == 2
