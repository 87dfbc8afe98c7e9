"""The table of environment variables as a page of the documentation, docs/environment.md.

Made from the rows and from `opentelemetry_page.md` beside this file. `make generate` writes it, `make check` compares it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from heliograph.settings.faults import path_of
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_reading import VARIABLES
from heliograph.settings.loading.opentelemetry_variable import Variable

_TABLES: Final = "<!-- tables -->"
_GROUPS: Final = (
    "General",
    "Exporters",
    "OTLP exporters",
    "Prometheus",
    "Traces",
    "Metrics",
    "Logs",
    "Limits",
    "Older names",
    "Read by others",
    "Ignored",
)


def as_markdown() -> str:
    """The page."""
    text = (Path(__file__).parent / "opentelemetry_page.md").read_text(encoding="utf-8")
    return text.replace(_TABLES, "\n\n".join(_group(name) for name in _GROUPS))


def _group(name: str) -> str:
    head, cells = _HEADS.get(name, _SETTINGS)
    rows: dict[str, list[str]] = {}
    for row in VARIABLES:
        if row.group == name:
            rows.setdefault(cells(row), []).append(f"`{row.name}`")
    lines = [f"| {', '.join(names)} | {text} |" for text, names in rows.items()]
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([f"### {name}", "", head, rule, *lines])


def _setting(row: Variable) -> str:
    return f"{_paths(row.places)} | {row.doc}"


def _other(row: Variable) -> str:
    return f"{row.reader} | {row.doc}"


def _why(row: Variable) -> str:
    return row.why_ignored or ""


def _paths(places: Sequence[Place]) -> str:
    """The settings, those of exporters by the option alone: which exporter it is the text above the table says."""
    paths = (".".join(map(str, place[3:])) if "exporters" in place and len(place) > 2 else path_of(place) for place in places)
    return ", ".join(f"`{path}`" for path in dict.fromkeys(paths))


_SETTINGS: Final = ("| variable | setting | |", _setting)
_HEADS: Final = {
    "Read by others": ("| variable | read by | |", _other),
    "Ignored": ("| variable | why, and what to do |", _why),
}


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
