"""docs/metrics.md is what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from heliograph.catalog.catalogue import BUILTIN
from heliograph.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_what_the_command_prints():
    printed = CliRunner().invoke(app, ["metrics", "list", "--markdown"]).stdout_bytes
    assert PAGE.read_bytes() == printed, "run `make generate`"


def test_the_page_names_every_metric_its_names_and_its_attributes():
    page = PAGE.read_text()
    for row in BUILTIN:
        line = next(line for line in page.splitlines() if line.startswith(f"| `{row.name}` |"))
        wanted = {row.pull_name, *(row.declared or ())} | ({row.otlp_name} if row.otlp_name != row.pull_name else set())
        assert all(f"`{name}`" in line for name in wanted), row.name
        assert all(f"| `{legacy.name}` | `{row.name}` |" in page for legacy in row.legacy), row.name
