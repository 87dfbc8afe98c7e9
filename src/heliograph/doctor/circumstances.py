"""What a check looks at: the settings and where they come from, the environment, the folder, the clock.

Built by `examination.py` from what was loaded; given to every check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heliograph.clock import Clock, SystemClock
from heliograph.settings import TelemetrySettings

Place = tuple[str | int, ...]


def _unknown(_place: Place) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """``file`` is the one that the settings were read from, if one was. ``source`` says where a setting comes from, in words
    (``file heliograph.yaml:12``); empty where nobody knows. ``notices`` are what loading the settings had to say. ``mounts``
    is Linux's table of mounts, empty elsewhere."""

    settings: TelemetrySettings
    environ: Mapping[str, str]
    folder: Path
    file: Path | None = None
    notices: tuple[str, ...] = ()
    source: Callable[[Place], str] = _unknown
    mounts: str = ""
    clock: Clock = field(default_factory=SystemClock)

    def named(self, place: Place) -> str:
        """The path of a setting, and where its value comes from."""
        return self.sourced(path_of(place), place)

    def sourced(self, shown: str, place: Place) -> str:
        """``shown``, and where the setting at ``place`` comes from; nothing more for a default."""
        source = self.source(place)
        return shown if source in ("", "default") else f"{shown} ({source})"


def path_of(place: Place) -> str:
    """A place in the settings as people write it: ``tracing.exporters[0].endpoint``."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
