"""Settings as one source gives them, and what is said of where a value came from.

Each source (`environment.py`, `opentelemetry.py`, `file.py`, the presets) makes a :class:`Layer`; `merge.py` lays them over
each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from heliograph.errors import SettingsFault

SourceKind: TypeAlias = Literal["argument", "environment", "file", "preset", "default"]
Place: TypeAlias = tuple[str | int, ...]
"""The names and list positions that lead to a value: ``("tracing", "exporters", 0, "endpoint")``."""

_NONE: Final[Mapping[Place, str]] = MappingProxyType({})


class Layer(NamedTuple):
    """What one source sets.

    ``values`` are nested as in the settings, in plain Python. ``places`` say where a value or a group of them was read
    (``HELIOGRAPH_TRACING__SAMPLE_RATE``, ``heliograph.yaml:12``), ``written`` how a value was written that a variable was put
    into, since what it held is not to be shown. ``notices`` name what was set but is ignored, why, and what to do instead.
    """

    kind: SourceKind
    values: Mapping[str, Any]
    places: Mapping[Place, str] = _NONE
    written: Mapping[Place, str] = _NONE
    notices: tuple[str, ...] = ()
    faults: tuple[SettingsFault, ...] = ()

    def where(self, place: Place) -> str | None:
        """Where ``place`` was read, else what is around it."""
        around = (place[:length] for length in range(len(place), -1, -1))
        return next((self.places[outer] for outer in around if outer in self.places), None)


class Source(NamedTuple):
    """Where the value of a setting came from: ``file heliograph.yaml:12``, ``preset production``, ``default``."""

    kind: SourceKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}" if self.detail else self.kind
