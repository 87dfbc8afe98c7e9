"""One row of the table of OpenTelemetry's environment variables: what one sets, who else reads it, or why nobody does.

The rows are in `opentelemetry_rows.py`, `opentelemetry_others.py` and `opentelemetry_otlp.py`; `opentelemetry.py` reads an
environment by them and `opentelemetry_page.py` writes them into the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from heliograph.settings.loading.layer import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the text of a variable comes to: values by their place in the settings, and ``remarks`` on what of it was left
    out, which follow the name of the variable."""

    values: Mapping[Place, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


Reading: TypeAlias = Callable[[str, Mapping[str, str]], Meaning]
"""From the text of a variable, and the environment that it is one of, to what it means. Raises ``ValueError`` with what was
expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable, or all whose name fits when there is a ``*`` in it.

    ``doc`` says what it does here. Exactly one of three is given: ``read`` for one that becomes settings, at ``places``;
    ``reader`` names who reads it instead of these settings; ``why_ignored`` says why nobody does and what to do, except for
    ``harmless`` values, which ask for what is so anyway.
    """

    name: str
    group: str
    doc: str = ""
    places: tuple[Place, ...] = ()
    read: Reading | None = None
    reader: str | None = None
    why_ignored: str | None = None
    harmless: tuple[str, ...] = ()
