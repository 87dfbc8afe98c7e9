"""The settings as a page of the documentation, docs/configuration.md: an introduction, then every setting.

Made from the sections and kinds, the presets and `introduction.md` beside this file. `make generate` writes it, `make check`
compares it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from heliograph.settings.exporters import (
    ConsoleExporter,
    ExporterSettings,
    FileExporter,
    JaegerExporter,
    MemoryExporter,
    OtlpMetricExporter,
    PrometheusExporter,
    TlsFiles,
    log_exporters,
    metric_exporters,
    trace_exporters,
)
from heliograph.settings.kind import Kind
from heliograph.settings.model import TelemetrySettings
from heliograph.settings.presets import PRESETS
from heliograph.settings.section import Field, Section
from heliograph.settings.sections import sections_of

_EXPORTERS: Final[tuple[type[ExporterSettings], ...]] = (
    OtlpMetricExporter,
    JaegerExporter,
    PrometheusExporter,
    ConsoleExporter,
    FileExporter,
    MemoryExporter,
)
_LISTS: Final = {"tracing": trace_exporters, "metrics": metric_exporters, "logs": log_exporters}
_HEAD: Final = "| setting | type | default | |\n|---|---|---|---|"


def as_markdown() -> str:
    """The page."""
    introduction = (Path(__file__).parent / "introduction.md").read_text(encoding="utf-8")
    parts = [introduction.rstrip(), _presets(), "## Every setting", *_everything(), "## Exporters", *_exporters()]
    return "\n\n".join(parts) + "\n"


def _presets() -> str:
    values = {name: dict(_leaves(preset)) for name, preset in PRESETS.items()}
    paths = dict.fromkeys(path for preset in values.values() for path in preset)
    rows = [f"| `{path}` | {' | '.join(_code(preset.get(path)) for preset in values.values())} |" for path in paths]
    head = f"| | {' | '.join(f'`{name}`' for name in values)} |\n|---|{'---|' * len(values)}"
    return "\n".join([head, *rows])


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _code(value: object) -> str:
    """``value`` as a file has it; text without the marks that JSON needs."""
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _everything() -> Iterator[str]:
    """The settings beside all sections, then a table for each section and for what is listed in it."""
    fields = TelemetrySettings.fields
    yield _table(TelemetrySettings, [name for name, field in fields.items() if field.kind.section is None])
    for name, field in fields.items():
        if field.kind.section is not None:
            yield from _section(f"### {name}", f"{name}.", field.kind.section)


def _section(heading: str, path: str, section: type[Section], *, has_variables: bool = True) -> Iterator[str]:
    table = _table(section, list(section.fields), path, has_variables=has_variables)
    yield f"{heading}\n\n{_text(section.__doc__)}\n\n{table}"
    for name, field in section.fields.items():
        item = field.kind.item
        if item is not None and item.section is not None:
            yield from _section(f"#### {path}{name}", f"{path}{name}[].", item.section, has_variables=False)


def _table(section: type[Section], names: list[str], path: str = "", *, has_variables: bool = True) -> str:
    return "\n".join([_HEAD, *_rows(section, names, path, has_variables=has_variables)])


def _rows(section: type[Section], names: list[str], path: str, *, has_variables: bool) -> Iterator[str]:
    defaults = _defaults(section)
    for name in names:
        field = section.fields[name]
        if field.kind.section is not None and field.kind.section is not TlsFiles:
            yield from _rows(
                field.kind.section, list(field.kind.section.fields), f"{path}{name}.", has_variables=has_variables
            )
            continue
        variable = f"<br>`HELIOGRAPH_{f'{path}{name}'.upper().replace('.', '__')}`" if has_variables else ""
        yield f"| `{path}{name}`{variable} | {_type(field.kind, path + name)} | {defaults[name]} | {field.doc} |"


def _defaults(section: type[Section]) -> dict[str, str]:
    """What each setting is when it is not given, those that follow from others when these are not either."""
    values: dict[str, Any] = {}
    shown: dict[str, str] = {}
    for name, field in section.fields.items():
        if field.is_required:
            shown[name] = "must be given"
            continue
        values[name] = field.kind(field.default_factory(values) if field.default_factory else field.default)
        shown[name] = _default(field, values[name])
    return shown


def _default(field: Field[Any], value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "none" if value is None else "empty"
    if field.kind.item is not None and field.kind.item.form == "one_of":
        return _code([exporter.type for exporter in value])
    return _code(field.kind.plain(value))


def _type(kind: Kind[Any], path: str) -> str:
    may_be_none = ", or none" if kind.is_optional else ""
    if kind.form == "section":
        return f"section{may_be_none}"
    if kind.item is None:
        return kind.noun.replace("'", "`") + may_be_none
    inner = _type(kind.item, path)
    if sections_of(kind.item):
        heading = "exporters" if kind.item.form == "one_of" else re.sub(r"[.\[\]]", "", path)
        return f"list, [below](#{heading}){may_be_none}"
    return f"{'list of' if kind.form == 'list' else 'names, each with'} {inner}{may_be_none}"


def _exporters() -> Iterator[str]:
    lines = [f"- `{name}.exporters`: {', '.join(f'`{word}`' for word in _words(kind))}" for name, kind in _LISTS.items()]
    yield "\n".join(["Which types there are for what:", "", *lines])
    for section in _EXPORTERS:
        word = section.fields["type"].default
        names = [name for name in section.fields if name != "type"]
        table = _table(section, names, "exporters[].", has_variables=False)
        yield f"### {word}\n\n{_text(section.__doc__)}\n\n{table}"
    yield from _section("### tls", "exporters[].tls.", TlsFiles, has_variables=False)


def _words(kind: Kind[Any]) -> Mapping[str, type[Section]]:
    return kind.item.sections if kind.item is not None else {}


def _text(docstring: str | None) -> str:
    return " ".join((docstring or "").replace("``", "`").split())


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
