"""What of the settings stands at a place, so that a value of somebody else's is read before the model would refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliograph.settings.kind import Kind
from heliograph.settings.loading.layer import Place
from heliograph.settings.model import TelemetrySettings
from heliograph.settings.section import Section


def kind_at(place: Place) -> Kind[Any]:
    """The kind of the setting at ``place``: a field of a section, or a value of a mapping."""
    *around, last = place
    section: type[Section] = TelemetrySettings
    for part in around:
        kind = section.fields[str(part)].kind
        if kind.section is None:
            if kind.item is None:
                raise LookupError(f"there is no setting {place}")
            return kind.item
        section = kind.section
    return section.fields[str(last)].kind


def exporter_sections(section: str) -> Mapping[str, type[Section]]:
    """The sections of the exporters that ``section`` may have, by their type."""
    item = kind_at((section, "exporters")).item
    return item.sections if item is not None else {}


def as_mapping(value: object) -> Mapping[str, Any]:
    """What was given of a section, made already or not: a mapping; nothing of anything else."""
    if isinstance(value, Section):
        return {name: getattr(value, name) for name in value.fields if name in value.fields_set or name == "type"}
    return value if isinstance(value, Mapping) else {}
