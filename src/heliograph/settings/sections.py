"""All sections that the settings consist of, found by their kinds. Asked by `schema.py` and `page.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heliograph.settings.kind import Kind
from heliograph.settings.section import Section


def sections_of(kind: Kind[Any]) -> tuple[type[Section], ...]:
    """The sections that a value of ``kind`` may be, or consist of."""
    inner = sections_of(kind.item) if kind.item is not None else ()
    return (*(() if kind.section is None else (kind.section,)), *kind.sections.values(), *inner)


def all_sections(root: type[Section]) -> tuple[type[Section], ...]:
    """``root`` and every section below it, each once, from the outside in."""
    return tuple(dict.fromkeys(_walked(root)))


def _walked(section: type[Section]) -> Iterator[type[Section]]:
    yield section
    for field in section.fields.values():
        for below in sections_of(field.kind):
            yield from _walked(below)
