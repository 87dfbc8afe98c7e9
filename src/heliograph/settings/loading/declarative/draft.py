"""What a declarative file comes to, gathered while its sections are read: settings, their places, notices and faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heliograph.errors import SettingsFault
from heliograph.settings.faults import NOTHING, path_of, shown_at
from heliograph.settings.loading.declarative.entry import Entry
from heliograph.settings.loading.layer import Layer, Place
from heliograph.settings.loading.opentelemetry_exporters import named
from heliograph.settings.loading.opentelemetry_model import kind_at


class Draft:
    """The settings of one file so far. ``read_at`` says where each place of the file was read; ``is_newer`` is set when the
    file is of a version that may have more in it than is known here."""

    def __init__(self, read_at: Mapping[Place, str]) -> None:
        self.is_newer = False
        self._read_at = read_at
        self._values: dict[str, Any] = {}
        self._places: dict[Place, str] = {(): read_at[()]} if () in read_at else {}
        self._entries: dict[str, list[Entry]] = {}
        self._notices: list[str] = []
        self._faults: list[SettingsFault] = []

    def where(self, place: Place) -> str:
        """Where ``place`` of the file was read, else what is around it."""
        around = (place[:length] for length in range(len(place), -1, -1))
        return next((self._read_at[outer] for outer in around if outer in self._read_at), "the file")

    def note(self, place: Place, text: str) -> None:
        """Say ``text`` of what the file has at ``place``."""
        self._notices.append(f"{self.where(place)}: {path_of(place)} {text}")

    def blame(self, place: Place, value: object, expected: str) -> None:
        """Say that what the file has at ``place`` does not fit."""
        given = "nothing" if value is NOTHING else shown_at(place, value)
        self._faults.append(SettingsFault(path=path_of(place), given=given, expected=expected, where=self.where(place)))

    def put(self, setting: Place, value: Any, place: Place) -> None:
        """Let ``setting`` be ``value``, which the file has at ``place``."""
        kind_at(setting)(value)
        values = self._values
        for part in map(str, setting[:-1]):
            values = values.setdefault(part, {})
        values[str(setting[-1])] = value
        self._places[setting] = self.where(place)

    def located(self, setting: Place, place: Place) -> None:
        """Say where the file has ``setting``, which was put with what is around it."""
        self._places[setting] = self.where(place)

    def get(self, setting: Place) -> Any:
        """What the file set so far, None if nothing."""
        values: Any = self._values
        for part in setting:
            values = values.get(part) if isinstance(values, Mapping) else None
        return values

    def begin(self, section: str, place: Place) -> None:
        """The exporters of ``section`` are those that the file has at ``place``, be there one that is known here or not."""
        self._entries.setdefault(section, [])
        self._places[(section, "exporters")] = self.where(place)

    def add(self, section: str, entry: Entry) -> None:
        """One more exporter of ``section``."""
        self._entries.setdefault(section, []).append(entry)

    def lay(self, values: Mapping[str, Any], place: Place) -> None:
        """Lay settings in our own terms, which the file has at ``place``, over what it says in OpenTelemetry's."""
        self._lay(self._values, values, (), place)

    def _lay(self, lower: dict[str, Any], upper: Mapping[str, Any], setting: Place, place: Place) -> None:
        for name, value in upper.items():
            inner, at = (*setting, name), (*place, name)
            if isinstance(value, Mapping) and isinstance(lower.get(name), dict):
                self._lay(lower[name], value, inner, at)
                continue
            lower[name] = value
            self._places = {old: where for old, where in self._places.items() if old[: len(inner)] != inner}
            self._places |= {(*inner, *below): self.where((*at, *below)) for below in _places_in(value)}

    def list_exporters(self) -> None:
        """Put the exporters that were added into their lists, under names that differ."""
        for section, entries in self._entries.items():
            listed = named([entry.values for entry in entries], is_once=False)
            self._values.setdefault(section, {})["exporters"] = listed
            for position, entry in enumerate(entries):
                around: Place = (section, "exporters", position)
                self._places[around] = self.where(entry.place)
                self._places |= {(*around, *option): self.where(at) for option, at in entry.places.items()}

    def layer(self) -> Layer:
        """All of it."""
        return Layer(
            kind="file",
            values=self._values,
            places=self._places,
            notices=tuple(dict.fromkeys(self._notices)),
            faults=tuple(self._faults),
        )


def _places_in(value: Any) -> Iterator[Place]:
    yield ()
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        yield from ((part, *below) for below in _places_in(inner))
