"""The commands of docs/installation.md, and what its tables say of pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "installation.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

_HERE = "pip install ."
_WHEEL = "make wheel"
_ELSEWHERE = "pip install dist/*.whl"
_VERSION = "heliograph --version"
_EXTRAS = 'pip install ".[fastapi,sqlalchemy]"'

# What is needed is here; pip says what it would install, without asking an index or building anything aside.
_PIP = {
    "PIP_DRY_RUN": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def _run(command: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**kept, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel is built from, in a folder where building may leave something."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tests" / "instrumentations").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "instrumentations" / "requirements.lock", folder / "tests" / "instrumentations")
    return folder


def test_the_page_has_these_commands() -> None:
    assert re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE) == [_HERE, _WHEEL, _ELSEWHERE, _VERSION, _EXTRAS]


@pytest.mark.parametrize("command", [_HERE, _EXTRAS])
def test_pip_takes_the_clone(command: str, clone: Path) -> None:
    ended = _run(f"python -m {command}", clone, **_PIP)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Would install heliograph" in ended.stdout


def test_pip_takes_the_wheel_that_make_builds(clone: Path) -> None:
    # The set-up was done by whoever runs this test.
    ready = f"VENV={sys.prefix}"
    made = _run(f"{_WHEEL} -o {sys.prefix}/.ready {ready}", clone)
    assert made.returncode == 0, made.stderr
    # heliograph is installed here already, which would be enough for pip.
    ended = _run(f"python -m {_ELSEWHERE}", clone, **_PIP, PIP_FORCE_REINSTALL="1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Would install heliograph" in ended.stdout


def test_the_command_says_its_version(tmp_path: Path) -> None:
    ended = _run(_VERSION, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"heliograph \d+\.\d+\.\d+\S*\n", ended.stdout)


def test_every_extra_is_in_the_table() -> None:
    table = PAGE.split("| extra | what it brings |")[1].split("\n\n")[0]
    shown = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    assert sorted(shown) == sorted(set(PROJECT["optional-dependencies"]) - {"dev"})


def test_every_dependency_is_in_the_table() -> None:
    table = PAGE.split("| package | for |")[1].split("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    shown = {
        f"opentelemetry{name}" if name.startswith("-") else name for cell in first for name in re.findall(r"`([\w-]+)`", cell)
    }
    assert shown == {re.split(r"[>=<]", dependency)[0] for dependency in PROJECT["dependencies"]}


def test_the_versions_of_python_are_those_of_the_project() -> None:
    said = set(re.findall(r"3\.\d+", PAGE.split("From a clone")[0]))
    classified = {name.split(" :: ")[-1] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)}
    assert said == classified
