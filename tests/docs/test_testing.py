"""docs/testing.md: its test files pass under pytest, and its tables name what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph.testing import captured

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TEST_FILES = [snippet for snippet in SNIPPETS if "pytest.main" in snippet]


def test_the_test_files_pass_where_nobody_has_asked_for_telemetry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELIOGRAPH_ENABLED")
    assert len(TEST_FILES) == 5
    for number, snippet in enumerate(TEST_FILES):
        (tmp_path / f"test_{number}.py").write_text(snippet)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"\b21 passed", ended.stdout), ended.stdout


def test_the_report_of_a_failure_is_the_one_shown(tmp_path: Path) -> None:
    shown = re.search(r"^```\n-+ Recorded telemetry -+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown is not None
    failing = TEST_FILES[0].replace('assert "order.placed" not in telemetry.events', "assert False")
    (tmp_path / "test_shop.py").write_text(failing)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert shown[1] in ended.stdout


def test_every_name_of_the_tables_is_there() -> None:
    with captured() as telemetry:
        with telemetry.span("work"):
            telemetry.event("happened")
        telemetry.gauge("level").set(1)
        subjects = {
            "`telemetry.spans`": telemetry.spans,
            "a span": telemetry.spans["work"],
            "`telemetry.events`, `telemetry.logs`": telemetry.events["happened"],
            '`telemetry.counter("orders")`': telemetry.counter("orders"),
            '`telemetry.gauge("level")`': telemetry.gauge("level"),
            '`telemetry.histogram("latency")`': telemetry.histogram("latency"),
            "any of these three": telemetry.counter("orders"),
        }
        for head, subject in subjects.items():
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| {head} |"))
            names = re.findall(r"`\.(\w+)", row)
            assert names
            assert [name for name in names if not hasattr(subject, name)] == []
        clock_names = re.findall(r"^\| `clock\.(\w+)", PAGE, re.MULTILINE)
        assert len(clock_names) == 5
        assert [name for name in clock_names if not hasattr(telemetry.clock, name)] == []
