"""The demo on either recorder: tests that take ``demo`` run on both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.processes import Demo, free_port
from tests.support.recorded import RECORDERS


class OfficialDemo(Demo):
    """The same demo with the recorder ``opentelemetry-sdk``."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = [sys.executable, str(Path(__file__).with_name("demo_program.py")), "opentelemetry-sdk"]
        self._process = subprocess.Popen(
            [*program, "--port", str(self.port), "--directory", str(folder / "demo"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(params=RECORDERS)
def recorder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def demo(recorder: str, tmp_path: Path) -> Callable[..., Demo]:
    """Start the demo with these arguments; what it writes is below ``tmp_path``."""
    return partial(Demo if recorder == "native" else OfficialDemo, tmp_path)
