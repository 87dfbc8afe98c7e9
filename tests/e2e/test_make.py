"""`make demo`, as the README gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Demo, needed

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # An outer make leaves its flags and variables in the environment.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_make_demo_runs_to_its_summary_and_exits_with_0(tmp_path: Path) -> None:
    virtual_environment = Path(sys.prefix)
    # The set-up was done by whoever runs this test; here is shown that the command as it stands runs the demo with it.
    venv = f"VENV={virtual_environment}"
    ended = make("-o", f"{virtual_environment}/.ready", "demo", venv, f"ARGS=--duration 2 --port 0 --directory {tmp_path}")
    assert ended.returncode == 0, ended.stderr
    assert "all that was made was delivered" in ended.stdout
    assert "/metrics" in ended.stdout


def test_make_help_shows_the_two_commands() -> None:
    shown = make("help").stdout
    assert "demo" in shown
    assert "test" in shown


def test_curl_reads_metrics_and_health_while_the_demo_runs(tmp_path: Path) -> None:
    curl = needed("curl")
    with Demo(tmp_path, "--duration", "3") as demo:
        demo.wait_until_serving()
        for path in ("/metrics", "/health"):
            ended = subprocess.run([curl, "-sf", demo.url + path], capture_output=True, timeout=10, check=False)
            assert ended.returncode == 0
            assert ended.stdout
