"""The table of OpenTelemetry's environment variables, and what an environment says in them. Called by `opentelemetry.py`.

A value that cannot be used is no fault: OpenTelemetry's specification has it ignored, with a warning, which is a notice here.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, Final

from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.loading import opentelemetry_others, opentelemetry_otlp_rows, opentelemetry_rows, opentelemetry_served
from heliograph.settings.loading.layer import Layer, Place
from heliograph.settings.loading.opentelemetry_model import kind_at
from heliograph.settings.loading.opentelemetry_variable import Meaning, Variable

VARIABLES: Final = (
    *opentelemetry_rows.ROWS,
    *opentelemetry_served.ROWS,
    *opentelemetry_otlp_rows.ROWS,
    *opentelemetry_others.ROWS,
)
_SIMILAR: Final = 0.85


def read_variables(environ: Mapping[str, str]) -> Layer:
    """What ``environ`` says in the variables of the table, as far as it does not depend on other sources."""
    values: dict[str, Any] = {}
    places: dict[Place, str] = {}
    notices: list[str] = []
    for row in VARIABLES:
        text = environ.get(row.name, "").strip()
        if text:
            found, said = _read(row, text, environ)
            notices += said
            for place, value in found.items():
                _put(values, place, value)
                places[place] = row.name
    notices += _unknown(environ)
    return Layer(kind="environment", values=values, places=places, notices=tuple(notices))


def _read(row: Variable, text: str, environ: Mapping[str, str]) -> tuple[dict[Place, Any], list[str]]:
    """What a variable sets, and what there is to say of it."""
    if row.why_ignored is not None and text.lower() not in row.harmless:
        return {}, [f"{row.name} is ignored: {row.why_ignored}"]
    if row.read is None:
        return {}, []
    try:
        meaning = row.read(text, environ)
        fitting, remarks = _fitting(meaning)
    except ValueError as error:
        return {}, [f"{row.name} is ignored: given {shown_at((row.name,), text)}, expected {error}"]
    return fitting, [f"{row.name}: {remark}" for remark in (*meaning.remarks, *remarks)]


def _fitting(meaning: Meaning) -> tuple[dict[Place, Any], list[str]]:
    """What of the values the settings take, and remarks on the others; raises ``ValueError`` when they take none."""
    refused: dict[Place, ValueError] = {}
    for place, value in meaning.values.items():
        try:
            kind_at(place)(value)
        except ValueError as error:
            refused[place] = error
    if refused and len(refused) == len(meaning.values):
        raise next(iter(refused.values()))
    remarks = [f"what it says of {path_of(place)} is left out: expected {error}" for place, error in refused.items()]
    return {place: value for place, value in meaning.values.items() if place not in refused}, remarks


def _put(values: dict[str, Any], place: Place, value: Any) -> None:
    *around, last = map(str, place)
    for part in around:
        values = values.setdefault(part, {})
    values[last] = value


def _unknown(environ: Mapping[str, str]) -> list[str]:
    """Notices of names that are nearly those of a variable."""
    known = [row.name for row in VARIABLES if "*" not in row.name]
    patterns = [row.name for row in VARIABLES if "*" in row.name]
    strange = [
        name
        for name in environ
        if name.startswith("OTEL_") and name not in known and not any(fnmatch.fnmatchcase(name, each) for each in patterns)
    ]
    if not strange:
        return []
    from difflib import get_close_matches  # 2 ms, for what happens in few applications  # noqa: PLC0415

    close = {name: get_close_matches(name, known, n=1, cutoff=_SIMILAR) for name in sorted(strange)}
    return [
        f"{name} is ignored: there is no such variable; did you mean {found[0]}?" for name, found in close.items() if found
    ]
