"""docs/environment.md is what the table of variables says, and what it shows works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph.settings.loading.load import load
from heliograph.settings.loading.opentelemetry_page import as_markdown
from heliograph.settings.loading.opentelemetry_reading import VARIABLES

PAGE = (Path(__file__).parents[2] / "docs" / "environment.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_is_what_the_variables_say():
    assert as_markdown() == PAGE, "run `make generate`"


@pytest.mark.parametrize("name", [row.name for row in VARIABLES])
def test_every_variable_stands_in_one_row_of_a_table(name: str):
    assert len(re.findall(rf"^\|[^|\n]*`{re.escape(name)}`", PAGE, re.MULTILINE)) == 1


def test_every_setting_that_a_row_names_is_told_by_its_path():
    for row in VARIABLES:
        for place in row.places:
            path = ".".join(map(str, place[3:] if len(place) > 3 and "exporters" in place else place))
            assert re.search(rf"^\|[^|\n]*`{row.name}`[^|\n]*\|[^|\n]*`{path}`", PAGE, re.MULTILINE), (row.name, path)


def test_the_example_runs_as_it_stands(tmp_path: Path):
    script = [sys.executable, "-W", "error", "-c", _block("python")]
    done = subprocess.run(script, cwd=tmp_path, env={}, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "checkout 0.1 http://collector:4318\n"


def test_the_file_means_what_the_page_says_of_it(tmp_path: Path):
    path = tmp_path / "otel.yaml"
    path.write_text(_block("yaml"))
    loaded = load(environ={"OTEL_CONFIG_FILE": str(path)})
    assert (loaded.settings.service_name, loaded.settings.tracing.sample_rate) == ("checkout", 0.1)
    assert (loaded.settings.metrics.enabled, loaded.settings.propagators, loaded.notices) == (False, ("none",), ())
