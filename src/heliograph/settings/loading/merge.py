"""Lays layers over each other and remembers which one each value is from. Called by `load.py`.

Sections and mappings are merged name by name; a list, like every other value, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from heliograph.errors import SettingsFault
from heliograph.settings.entries import entries_form
from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.loading.layer import Layer, Place, Source, SourceKind
from heliograph.settings.loading.variables import kind_at
from heliograph.settings.section import Section

_NOTHING: Final = Layer(kind="default", values={})
RANKS: Final[Sequence[SourceKind]] = ("argument", "environment", "file", "preset", "default")
"""The kinds of sources, the uppermost first."""


class Merged:
    """Layers over each other, the first one uppermost. ``values`` is what they come to."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.values: dict[str, Any] = {}
        self.faults: list[SettingsFault] = []
        self._origins: dict[Place, Layer] = {}  # of each value that is replaced as a whole
        self._refinement = _NOTHING
        for layer in reversed(layers):
            self._lay(layer, layer.values, self.values, ())

    def refine(self, layer: Layer) -> None:
        """Lay ``layer`` over all others. The lists in it are those that were there with what it changed, which it has the
        places of; the rest of them stays whose it was."""
        self._refinement = layer
        self._lay(layer, layer.values, self.values, ())

    def source(self, place: Place) -> Source:
        """Where the value at ``place`` is from; of a section, where the uppermost of its values is from."""
        layer = self._layer(place)
        if layer is not None:
            return _source(layer, place)
        inner = self._inner(place)
        if not inner:
            return Source("default")
        each = min(inner, key=lambda each: RANKS.index(self._origins[each].kind))
        return _source(self._origins[each], each)

    def kind(self, place: Place) -> SourceKind:
        """Of what kind the source of the value at ``place`` is."""
        return self.source(place).kind

    def written(self, place: Place) -> str | None:
        """How the file has it, when a variable was put into it."""
        layer = self._layer(place)
        return layer.written.get(place) if layer is not None else None

    def where(self, place: Place) -> str | None:
        """Where the value at ``place`` was read, or what is around it."""
        if self._around(place) is not None:
            return _source(self._layer(place) or self._origins[self._around(place) or ()], place).detail or None
        for length in range(len(place), 0, -1):
            inner = self._inner(place[:length])
            if inner:
                said = {self._origins[each].places.get(place[:length]) for each in inner} - {None}
                said = said or {_source(self._origins[each], each).detail for each in inner}
                return (said.pop() or None) if len(said) == 1 else None
        return None

    def places(self) -> Iterator[Place]:
        """Those of all values and of what they are in."""
        return _places(self.values, ())

    def _lay(self, layer: Layer, upper: Mapping[str, Any], lower: dict[str, Any], around: Place) -> None:
        for name, given in upper.items():
            place = (*around, name)
            value = _spelled(given, place)
            below = lower.get(name)
            if isinstance(value, Mapping):
                if not isinstance(below, dict):
                    self._report_lower(place, below)
                    self._forget(place)
                    below = lower[name] = {}
                if value:
                    self._origins.pop(place, None)  # it was empty so far
                elif not below:
                    self._origins[place] = layer
                self._lay(layer, value, below, place)
            elif layer is self._refinement and place in self._origins and place not in layer.places:
                lower[name] = value
            else:
                if name in lower:  # else nothing of it is known
                    self._forget(place)
                lower[name] = value
                self._origins[place] = layer

    def _forget(self, place: Place) -> None:
        for each in self._inner(place):
            del self._origins[each]

    def _report_lower(self, place: Place, value: Any) -> None:
        """What a mapping is laid over must be one itself; that it is hidden makes it no better."""
        kind = kind_at(place)
        if value is not None and kind is not None and kind.form in ("section", "mapping"):
            layer = self._origins[place]
            given, where = shown_at(place, layer.written.get(place, value)), _source(layer, place).detail or None
            fault = SettingsFault(path=path_of(place), given=given, expected="a mapping of settings", where=where)
            self.faults.append(fault)

    def _layer(self, place: Place) -> Layer | None:
        """The layer that has the value at ``place``, None for a default and for what several layers have parts of."""
        around = self._around(place)
        if around is None or not self._is_said(place):
            return None
        is_refined = any(place[:length] in self._refinement.places for length in range(len(around), len(place) + 1))
        return self._refinement if is_refined else self._origins[around]

    def _is_said(self, place: Place) -> bool:
        """Whether an entry of a list has this, or leaves it at its default."""
        value: Any = self.values
        for part in place:
            if isinstance(value, Section):
                if part not in value.fields_set:
                    return False
                value = getattr(value, str(part))
            elif isinstance(value, (Mapping, list, tuple)):
                try:
                    value = value[part]  # type: ignore[index]
                except (LookupError, TypeError):  # TypeError: a name where the layer has a list
                    return False
        return True

    def _around(self, place: Place) -> Place | None:
        around = (place[:length] for length in range(len(place), 0, -1))
        return next((each for each in around if each in self._origins), None)

    def _inner(self, place: Place) -> list[Place]:
        return [each for each in self._origins if each[: len(place)] == place]


def _source(layer: Layer, place: Place) -> Source:
    return Source(layer.kind, layer.where(place) or "")


def _spelled(value: Any, place: Place) -> Any:
    """A section as the mapping of what was set in it, exporters in one spelling."""
    if isinstance(value, Section):
        return {name: getattr(value, name) for name in value.fields if name in value.fields_set}
    return entries_form(value) if place[1:] == ("exporters",) else value


def _places(value: Any, place: Place) -> Iterator[Place]:
    yield place
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _places(entry, (*place, name))
    elif isinstance(value, (list, tuple)):
        for position, entry in enumerate(value):
            yield from _places(entry, (*place, position))
