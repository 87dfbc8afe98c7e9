"""The layer of a file in OpenTelemetry's declarative configuration. Called by `file.py`; `declarative/` knows what it means.

What a variable held is not shown: a value that it became a part of is known by its line and, if it is text, by what is in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from heliograph.errors import SettingsFault
from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.loading.declarative.layer import declarative_layer
from heliograph.settings.loading.document import Node
from heliograph.settings.loading.layer import Layer, Place
from heliograph.settings.loading.locating import SHOWS_NO_VALUE, as_written
from heliograph.settings.loading.settling import Settling


class _Held(NamedTuple):
    where: str
    value: Any
    written: str


def declared(nodes: Mapping[str, Node], shown: str, faults: list[SettingsFault]) -> Layer:
    """What the file sets; ``faults`` are those found in it so far."""
    if "file_format" not in nodes:
        expected = (
            'the version of OpenTelemetry\'s declarative configuration, such as "1.0"; HELIOGRAPH_CONFIG_FILE names others'
        )
        fault = SettingsFault(path="file_format", given="nothing", expected=expected, where=shown)
        return Layer(kind="file", values={}, faults=(*faults, fault))
    settling = Settling(lambda line: f"{shown}:{line}")
    values = settling.section(nodes, None)
    found = (_Held(settling.places[place], _at(values, place), written) for place, written in settling.written.items())
    held = [each for each in found if each.value not in (None, "")]
    layer = declarative_layer(values, {(): shown, **settling.places})
    written = {
        place: each.written
        for place, value in _leaves(layer.values, ())
        for each in held
        if each.where == layer.where(place) and (not isinstance(value, str) or str(each.value) in value)
    }
    known = {path_of(place): place for place in settling.places}
    hidden = (_hidden(fault, known.get(fault.path), values, settling) for fault in layer.faults)
    return layer._replace(written={**written, **layer.written}, faults=(*faults, *hidden))


def _hidden(fault: SettingsFault, place: Place | None, values: Mapping[str, Any], settling: Settling) -> SettingsFault:
    if place is None or fault.given in SHOWS_NO_VALUE:
        return fault
    shown, is_hidden = as_written(_at(values, place), place, settling.written)
    return dataclasses.replace(fault, given=shown_at(place, shown)) if is_hidden else fault


def _leaves(values: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _leaves(value, (*place, name))
    elif isinstance(values, (list, tuple)):
        for position, value in enumerate(values):
            yield from _leaves(value, (*place, position))
    else:
        yield place, values


def _at(values: Any, place: Place) -> Any:
    for part in place:
        values = values[part]
    return values
