"""What OpenTelemetry's variables change of the settings that all sources make together, gathered for one layer above them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from heliograph.settings.entries import entries_form
from heliograph.settings.loading.layer import Layer, Place, SourceKind
from heliograph.settings.loading.opentelemetry_model import as_mapping
from heliograph.settings.section import Section


class Changes:
    """Changes to ``given``, the settings so far, of which ``kind_of`` says what kind of source a place has its value from.

    A list is changed by its entries; the layer then has all of it, since lists replace each other.
    """

    def __init__(self, given: Mapping[str, Any], kind_of: Callable[[Place], SourceKind], environ: Mapping[str, str]) -> None:
        self.given = given
        self._kind_of = kind_of
        self._environ = environ
        self._exporters: dict[str, list[dict[str, Any]]] = {}
        self._changed: dict[str, set[int]] = {}
        self._values: dict[str, Any] = {}
        self._places: dict[Place, str] = {}
        self._notices: dict[str, None] = {}

    def text(self, name: str) -> str | None:
        """The text of a variable; an empty one is not set."""
        return self._environ.get(name, "").strip() or None

    def is_outranked(self, place: Place) -> bool:
        """Whether what is at ``place`` was said by a source above these variables."""
        return self._kind_of(place) in ("argument", "environment")

    def is_named(self, section: str) -> bool:
        """Whether any source names exporters of ``section``, or has something else there than settings."""
        given = self.given.get(section, {})
        return not isinstance(given, (Mapping, Section)) or "exporters" in as_mapping(given)

    def exporters(self, section: str) -> list[dict[str, Any]]:
        """The exporters of ``section`` as mappings with ``type``, to be changed by :meth:`put`; one that is none is empty."""
        if section not in self._exporters:
            entries = entries_form(as_mapping(self.given.get(section)).get("exporters"))
            self._exporters[section] = [dict(as_mapping(entry)) for entry in entries] if isinstance(entries, list) else []
        return self._exporters[section]

    def name_exporters(self, section: str, entries: list[dict[str, Any]], variable: str) -> None:
        """Let ``section`` have ``entries``, as ``variable`` has it."""
        self._exporters[section] = entries
        self._changed[section] = set(range(len(entries)))
        self._places[(section, "exporters")] = variable

    def forget_exporters(self, section: str) -> None:
        """Let ``section`` have what it was given again."""
        del self._exporters[section], self._changed[section]
        self._places = {place: name for place, name in self._places.items() if place[:2] != (section, "exporters")}

    def drop(self, place: Place) -> None:
        """Let an option of an exporter be as if nobody had said it."""
        section, _, position, option = place
        self.exporters(str(section))[int(position)].pop(str(option), None)
        self._changed.setdefault(str(section), set()).add(int(position))

    def put(self, place: Place, value: Any, variable: str) -> None:
        """Set what is at ``place``, as ``variable`` has it."""
        if "exporters" in place:
            section, _, position, *rest = place
            at: dict[str, Any] = self.exporters(str(section))[int(position)]
            self._changed.setdefault(str(section), set()).add(int(position))
        else:
            at, rest = self._values, list(place)
        for part in rest[:-1]:
            at[str(part)] = dict(as_mapping(at.get(str(part))))
            at = at[str(part)]
        at[str(rest[-1])] = value
        self._places[place] = variable

    def note(self, text: str) -> None:
        """Say ``text``, once."""
        self._notices[text] = None

    def layer(self) -> Layer:
        """All of it. Entries that nothing was changed of stay in the words of who wrote them."""
        for section, changed in self._changed.items():
            given = as_mapping(self.given.get(section)).get("exporters") or ()
            entries = [
                entry if position in changed else given[position] for position, entry in enumerate(self._exporters[section])
            ]
            self._values.setdefault(section, {})["exporters"] = entries
        return Layer(kind="environment", values=self._values, places=self._places, notices=tuple(self._notices))
