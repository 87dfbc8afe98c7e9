"""The environment in which a program runs with telemetry. Called by ``cli/exec.py``.

Python imports a module ``sitecustomize`` at its start, if it finds one: the folder ``site`` has one, and goes to the front of
``PYTHONPATH``. Every Python below the program inherits that. The rest are variables that the settings are read from anyway.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SITE: Final = Path(__file__).with_name("site")
STRICT: Final = "_HELIOGRAPH_EXEC_STRICT"
STARTED_BY: Final = "_HELIOGRAPH_EXEC_STARTED_BY"  # the process that has telemetry, for those below it

_PATH: Final = "PYTHONPATH"
_LEFT_OUT: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def environment(
    environ: Mapping[str, str],
    *,
    file: Path | None = None,
    service_name: str | None = None,
    exclude: Sequence[str] = (),
    is_strict: bool = False,
) -> dict[str, str]:
    """``environ`` as the program gets it. ``file`` is the file of settings, ``exclude`` names libraries to be left alone."""
    changed = dict(environ)
    above = [folder for folder in environ.get(_PATH, "").split(os.pathsep) if folder and folder != str(SITE)]
    changed[_PATH] = os.pathsep.join([str(SITE), *above])
    changed.pop(STARTED_BY, None)
    if file is not None:
        changed["HELIOGRAPH_CONFIG_FILE"] = str(file.absolute())
    if service_name is not None:
        changed["HELIOGRAPH_SERVICE_NAME"] = service_name
    if exclude:
        changed[_LEFT_OUT] = ",".join([*filter(None, [environ.get(_LEFT_OUT)]), *exclude])
    if is_strict:
        changed[STRICT] = "true"
    return changed
