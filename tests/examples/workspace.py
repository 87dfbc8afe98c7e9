"""An example at work: a copy of its folder, the environment of its commands, and the commands that its README names.

Called by the tests of the examples. Commands run as a reader would type them, in a shell, but for the ports.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.interpreter import own_environment
from tests.support.processes import free_port
from tests.support.waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"
# pip says what it would install, and needs no network for it: what is named must be here, in whatever version is locked.
_PIP = {
    "PIP_DRY_RUN": "1",
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Running:
    """A command that runs; what it writes is in files."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self._process = process
        self._out, self._err = out, err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Wait for what this command brings about; fails at once, with what it wrote, when it ends instead."""
        until(lambda: condition() or self._process.poll() is not None, timeout_s=timeout_s)
        assert self._process.poll() is None, f"{self.out}\n{self.err}"

    def end(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 20.0) -> Ended:
        """Send a signal, wait for the end. As Ctrl-C does, SIGINT goes to the processes that the command started as well."""
        if number == signal.SIGINT:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        code = self._process.wait(timeout_s)
        return Ended(code=code, out=self.out, err=self.err)


class Workspace:
    """A copy of the example ``name`` below ``folder``. ``ports`` are those that its files and commands name; each stands for a
    free one."""

    def __init__(self, name: str, folder: Path, *ports: int, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("__pycache__", ".heliograph", "*.db"))
        self._ports = {port: free_port() for port in ports}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = own_environment(
            {"PATH": programs, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1", **(environ or {})}
        )
        self._count = 0
        readme = (EXAMPLES / name / "README.md").read_text()
        self.commands = re.findall(r"^\$ (.*)$", readme, re.MULTILINE)

    def here(self, text: str) -> str:
        """``text`` with the ports that are ours instead of those it names."""
        return re.sub(r"\b\d{4,5}\b", lambda found: str(self._ports.get(int(found[0]), found[0])), text)

    def run(self, command: str, timeout_s: float = 60.0) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            ["sh", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def install(self, command: str) -> Ended:
        """Run a ``pip install`` of the README where it says, as far as pip goes without a network."""
        done = subprocess.run(
            ["sh", "-c", f"exec python -m {command}"],
            cwd=EXAMPLES / self.folder.name,
            env={**self.environ, **_PIP, "PYTHONWARNINGS": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    @contextlib.contextmanager
    def running(self, command: str) -> Iterator[Running]:
        """Start a command; it, and what it started, is killed when the block ends and it still runs."""
        self._count += 1
        out, err = (self.folder.parent / f"{self._count}.{name}" for name in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                ["sh", "-c", f"exec env {self.here(command)}"],
                cwd=self.folder,
                env=self.environ,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
            )
            try:
                yield Running(process, out, err)
            finally:
                if process.poll() is None:
                    process.terminate()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(10)
                with contextlib.suppress(ProcessLookupError):  # all have ended, as they should
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
