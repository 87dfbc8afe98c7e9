"""The entries of an ``exporters`` list: the forms in which a user may write one, as a kind of setting.

An entry may be the bare name (``"console"``, ``"Console"``), a mapping with ``type`` (``{"type": "jaeger", "endpoint": ...}``)
or a mapping of one name to its options (``{"Jaeger": {"endpoint": ...}}``). Called by `exporters.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from heliograph.settings.kind import Kind, Schema
from heliograph.settings.kinds import S, by_type, choice, either_case, list_of
from heliograph.settings.section import Section


def entry_form(entry: object) -> object:
    """Bring any of the three spellings of an exporter entry to the mapping with ``type``; leave others for validation."""
    if isinstance(entry, str):
        return {"type": entry.strip().lower()}
    if isinstance(entry, Mapping):
        if "type" in entry:
            given = entry["type"]
            return {**entry, "type": given.strip().lower()} if isinstance(given, str) else dict(entry)
        if len(entry) == 1:
            ((name, options),) = entry.items()
            if isinstance(name, str) and (options is None or isinstance(options, Mapping)):
                return {**(options or {}), "type": name.strip().lower()}
    return entry


def entries_form(entries: object) -> object:
    """Apply :func:`entry_form` to each entry of a list; anything that is no list is left for validation."""
    return [entry_form(entry) for entry in entries] if isinstance(entries, (list, tuple)) else entries


def type_word(literal: Any) -> Kind[Any]:
    """The kind of the setting ``type``: a ``Literal`` of one word, which in a list may be written in upper case too."""
    return Kind(choice(literal), "word", lambda: _words_schema(get_args(literal)), is_text=True)


def exporters_of(*sections: type[S]) -> Kind[tuple[S, ...]]:
    """The kind of setting that lists exporters, each one of ``sections`` in any of its spellings."""
    kind = by_type(*sections)
    return list_of(
        Kind(
            lambda entry: kind(entry_form(entry)),
            "exporter",
            lambda: _entry_schema(kind.sections),
            form=kind.form,
            sections=kind.sections,
        )
    )


def _words_schema(words: Sequence[str]) -> Schema:
    return {"anyOf": [{"enum": list(words)}, {"type": "string", "pattern": f"^\\s*({either_case(words)})\\s*$"}]}


def _entry_schema(sections: Mapping[str, type[Section]]) -> Schema:
    """The three spellings: a name, a mapping with ``type``, a mapping of one name to its options."""
    references = {word: {"$ref": f"#/$defs/{section.__name__}"} for word, section in sections.items()}
    complete = [word for word, section in sections.items() if not any(field.is_required for field in section.fields.values())]
    options = {
        word: {"anyOf": [reference, {"type": "null"}]} if word in complete else reference
        for word, reference in references.items()
    }
    by_name = {f"^\\s*{either_case([word])}\\s*$": fitting for word, fitting in options.items()}
    return {
        "anyOf": [
            *_words_schema(complete)["anyOf"],
            *({**reference, "required": ["type"]} for reference in references.values()),
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "patternProperties": by_name,
                "additionalProperties": False,
            },
        ]
    }
