"""One exporter that a declarative file asks for, as an entry of an ``exporters`` list in the making."""

from __future__ import annotations

from typing import Any

from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_model import exporter_sections


class Entry:
    """``values`` are the entry, ``places`` where the file has each option of it; the exporter itself is at ``place``."""

    def __init__(self, section: str, kind: str, place: Place) -> None:
        self.section = section
        self.place = place
        self.values: dict[str, Any] = {"type": kind}
        self.places: dict[Place, Place] = {}

    def put(self, option: Place, value: Any, place: Place) -> None:
        """Let ``option`` be ``value``, which the file has at ``place``. Raises ``ValueError`` when it cannot be that."""
        first, *rest = map(str, option)
        kind = exporter_sections(self.section)[self.values["type"]].fields[first].kind
        if rest and kind.section is not None:
            kind.section.fields[rest[0]].kind(value)  # what it needs beside it may come later
            value = {**self.values.get(first, {}), rest[0]: value}
            self.places.setdefault((first,), place[:-1])
        else:
            kind(value)
        self.values[first] = value
        self.places[option] = place
