"""Every setting with its value and source, as ``heliograph config show`` prints them. No secret is among them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from heliograph.settings.faults import path_of
from heliograph.settings.loading.layer import Place, Source
from heliograph.settings.loading.load import Loaded
from heliograph.settings.secret import without_credentials

# Names of variables that hold something secret: the setting is shown as it is written.
_SECRET: Final = re.compile(
    r"\$\{[^}:]*(?:auth|credential|key|pass|private|pwd|secret|token|(?<![a-z])pw(?![a-z]))", re.IGNORECASE
)
_WIDEST: Final = 60  # of a column: what is longer pushes the rest of its line to the right


class Row(NamedTuple):
    """One setting: its value as JSON has it, or how the file has it when that names a variable that is a secret."""

    path: str
    value: Any
    source: Source


def rows_of(loaded: Loaded) -> list[Row]:
    """The settings in their order; of a list with sections in it each setting of each, of another the whole list."""
    return list(_rows(loaded.settings.plain(), (), loaded))


def as_text(loaded: Loaded) -> str:
    """A line a setting, in three columns; below them what was set but is ignored."""
    cells = [(row.path, json.dumps(row.value, ensure_ascii=False), str(row.source)) for row in rows_of(loaded)]
    widths = [max(len(row[column]) for row in cells if len(row[column]) <= _WIDEST) for column in range(2)]
    lines = [f"{path:{widths[0]}}  {value:{widths[1]}}  {source}" for path, value, source in cells]
    return "\n".join([*lines, *([""] if loaded.notices else []), *loaded.notices])


def as_mapping(loaded: Loaded) -> dict[str, Any]:
    """The same for programs."""
    return {
        "file": str(loaded.file) if loaded.file is not None else None,
        "settings": {
            row.path: {"value": row.value, "source": {"kind": row.source.kind, "detail": row.source.detail}}
            for row in rows_of(loaded)
        },
        "notices": list(loaded.notices),
    }


def _rows(value: Any, place: Place, loaded: Loaded) -> Iterator[Row]:
    if isinstance(value, dict) and value:
        for name, entry in value.items():
            yield from _rows(entry, (*place, name), loaded)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for position, entry in enumerate(value):
            yield from _rows(entry, (*place, position), loaded)
    elif isinstance(value, list):
        shown = [_shown(entry, (*place, position), loaded) for position, entry in enumerate(value)]
        yield Row(path_of(place), shown, loaded.source(place))
    else:
        yield Row(path_of(place), _shown(value, place, loaded), loaded.source(place))


def _shown(value: Any, place: Place, loaded: Loaded) -> Any:
    written = loaded.written(place)
    if written is not None and "headers" not in place and _SECRET.search(written):
        return without_credentials(written)
    return value
