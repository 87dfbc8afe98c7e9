"""What is wrong in given settings, in the user's terms: path, value given, what was expected."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from heliograph.errors import SettingsFault
from heliograph.settings.exporters import entries_form

# pydantic's error type -> what was expected, filled from the error's context. Types not in here say it in their own words.
_EXPECTED: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of names to values",
    "extra_forbidden": "no setting of this name",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "at most {le}",
    "literal_error": "one of {expected}",
    "mapping_type": "a mapping of names to values",
    "missing": "a value",
    "model_attributes_type": "a mapping of settings",
    "model_type": "a mapping of settings",
    "string_too_short": "text that is not empty",
    "string_type": "text",
    "too_short": "at least {min_length} entries",
    "tuple_type": "a list",
    "union_tag_invalid": "one of {expected_tags}",
    "union_tag_not_found": "a name such as 'console', or a mapping with 'type'",
    "value_error": "{error}",
}
_URL_CREDENTIALS: Final = re.compile(r"//[^/\s]*@")
_HEADER_NAME: Final = re.compile(r"[\w.-]{1,64}")
_TRACES_METRICS_LOGS: Final = ("tracing", "metrics", "logs")


def validation_faults(error: ValidationError, model: type[BaseModel]) -> list[SettingsFault]:
    """Translate every error that pydantic found in ``model`` into a fault."""
    faults: dict[SettingsFault, None] = {}
    for entry in error.errors(include_url=False):
        if entry["type"] != "default_factory_not_called":  # follows from another fault, which is listed
            faults[_fault(entry, model)] = None
    return list(faults)


def _fault(entry: Any, model: type[BaseModel]) -> SettingsFault:
    context = dict(entry.get("ctx", {}))
    expected = _EXPECTED.get(entry["type"], entry["msg"]).format_map(context)
    path = _path(entry["loc"])
    if entry["loc"][0] == "resource" and len(entry["loc"]) > 2:  # one error for each member of the union
        path, expected = _path(entry["loc"][:2]), "text, true or false, or a number"
    if entry["type"] == "extra_forbidden":
        expected += _suggestion(entry["loc"], model)
    if entry["type"] == "union_tag_invalid":
        return SettingsFault(path=f"{path}.type", given=repr(context["tag"]), expected=expected)
    given = "nothing" if entry["type"] == "missing" else _given(path, entry["input"])
    if entry["type"] == "extra_forbidden" and "exporters" in entry["loc"]:
        given = "[REDACTED]"
    return SettingsFault(path=path, given=given, expected=expected)


def _suggestion(location: Sequence[str | int], model: type[BaseModel]) -> str:
    """The setting that was probably meant, else all that there are; nothing inside lists, whose entries differ."""
    *sections, unknown = location
    for section in sections:
        field = model.model_fields.get(section) if isinstance(section, str) else None
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return ""
        model = field.annotation
    close = difflib.get_close_matches(str(unknown), model.model_fields, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(model.model_fields)}"


def _given(path: str, value: object) -> str:
    # Headers carry credentials: an error must not be the place that shows them.
    return "[REDACTED]" if ".headers" in path else reprlib.repr(_redacted(value))


def _redacted(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: "[REDACTED]" if "header" in str(k).lower() else _redacted(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    if isinstance(value, str) and "-----BEGIN" in value:  # a key where the path of its file belongs
        return "[REDACTED]"
    return _URL_CREDENTIALS.sub("//[REDACTED]@", value) if isinstance(value, str) else value


def _path(location: Sequence[str | int]) -> str:
    path = ""
    for position, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif position and isinstance(location[position - 1], int) and "exporters" in location[:position]:
            continue  # pydantic puts the exporter's type here, which is no setting
        elif position and location[position - 1] == "headers" and not _HEADER_NAME.fullmatch(part):
            path += ".[REDACTED]"  # no name, but perhaps a name and its value in one
        else:
            path += f".{part}" if path else str(part)
    return path or "settings"


def duplicate_destinations(given: Mapping[str, Any]) -> list[SettingsFault]:
    """One fault for each exporter whose name another exporter of its signal already has."""
    faults: list[SettingsFault] = []
    for section in _TRACES_METRICS_LOGS:
        values = given.get(section)
        entries = values.get("exporters") if isinstance(values, Mapping) else getattr(values, "exporters", None)
        seen: set[str] = set()
        for position, entry in enumerate(_sequence(entries_form(entries))):
            name = _destination(entry)
            if name is not None and name in seen:
                faults.append(
                    SettingsFault(
                        path=f"{section}.exporters[{position}].name",
                        given=repr(name),
                        expected="a name that no other exporter of this signal has; set 'name' to tell them apart",
                    )
                )
            elif name is not None:
                seen.add(name)
    return faults


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _destination(entry: Any) -> str | None:
    is_mapping = isinstance(entry, Mapping)
    name = entry.get("name") or entry.get("type") if is_mapping else getattr(entry, "destination", None)
    return name.strip() if isinstance(name, str) else None
