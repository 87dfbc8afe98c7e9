"""docs/configuration.md is what the settings say; its files mean the same, and its commands are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.page import as_markdown
from heliograph.settings.schema import json_schema
from heliograph.settings.section import Section
from heliograph.settings.sections import all_sections

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
COMMANDS = {
    "heliograph config show": "tracing.sample_rate",
    "heliograph config validate heliograph.yaml": "no faults",
    "heliograph config preset production": "jaeger",
    "heliograph config schema": '"$defs"',
}


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_is_what_the_settings_say() -> None:
    assert as_markdown() == PAGE, "run `make generate`"


def _paths(section: type[Section], above: str = "") -> list[str]:
    found = []
    for name, field in section.fields.items():
        found += _paths(field.kind.section, f"{above}{name}.") if field.kind.section is not None else [f"{above}{name}"]
    return found


@pytest.mark.parametrize("path", _paths(TelemetrySettings))
def test_every_setting_is_there_with_its_variable(path: str) -> None:
    assert f"\n| `{path}`<br>`HELIOGRAPH_{path.upper().replace('.', '__')}` | " in PAGE


def test_every_setting_of_what_is_listed_is_there_too() -> None:
    docs = {
        field.doc for section in all_sections(TelemetrySettings) for name, field in section.fields.items() if name != "type"
    }
    assert [doc for doc in docs if f"| {doc} |" not in PAGE and not _is_of_a_section(doc)] == []


def _is_of_a_section(doc: str) -> bool:
    """What is said of a section stands nowhere: its own settings do."""
    fields = (field for section in all_sections(TelemetrySettings) for field in section.fields.values() if field.doc == doc)
    return all(field.kind.section is not None for field in fields)


def test_every_link_leads_to_a_heading_or_a_page() -> None:
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    headings = {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}
    links = set(re.findall(r"\]\(([^)]+)\)", PAGE))
    assert {link for link in links if link.startswith("#")} <= {f"#{heading}" for heading in headings}
    assert all((Path(__file__).parents[2] / "docs" / link).is_file() for link in links if not link.startswith("#"))


def test_no_default_is_a_secret_or_a_fact_of_this_machine() -> None:
    assert str(Path.home()) not in PAGE
    assert "object at 0x" not in PAGE


def test_the_presets_are_there_value_by_value() -> None:
    rates = " | ".join(f"`{preset['tracing']['sample_rate']}`" for preset in PRESETS.values())
    assert f"| `tracing.sample_rate` | {rates} |" in PAGE


def test_the_three_files_of_the_page_mean_the_same(tmp_path: Path) -> None:
    yaml = re.search(r'"""\n(.*?)"""', _block("python"), re.DOTALL)
    assert yaml is not None
    files = {"yaml": yaml[1], "toml": _block("toml"), "json": _block("json")}
    meant = []
    for suffix, text in files.items():
        file = tmp_path / f"heliograph.{suffix}"
        file.write_text(text)
        meant.append(TelemetrySettings.load(file=file, environ={"STAGE": "test"}))
    assert meant[0] == meant[1] == meant[2]
    assert (meant[0].environment, meant[0].effective_server.port) == ("test", 0)
    schema = jsonschema.Draft202012Validator(json_schema())
    found: list[Any] = [json.loads(files["json"]), tomllib.loads(files["toml"])]
    assert all(schema.is_valid(each) for each in found)


@pytest.mark.parametrize(("command", "printed"), COMMANDS.items())
def test_a_command_of_the_page_runs(command: str, printed: str, tmp_path: Path) -> None:
    assert f"$ {command}\n" in PAGE
    (tmp_path / "heliograph.yaml").write_text("service_name: shop\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("HELIOGRAPH_", "OTEL_"))}
    ended = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, printed in ended.stdout, ended.stderr) == (0, True, "")


def test_the_page_promises_no_other_command() -> None:
    assert set(re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)) == set(COMMANDS)
