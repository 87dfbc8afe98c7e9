"""What is installed of the instrumentation packages, as units that can be instrumented.

Called by ``instrumenting.py``. Loads none of the packages: only their metadata is read, from the entry points
``opentelemetry_instrumentor`` on, and the conflicts between a package and the version of its library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Final

from heliograph.instrumentation import table
from heliograph.instrumentation.table import Library

_GROUP: Final = "opentelemetry_instrumentor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One library, and what instruments it. ``row`` is None for one that the table does not know.

    ``conflict`` says why its package cannot be used, None when it can; ``is_absent`` when the library is not installed.
    """

    name: str
    row: Library | None
    entry_points: tuple[EntryPoint, ...] = ()
    conflict: str | None = None
    is_absent: bool = False

    @property
    def module(self) -> str | None:
        """What a program imports of it; None when that is not known."""
        return self.row.module if self.row is not None and self.entry_points else None

    def instrumentors(self) -> list[Any]:
        """Those of the package; imports the library."""
        return [point.load()() for point in self.entry_points]


def installed() -> dict[str, Unit]:
    """Every unit of which the package is installed, by name; a library with several instrumentors is also there under the
    name of each."""
    points = {point.name: point for point in entry_points(group=_GROUP)}
    units = {name: _unit(name, table.BY_ENTRY_POINT.get(name), (point,)) for name, point in points.items()}
    for row in table.ROWS:
        mine = tuple(points[name] for name in row.entry_points if name in points)
        if mine or row.package is None:
            units[row.name] = _unit(row.name, row, mine)
    return units


def _unit(name: str, row: Library | None, points: tuple[EntryPoint, ...]) -> Unit:
    conflict, is_absent = next((found for point in points if (found := _conflict(point))), (None, False))
    if conflict is None and row is not None and find_spec(row.module.partition(".")[0]) is None:
        conflict, is_absent = f"{row.module.partition('.')[0]} is not installed", True
    return Unit(name=name, row=row, entry_points=points, conflict=conflict, is_absent=is_absent)


def _conflict(point: EntryPoint) -> tuple[str, bool] | None:
    # Comes with the packages whose metadata this looks at; without one of them nobody gets here.
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts  # noqa: PLC0415

    found = get_dist_dependency_conflicts(point.dist) if point.dist is not None else None
    return None if found is None else (str(found), not (found.found or found.found_any))


def usable(unit: Unit | None, name: str, rows: Mapping[str, Library]) -> Unit:
    """``unit``, which was asked for as ``name``; raises ``ImportError`` saying what to install when it cannot be used."""
    if unit is None:
        row = rows.get(name) or table.BY_ENTRY_POINT[name]
        raise ImportError(
            f"instrument({name}=...) needs {row.package}, which is not installed; install heliograph[{row.extra}]"
        )
    if unit.conflict is not None:
        library = unit.row.module.partition(".")[0] if unit.row is not None else unit.name
        remedy = f"install the library {library}" if unit.is_absent else f"install such a version, or leave {name} out"
        raise ImportError(f"instrument({name}=...): {unit.conflict.rstrip('.')}; {remedy}")
    return unit
