"""All checks together, and what they found as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.examination import CHECKS, examine, faults
from heliograph.doctor.finding import Finding, Severity, exit_code
from heliograph.doctor.report import as_json, as_text
from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.loading.load import load

Around = Callable[..., Circumstances]
OK = Finding(severity=Severity.OK, check="port", what="fine")
INFO = Finding(severity=Severity.INFO, check="port", what="a fact", why="so", fix="nothing")
WARNING = Finding(severity=Severity.WARNING, check="clock", what="late", why="the clock", fix="set it")
ERROR = Finding(severity=Severity.ERROR, check="destination", what="gone", why="refused", fix="start it")


def test_every_check_of_the_table_has_a_name_of_its_own() -> None:
    names = [name for name, _check in CHECKS]
    assert len(set(names)) == len(names) == 8


def test_a_check_that_fails_costs_no_other(around: Around) -> None:
    def refuse(_place: object) -> str:
        raise RuntimeError("no source")

    found = examine(replace(around(server={"port": 0}, tracing={"enabled": False}), source=refuse))
    (failed,) = [finding for finding in found if "itself failed" in finding.what]
    assert (failed.severity, failed.check, failed.why) == (Severity.WARNING, "switches", "RuntimeError: no source.")
    assert "versions" in {finding.check for finding in found}


def test_what_is_set_and_ignored_is_a_warning(around: Around) -> None:
    found = examine(replace(around(), notices=("OTEL_FOO is ignored",)), only=["settings"])
    assert [(finding.severity, finding.what) for finding in found] == [(Severity.WARNING, "OTEL_FOO is ignored")]


def test_each_fault_of_the_settings_is_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(tracing={"sample_rate": 7, "exporters": ["nowhere"]})
    found = faults(caught.value)
    assert [finding.severity for finding in found] == [Severity.ERROR] * 2
    assert found[0].what.startswith("tracing.sample_rate: given 7")
    assert found[0].fix == "correct tracing.sample_rate"


@pytest.mark.parametrize(
    ("content", "fix"),
    [
        ("tracing: {sample_rate: 7}", "correct tracing.sample_rate (heliograph.yaml:1)"),
        ("tracing: [", "correct heliograph.yaml:1"),
        (None, "correct the name of the file"),
    ],
)
def test_the_fix_of_a_fault_says_where(content: str | None, fix: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "heliograph.yaml").write_text(content)
    with pytest.raises(SettingsError) as caught:
        load(file="heliograph.yaml" if content else "nowhere.yaml", folder=tmp_path)
    assert [finding.fix for finding in faults(caught.value)] == [fix]


@pytest.mark.parametrize(
    ("findings", "code"),
    [([], 0), ([OK, INFO], 0), ([OK, WARNING, INFO], 1), ([ERROR, WARNING], 2), ([WARNING, ERROR, OK], 2)],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_text_has_one_line_a_finding_with_cause_and_fix_below_what_is_wrong() -> None:
    assert as_text([OK, INFO, WARNING, ERROR]).splitlines() == [
        "ok       fine",
        "info     a fact",
        "warning  late",
        "         why: the clock",
        "         fix: set it",
        "error    gone",
        "         why: refused",
        "         fix: start it",
        "",
        "1 error and 1 warning; 1 ok",
    ]
    assert as_text([OK]).splitlines()[-1] == "nothing is wrong"
    assert as_text([ERROR], is_coloured=True).startswith("\x1b[31merror")


def test_json_has_everything() -> None:
    said = json.loads(as_json([ERROR, OK]))
    assert said["exit_code"] == 2
    assert said["findings"][0] == {
        "severity": "error",
        "check": "destination",
        "what": "gone",
        "why": "refused",
        "fix": "start it",
    }
