"""The commands and code of docs/opentelemetry.md that its snippets do not run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.examples.received import outline
from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import http_receiver

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "opentelemetry.md").read_text()

_EXECUTE = "heliograph exec --service-name shop -- python app.py"

# Knows nothing of heliograph.
_PROGRAM = """
import sqlite3

from opentelemetry import trace

with trace.get_tracer("app").start_as_current_span("order"):
    sqlite3.connect(":memory:").cursor().execute("SELECT 1")
"""


def test_the_page_has_this_command() -> None:
    assert re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE) == [_EXECUTE]


def test_a_program_that_knows_nothing_of_telemetry_is_run_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_PROGRAM)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with http_receiver() as receiver:
        environ = own_environment({"PATH": path, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "HELIOGRAPH_SERVER__PORT": "0"})
        ended = subprocess.run(
            ["sh", "-c", _EXECUTE], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        assert outline(receiver) == ["shop: order INTERNAL", "  shop: SELECT CLIENT"]


def test_what_is_to_be_replaced_is_a_program_that_names_what_the_sdk_has() -> None:
    (old,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    used = {node.id for node in ast.walk(ast.parse(old)) if isinstance(node, ast.Name)}
    assert {"TracerProvider", "MeterProvider", "LoggerProvider", "BatchSpanProcessor", "FastAPIInstrumentor"} <= used
