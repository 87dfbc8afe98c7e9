"""The names of our variables: ``HELIOGRAPH_TRACING__SAMPLE_RATE`` is ``tracing.sample_rate``, and so on to any depth.

Called by `environment.py`, and by `settings/page.py` for the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from heliograph.settings.kind import Kind
from heliograph.settings.loading.layer import Place
from heliograph.settings.model import TelemetrySettings
from heliograph.settings.section import Section

PREFIX: Final = "HELIOGRAPH_"
SEPARATOR: Final = "__"


def variable_of(place: Place) -> str:
    """The name of the variable for a setting outside of lists."""
    return PREFIX + SEPARATOR.join(str(part).upper() for part in place)


def found_variable(name: str) -> tuple[Place, Kind[Any]] | None:
    """The place that a variable is for and the kind of what is there, None when there is no such setting."""
    place = tuple(name.removeprefix(PREFIX).lower().split(SEPARATOR))
    kind = kind_at(place) if name == name.upper() else None
    return (place, kind) if kind is not None else None


def kind_at(place: Place) -> Kind[Any] | None:
    """The kind of the setting at ``place``, which is outside of lists; None when there is no such setting."""
    first, *rest = map(str, place)
    if first not in TelemetrySettings.fields:
        return None
    kind: Kind[Any] | None = TelemetrySettings.fields[first].kind
    for part in rest:
        kind = _below(kind, part)
    return kind


def ignored(name: str) -> str:
    """Why a variable that is for no setting is ignored, with the name that was meant perhaps."""
    from difflib import get_close_matches  # 2 ms that only who has such a variable pays  # noqa: PLC0415

    known = [variable_of(place).removeprefix(PREFIX) for place in _places(TelemetrySettings, ())]
    close = get_close_matches(name.upper().removeprefix(PREFIX), known, n=1)
    others = "`heliograph config show` has all settings, docs/configuration.md their variables"
    hint = f"did you mean {PREFIX}{close[0]}?" if close else others
    return f"{name} is ignored, since there is no such setting; {hint}"


def _below(kind: Kind[Any] | None, part: str) -> Kind[Any] | None:
    if kind is None or not part:
        return None
    if kind.form == "mapping":
        return kind.item
    if kind.section is None or part not in kind.section.fields:
        return None
    return kind.section.fields[part].kind


def _places(section: type[Section], around: Place) -> Iterator[Place]:
    for name, field in section.fields.items():
        yield (*around, name)
        if field.kind.form == "section" and field.kind.section is not None:
            yield from _places(field.kind.section, (*around, name))
