"""Which file the settings are read from. Called by `load.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

NAMES: Final = ("heliograph.yaml", "heliograph.yml", "heliograph.toml", "heliograph.json", "pyproject.toml")
"""Looked for in this order where no file is named."""

_OURS: Final = "HELIOGRAPH_CONFIG_FILE"
_OPENTELEMETRYS: Final = "OTEL_CONFIG_FILE"
_MAY_BE_OURS: Final = r"""^\s*\[{0,2}\s*["']?tool["']?\s*(\]|\.\s*["']?heliograph)"""


class Choice(NamedTuple):
    """A file to read: ``shown`` is its name as people know it, ``where`` who named it. ``is_declarative`` when it must be one
    of OpenTelemetry's."""

    path: Path
    shown: str
    where: str | None = None
    is_declarative: bool = False
    notices: tuple[str, ...] = ()


def chosen_file(file: str | Path | None, environ: Mapping[str, str], folder: Path) -> Choice | None:
    """The file that is named by the argument or a variable, else the first of :data:`NAMES` in ``folder``."""
    if file is not None:
        return Choice(path=folder / file, shown=str(file))
    ours, theirs = environ.get(_OURS, "").strip(), environ.get(_OPENTELEMETRYS, "").strip()
    if ours:
        both = f"{_OPENTELEMETRYS} is ignored, since {_OURS} is set; unset one of them"
        return Choice(path=folder / ours, shown=ours, where=_OURS, notices=(both,) if theirs else ())
    if theirs:
        return Choice(path=folder / theirs, shown=theirs, where=_OPENTELEMETRYS, is_declarative=True)
    found = [name for name in NAMES if _is_there(folder / name)]
    if not found:
        return None
    first, *others = found
    beside = tuple(
        f"{other} is ignored, since {first} is read; remove one of them, or name the one to read in {_OURS}"
        for other in others
    )
    return Choice(path=folder / first, shown=first, notices=beside)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() and (path.name != "pyproject.toml" or _has_our_table(path.read_text("utf-8", "replace")))
    except OSError:  # a folder that may not be looked into has no file for us
        return False


def _has_our_table(text: str) -> bool:
    if not re.search(_MAY_BE_OURS, text, re.MULTILINE):
        return False
    import tomllib  # 3 ms that a start without such a file does not pay  # noqa: PLC0415

    try:
        found = tomllib.loads(text).get("tool", {})
    except ValueError:
        return True  # it will be said what is wrong with it
    return isinstance(found, dict) and "heliograph" in found
