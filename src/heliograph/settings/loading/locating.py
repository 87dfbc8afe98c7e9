"""Says of the faults that the model found where the value was read, and hides what a variable held. Called by `load.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from heliograph.errors import SettingsFault
from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.merge import Merged

SHOWS_NO_VALUE: Final = ("nothing", "[REDACTED]")
"""What a fault says it was given, when that is not a value."""


def located(faults: Iterable[SettingsFault], merged: Merged) -> list[SettingsFault]:
    """``faults``, each with its ``where`` and, if a variable had a part in it, with what the file has instead."""
    known = {path_of(place): place for place in merged.places() if place}
    written = {place: text for place in known.values() if (text := merged.written(place)) is not None}
    return [_located(fault, known, written, merged) for fault in faults]


def _located(fault: SettingsFault, known: Mapping[str, Place], written: Mapping[Place, str], merged: Merged) -> SettingsFault:
    place = _closest(fault.path, known)
    if place is None:
        return fault
    is_given = path_of(place) == fault.path  # else it is missing in the section that `place` leads to
    section = place[:-1] if is_given else place
    where = merged.where(place)
    if where is None:
        where = next((merged.where(each) for each, text in _texts(section, merged) if repr(text) in fault.expected), None)
    given, expected = fault.given, fault.expected
    if is_given and given not in SHOWS_NO_VALUE:
        shown, is_hidden = as_written(_at(merged.values, place), place, written)
        given = shown_at(place, shown) if is_hidden else given
    # A check may say what stands beside or inside of what it refuses.
    for each, text in written.items():
        if each[: len(section)] == section:
            held = repr(_at(merged.values, each))
            given = given if is_given else given.replace(held, repr(text))
            expected = expected.replace(held, repr(text))
    return dataclasses.replace(fault, given=given, expected=expected, where=where)


def _closest(path: str, known: Mapping[str, Place]) -> Place | None:
    """The place of ``path``, else of what is around it: a name that is missing is not there."""
    while path not in known:
        cut = max(path.rfind("."), path.rfind("["))
        if cut <= 0:
            return None
        path = path[:cut]
    return known[path]


def as_written(value: Any, place: Place, written: Mapping[Place, str]) -> tuple[Any, bool]:
    """``value`` with what the file has where a variable was put in, and whether there is such a place."""
    if isinstance(value, Mapping):
        pairs = {name: as_written(entry, (*place, name), written) for name, entry in value.items()}
        return {name: entry for name, (entry, _) in pairs.items()}, any(is_hidden for _, is_hidden in pairs.values())
    if isinstance(value, (list, tuple)):
        entries = [as_written(entry, (*place, position), written) for position, entry in enumerate(value)]
        return [entry for entry, _ in entries], any(is_hidden for _, is_hidden in entries)
    return (written[place], True) if place in written else (value, False)


def _texts(section: Place, merged: Merged) -> Iterator[tuple[Place, str]]:
    """The texts that a section has."""
    around = _at(merged.values, section)
    for name, value in around.items() if isinstance(around, Mapping) else ():
        if isinstance(value, str):
            yield (*section, name), value


def _at(values: Any, place: Place) -> Any:
    for part in place:
        values = values[part]
    return values
