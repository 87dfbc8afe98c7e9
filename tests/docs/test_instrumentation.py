"""docs/instrumentation.md says what there is: its table of libraries, and its command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from heliograph.instrumentation.probes import USUAL
from heliograph.instrumentation.table import ROWS
from tests.support.interpreter import own_environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "instrumentation.md").read_text()
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_table_has_a_row_for_each_library() -> None:
    rows = [
        f"| `{row.name}` | {f'`{row.extra}`' if row.extra else 'none needed'} | "
        f"{f'`{row.package}`' if row.package else 'heliograph itself'} | True{f', the {row.target}' if row.target else ''} |"
        for row in ROWS
    ]
    assert re.findall(r"^\| `.*", PAGE.split("<!-- libraries -->")[1].split("\n\n")[0], re.MULTILINE) == rows


def test_the_libraries_stand_in_the_order_of_their_names() -> None:
    assert [row.name for row in ROWS] == sorted(row.name for row in ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.extra], ids=lambda row: row.name)
def test_each_extra_installs_the_package(row: object) -> None:
    assert any(str(needed).startswith(f"{row.package}>") for needed in EXTRAS[row.extra])  # type: ignore[attr-defined]


def test_the_probes_are_all_named() -> None:
    assert all(f"`{path}`" in PAGE for path in USUAL)


def test_the_command_runs(tmp_path: Path) -> None:
    command = "heliograph exec --service-name shop -- python app.py"
    assert f"$ {command}\n" in PAGE
    (tmp_path / "app.py").write_text(
        "from heliograph import TelemetryManager\nprint(TelemetryManager.current().settings.service_name)\n"
    )
    folder = str(Path(sys.executable).parent)
    ran = subprocess.run(
        command.split(),
        cwd=tmp_path,
        env=own_environment({"PATH": os.pathsep.join([folder, os.environ["PATH"]]), "HELIOGRAPH_SERVER__PORT": "0"}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "shop\n", "")
