"""Every command and snippet of the README and of the pages in docs/ is run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text() for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
SNIPPETS = [
    pytest.param(snippet, id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, snippet in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
]
QUICK_START = re.findall(r"^```python\n(.*?)^```", PAGES["README.md"], re.MULTILINE | re.DOTALL)[0]
COMMANDS = {command for text in PAGES.values() for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE)}

# tests/e2e/test_make.py runs the demo and curl with ports and folders of its own; `make test` is what runs this, and
# `pip install .` what set up the interpreter that runs this.
RUN_IN_PARTS = {
    "make demo",
    "make test",
    "pip install .",
    "curl http://127.0.0.1:9464/metrics",
    "curl http://127.0.0.1:9464/health",
}


def run(snippet: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "shop.py"
    program.write_text(snippet)
    return subprocess.run(
        [sys.executable, "-W", "error", str(program)], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_runs_as_it_stands(snippet: str, tmp_path: Path) -> None:
    ended = run(snippet, tmp_path)
    assert (ended.returncode, ended.stdout != "") == (0, True), ended.stderr


def test_the_quick_start_has_15_lines_and_prints_what_the_readme_shows(tmp_path: Path) -> None:
    assert len([line for line in QUICK_START.splitlines() if line]) <= 15
    printed = run(QUICK_START, tmp_path).stdout.splitlines()
    assert printed[0].startswith("one lamp - now look at http://127.0.0.1:")
    spans = [re.sub(r"[0-9.]+ms.*", "", line).split(" ", 2)[2].strip() for line in printed[1:]]
    assert spans == ["check stock", "__main__.take_order"]


def test_every_command_of_the_pages_is_run_by_a_test() -> None:
    tests = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    not_run = {command for command in COMMANDS - RUN_IN_PARTS if not any(command in test for test in tests)}
    assert not not_run


def test_the_figures_of_the_readme_are_those_of_the_committed_results() -> None:
    rows = json.loads((ROOT / "benchmarks" / "results" / "latest.json").read_text())["rows"]
    measured = {_number(value) for row in rows for value in (row["ours"], row["peer"]) if value is not None}
    section = PAGES["README.md"].split("## Measured")[1].split("## Licence")[0]
    shown = re.findall(r"([0-9.,]+) (?:us|KiB|MB/s|ms)\b", section)
    assert len(shown) == 30
    assert set(shown) <= measured


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
