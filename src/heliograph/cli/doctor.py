"""``heliograph doctor``: what is wrong with this set-up, why, and the fix."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.loading.load import load

if TYPE_CHECKING:
    from heliograph.doctor.finding import Finding


def doctor(
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Read this file, not the one that would be found.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
) -> None:
    """Send one span, one data point and one log record to each destination, and look at everything else that can go wrong.

    Run it where the application runs: as the same user, in the same container, folder and environment. Exits with 0 when
    nothing has to be done, 1 for warnings, 2 for errors.
    """
    # What the checks look at takes a while to load; other commands do not wait for it.
    from heliograph.doctor.finding import exit_code  # noqa: PLC0415
    from heliograph.doctor.report import as_json, as_text  # noqa: PLC0415

    _be_quiet()
    findings = _findings(file)
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(as_json(findings) if is_json else as_text(findings, is_coloured=is_coloured))
    sys.exit(exit_code(findings))


def _findings(file: str | None) -> list[Finding]:
    from heliograph.doctor.circumstances import Circumstances  # noqa: PLC0415  # likewise
    from heliograph.doctor.examination import examine, examine_without_settings, faults  # noqa: PLC0415

    folder = Path.cwd()
    try:
        loaded = load(file=file, environ=os.environ)
    except SettingsError as error:
        around = Circumstances(settings=TelemetrySettings(), environ=os.environ, folder=folder)
        return [*faults(error), *examine_without_settings(around)]
    mounts = ""
    with suppress(OSError):
        mounts = Path("/proc/self/mountinfo").read_text()
    return examine(
        Circumstances(
            settings=loaded.settings,
            environ=os.environ,
            folder=folder,
            file=loaded.file,
            notices=loaded.notices,
            source=lambda place: str(loaded.source(place)),
            mounts=mounts,
        )
    )


def _be_quiet() -> None:
    """What the parts would log, the findings say."""
    logging.getLogger("heliograph").addHandler(logging.NullHandler())
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when gRPC is loaded, which is later
