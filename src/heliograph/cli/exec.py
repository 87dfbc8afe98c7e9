"""``heliograph exec``: runs a program with telemetry, without a change to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from heliograph.integrations.exec.command import environment

# As shells say it.
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126


def execute(
    command: Annotated[list[str], typer.Argument(metavar="PROGRAM [ARGUMENT]...", help="The program, as you start it.")],
    file: Annotated[
        Path | None, typer.Option("--file", metavar="SETTINGS", help="The file of settings.", exists=True, dir_okay=False)
    ] = None,
    service_name: Annotated[str | None, typer.Option("--service-name", metavar="NAME", help="The service's name.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="LIBRARY", help="Leave this library alone; several times.")
    ] = None,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Do not start the program when telemetry cannot be started.")
    ] = False,
) -> None:
    """Run a Python program with telemetry, unmodified, as in: heliograph exec -- python app.py.

    Settings come from the environment and from a file. Every installed library is instrumented. The program takes the place
    of this command: its exit code and the signals it gets are its own.
    """
    changed = environment(os.environ, file=file, service_name=service_name, exclude=exclude or (), is_strict=is_strict)
    try:
        os.execvpe(command[0], command, changed)  # noqa: S606  # what the user asked to run
    except FileNotFoundError:
        code, problem = _NOT_FOUND, "there is no such program"
    except OSError as error:
        code, problem = _NOT_EXECUTABLE, str(error.strerror)
    typer.echo(f"heliograph exec: cannot run {command[0]!r}: {problem}", err=True)
    sys.exit(code)
