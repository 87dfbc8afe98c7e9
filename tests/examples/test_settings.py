"""The settings of every example: without a fault, without anything that has no effect, and listed with their sources."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from heliograph.cli.app import app
from tests.examples.workspace import EXAMPLES

FILES = sorted(
    path
    for path in EXAMPLES.glob("*/*")
    if path.name == "heliograph.yaml" or (path.name == "pyproject.toml" and "[tool.heliograph]" in path.read_text())
)


def test_every_example_has_a_file_of_settings_and_a_line_in_the_overview() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert {path.parent.name for path in FILES} == folders
    overview = (EXAMPLES / "README.md").read_text()
    assert {name for name in folders if f"| [{name}]({name}) |" in overview} == folders


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_settings_of_an_example_are_valid(path) -> None:
    ended = CliRunner().invoke(app, ["config", "validate", str(path)])
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_each_setting_of_an_example_is_listed_as_from_its_file(path) -> None:
    ended = CliRunner().invoke(app, ["config", "show", "--json", "--file", str(path)], env={"HELIOGRAPH_ENABLED": None})
    assert ended.exit_code == 0, ended.output
    listed = json.loads(ended.output)
    assert listed["notices"] == []
    assert {row["source"]["kind"] for row in listed["settings"].values()} == {"file", "default"}
