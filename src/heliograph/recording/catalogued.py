"""What the catalogue adds to an instrument that is made under one of its names: the unit, description and buckets that the
caller did not give.

Called by the meters of both recorders, which say here what does not agree with the catalogue, and by the manager's calls.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Metric
from heliograph.locks import recording_lock

logger = logging.getLogger("heliograph.recording")

_MOST_SAID: Final = 1000  # an application that makes up names is not followed for ever


class Completed(NamedTuple):
    """How an instrument is made. ``row`` is its row; None when there is none, or one of another kind."""

    unit: str
    description: str
    buckets: Sequence[float] | None
    row: Metric | None


def completed(
    catalogue: Catalogue, kind: str, name: str, unit: str, description: str, buckets: Sequence[float] | None = None
) -> Completed:
    """What was given, and from the row of ``name`` the rest. Its buckets are in its unit, so they go with that alone."""
    row = catalogue.get(name)
    if row is None or row.kind != kind.removeprefix("observable_"):
        return Completed(unit, description, buckets, None)
    unit = unit or row.unit
    is_in_its_unit = buckets is None and unit == row.unit
    return Completed(unit, description or row.description, row.buckets if is_in_its_unit else buckets, row)


class Disagreements:
    """Says once what an instrument has otherwise than its row. Thread-safe."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def look(self, catalogue: Catalogue, kind: str, name: str, unit: str) -> None:
        """Compare an instrument that is about to be made, with the ``unit`` that its caller gave."""
        row = catalogue.get(name)
        if row is None:
            return
        if row.kind != kind.removeprefix("observable_"):
            self._say(row.name, kind, f"is made as {kind}, the catalogue has it as {row.kind}, so its row is left aside")
        elif unit and unit != row.unit:
            self._say(row.name, unit, f"is made with unit {unit!r}, which stays; the catalogue has it in {row.unit!r}")

    def _say(self, name: str, what: str, text: str) -> None:
        with recording_lock():
            if (name, what) in self._said or len(self._said) >= _MOST_SAID:
                return
            self._said.add((name, what))
        logger.warning("instrument %s %s; use the same, another name, or a row of your own (metrics.catalogue)", name, text)
