"""Imported by Python at its start, below ``heliograph exec``: the environment's own ``sitecustomize`` first, then telemetry.

Kept so that it can run in any Python that finds it, heliograph installed there or not.
"""  # noqa: INP001  # its folder is on the path of programs; it is no package

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def _elsewhere() -> list[str]:
    """The path without this folder, which the program is not to see."""
    here = Path(__file__).resolve().parent
    return [folder for folder in sys.path if Path(folder).resolve() != here]


def _run_other() -> None:
    """The ``sitecustomize`` that this one stands in front of. What it raises is Python's to say, as ever."""
    spec = PathFinder.find_spec(__name__, sys.path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[__name__] = module
        spec.loader.exec_module(module)


def _start_telemetry() -> None:
    try:
        from heliograph.integrations.exec.startup import main  # noqa: PLC0415  # maybe not installed in this Python
    except Exception as error:  # anything: the program comes first
        if sys.stderr is not None:
            print(f"heliograph exec: telemetry is off in {sys.executable}: {error}", file=sys.stderr, flush=True)
    else:
        main()


sys.path[:] = _elsewhere()
try:
    _run_other()
finally:
    _start_telemetry()
