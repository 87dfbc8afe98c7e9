"""The settings as a JSON Schema (draft 2020-12), by which editors complete and check a file. Made from the sections and kinds.

It takes what the settings take, in every spelling, and ``${VARIABLE}`` in the place of any value. What depends on two settings
at once it does not know. Printed by ``heliograph config schema``.
"""

from __future__ import annotations

import re
from typing import Any, Final

from heliograph.settings.kind import Schema
from heliograph.settings.model import TelemetrySettings
from heliograph.settings.section import Field, Section
from heliograph.settings.sections import all_sections

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Final = r"\$\{"  # what loading/substitution.py puts something else for


def json_schema() -> Schema:
    """The schema of a file of settings, whose values may all stand below ``telemetry``."""
    whole = {"$ref": f"#/$defs/{TelemetrySettings.__name__}"}
    below = {
        "type": "object",
        "properties": {"telemetry": whole},
        "required": ["telemetry"],
        "propertyNames": {"not": {"enum": [*TelemetrySettings.fields]}},  # what else there is is the application's own
    }
    return {
        "$schema": _DIALECT,
        "title": "heliograph settings",
        "anyOf": [whole, below],
        "$defs": {section.__name__: _section_schema(section) for section in all_sections(TelemetrySettings)},
    }


def _section_schema(section: type[Section]) -> Schema:
    required = [name for name, field in section.fields.items() if field.is_required]
    return {
        "type": "object",
        "description": _plain_text(section.__doc__ or ""),
        "properties": {name: _setting_schema(field) for name, field in section.fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _setting_schema(field: Field[Any]) -> Schema:
    schema = {**_with_variables(field.kind.schema()), "description": _plain_text(field.doc)}
    is_shown = not field.is_required and field.default_factory is None and field.kind.form != "section"
    return {**schema, "default": field.kind.plain(field.kind(field.default))} if is_shown else schema


def _with_variables(schema: Any) -> Any:
    """``schema``, but that a variable may stand for each value."""
    if isinstance(schema, list):
        return [_with_variables(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "string", "pattern": _VARIABLE}]}
    if "pattern" in schema:
        return {**schema, "pattern": f"{schema['pattern']}|{_VARIABLE}"}
    return {word: _with_variables(part) for word, part in schema.items()}


def _plain_text(text: str) -> str:
    """``text`` of a docstring in one line, without the marks of its markup."""
    without_links = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(text.split()))
    return re.sub(r":class:`~?([^`]+)`|`+", lambda match: (match[1] or "").rsplit(".", 1)[-1], without_links)
