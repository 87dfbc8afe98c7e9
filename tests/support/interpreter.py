"""Runs a piece of Python in an interpreter of its own, for what can happen only once in a process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping

# Sections that scripts switch off when they are not about them.
PREAMBLE = """
QUIET = {"server": {"enabled": False}, "health": {"enabled": False}, "system": {"enabled": False}}
"""


def own_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**kept, **(extra or {})}


def start_script(code: str, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start ``code`` with ``arguments`` as ``sys.argv[1:]``; warnings are errors there too."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(code), *arguments],
        env=own_environment(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_script(
    code: str, *arguments: str, environ: Mapping[str, str] | None = None, expected_code: int = 0, timeout_s: float = 20.0
) -> tuple[str, str]:
    """Run ``code`` to its end; returns what it wrote to standard output and standard error."""
    process = start_script(code, *arguments, environ=environ)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the script did not end within {timeout_s} s\n{out}\n{err}") from None
    assert process.returncode == expected_code, f"exit code {process.returncode}\n{out}\n{err}"
    return out, err
