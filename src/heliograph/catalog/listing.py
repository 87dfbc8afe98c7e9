"""A catalogue as text and as JSON. Called by the command ``heliograph metrics list``; the page for people is `page.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.metric import Attribute, LegacyName, Metric

_HEADINGS: Final = ("NAME", "KIND", "UNIT", "ON /METRICS", "DESCRIPTION")


def by_group(catalogue: Catalogue) -> dict[str, list[Metric]]:
    """The rows of each group, in the order in which the groups come first."""
    order = {group: place for place, group in enumerate(dict.fromkeys(row.group for row in catalogue))}
    ordered = sorted(catalogue, key=lambda row: order[row.group])
    return {group: list(rows) for group, rows in groupby(ordered, key=lambda row: row.group)}


def as_text(catalogue: Catalogue) -> str:
    """A table for each group."""
    cells = {
        group: [(row.name, row.kind, row.unit, row.pull_name, row.description) for row in rows]
        for group, rows in by_group(catalogue).items()
    }
    widths = _widths((_HEADINGS, *(line for lines in cells.values() for line in lines)))
    blocks = [
        [group.upper(), _line(_HEADINGS, widths), *(_line(row, widths) for row in rows)] for group, rows in cells.items()
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def as_json(catalogue: Catalogue) -> str:
    """Every field of every row, and the names that follow from them."""
    return json.dumps([_row(row) for row in catalogue], indent=2, ensure_ascii=False)


def _row(row: Metric) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "unit": row.unit,
        "description": row.description,
        "group": row.group,
        "stability": row.stability,
        "pull_name": row.pull_name,
        "otlp_name": row.otlp_name,
        "attributes": [_attribute(each) for each in row.attributes] if row.attributes is not None else None,
        "buckets": list(row.buckets) if row.buckets is not None else None,
        "across": row.combined,
        "starts_at_zero": row.starts_at_zero,
        "legacy": [_legacy(each) for each in row.legacy],
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    return {"name": attribute.name, "cardinality": attribute.cardinality, "description": attribute.description}


def _legacy(legacy: LegacyName) -> dict[str, Any]:
    return {
        "name": legacy.name,
        "factor": legacy.factor,
        "where": {key: list(values) for key, values in legacy.where.items()},
        "without": list(legacy.without),
        "kind": legacy.kind,
    }


def _widths(rows: Iterable[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
