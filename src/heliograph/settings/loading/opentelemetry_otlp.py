"""OTEL_EXPORTER_OTLP_*: what they tell the exporters that all sources together ask for.

They fill in what an exporter was not told. What a file or a preset told the only OTLP exporter of its signal gives way to
them; what an argument or HELIOGRAPH_* said does not. Called by `opentelemetry.py`, after the merge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.settings.faults import shown_at
from heliograph.settings.loading.layer import Layer, Place, SourceKind
from heliograph.settings.loading.opentelemetry_changes import Changes
from heliograph.settings.loading.opentelemetry_endpoint import is_exact_url, is_grpc_port, with_scheme
from heliograph.settings.loading.opentelemetry_model import as_mapping, exporter_sections, kind_at
from heliograph.settings.loading.opentelemetry_otlp_rows import ENDPOINT, INSECURE, OPTIONS, PROTOCOL, ROWS, SIGNALS, Option
from heliograph.settings.loading.opentelemetry_served import serve
from heliograph.settings.loading.opentelemetry_variable import Variable

_DISABLED: Final = "OTEL_SDK_DISABLED"
_UNTOLD: Final = {"protocol": "http", "endpoint": "http://localhost"}


def otlp_options(values: Mapping[str, Any], kind_of: Callable[[Place], SourceKind], environ: Mapping[str, str]) -> Layer:
    """What the variables add to and change of ``values``, the settings that the sources make together. ``kind_of`` says what
    kind of source a place in them has its value from."""
    changes = Changes(values, kind_of, environ)
    taken: set[str] = set()
    for section in SIGNALS:
        is_named_here = _name_exporters(changes, section)
        entries = changes.exporters(section)
        positions = [position for position, entry in enumerate(entries) if entry.get("type") == "otlp"]
        if not positions:
            positions = _untold_jaeger(changes, section)
        for position in positions:
            taken |= _Exporter(changes, section, position, is_only=len(positions) == 1).fill()
        if is_named_here and "endpoint" not in entries[-1]:  # it cannot be used, which is said
            changes.forget_exporters(section)
    for row in ROWS:
        if changes.text(row.name) is not None and row.name not in taken:
            changes.note(f"{row.name} is ignored: {_why_not_taken(changes, row)}")
    serve(changes)
    if (changes.text(_DISABLED) or "").lower() == "true":  # whatever a source above it says
        changes.put(("enabled",), value=False, variable=_DISABLED)
    return changes.layer()


def _name_exporters(changes: Changes, section: str) -> bool:
    """Send a signal to the endpoint that is set for it, where no source names exporters of it."""
    name = next((each for each in ENDPOINT.variables(section) if changes.text(each) is not None), None)
    if name is None or changes.is_named(section):
        return False
    standing = [{"type": exporter.type} for exporter in _default_exporters(section)]
    changes.name_exporters(section, [*standing, {"type": "otlp"}], name)
    return True


def _default_exporters(section: str) -> Any:
    kind = kind_at((section,))
    return kind.section.fields["exporters"].default if kind.section is not None else ()


def _untold_jaeger(changes: Changes, section: str) -> list[int]:
    """Jaeger takes OTLP: the only one, if nobody said where it is and the environment does."""
    found = [position for position, entry in enumerate(changes.exporters(section)) if entry.get("type") == "jaeger"]
    is_said = any(changes.text(name) is not None for name in ENDPOINT.variables(section))
    is_untold = len(found) == 1 and "endpoint" not in changes.exporters(section)[found[0]]
    return found if is_said and is_untold else []


def _why_not_taken(changes: Changes, row: Variable) -> str:
    sections = dict.fromkeys(str(place[0]) for place in row.places)
    if any(entry.get("type") == "otlp" for section in sections for entry in changes.exporters(section)):
        if row.name.endswith(INSECURE.suffix):
            return "the endpoint is a URL whose scheme says otherwise"
        return "the 'otlp' exporters that it is for say it themselves; change it there"
    *some, last = (f"{section}.exporters" for section in sections)
    lists = f"{', '.join(some)} and {last} have" if some else f"{last} has"
    return f"{lists} no 'otlp'; name one there"


class _Exporter:
    """One exporter that speaks OTLP, and what the variables tell it."""

    def __init__(self, changes: Changes, section: str, position: int, *, is_only: bool) -> None:
        self._changes = changes
        self._section = section
        self._entry = changes.exporters(section)[position]
        self._place: Place = (section, "exporters", position)
        self._is_only = is_only
        self._fields = exporter_sections(section)[self._entry["type"]].fields
        self._taken: set[str] = set()

    def fill(self) -> set[str]:
        """Tell it all; returns the names of the variables that had a say."""
        self._set(PROTOCOL)
        self._set_endpoint()
        self._hear_insecure()
        for option in OPTIONS:
            if option.is_for(self._section) and option.place[0] in self._fields:
                self._set(option)
        return self._taken

    def _is_open(self, option: Option, names: list[str]) -> bool:
        """Whether the variables may say ``option``. Those that are outranked have been heard all the same."""
        place: Place = (*self._place, *option.place)
        told: Any = self._entry
        for part in option.place:
            told = told.get(part) if isinstance(told, Mapping) else getattr(told, str(part), None)
        is_outranked = told is not None and self._changes.is_outranked(place)
        if is_outranked or told is None or self._is_only:
            self._taken.update(names)
        return told is None or (self._is_only and not is_outranked)

    def _set(self, option: Option) -> None:
        names = [name for name in option.variables(self._section) if self._changes.text(name) is not None]
        if not names or not self._is_open(option, names):
            return
        for name in names:  # the next one, if the value of the stronger one cannot be used
            text = self._changes.text(name) or ""
            try:
                value = option.read(text)
                self._check(option, value)
            except ValueError as error:
                self._refuse(name, text, error)
                continue
            for remark in option.remarks(text):
                self._changes.note(f"{name}: {remark}")
            self._changes.put((*self._place, *option.place), value, name)
            return

    def _check(self, option: Option, value: Any) -> None:
        """Raise what the settings would have against ``value``, were it their own."""
        first, *rest = map(str, option.place)
        if rest:
            value = {**as_mapping(self._entry.get(first)), rest[0]: value}
        field = self._fields[first]
        meant = field.kind(value)
        if field.check is not None:
            field.check(meant, {**_UNTOLD, **self._entry})

    def _set_endpoint(self) -> None:
        section = self._section
        names = [name for name in ENDPOINT.variables(section) if self._changes.text(name) is not None]
        if not names or not self._is_open(ENDPOINT, names):
            return
        for name in names:
            text = self._changes.text(name) or ""
            is_grpc = self._entry.get("protocol", "grpc" if is_grpc_port(text) else "http") == "grpc"
            try:
                endpoint = with_scheme(text, is_insecure=bool(self._insecure()[1])) if is_grpc else text
                self._fields["endpoint"].kind(endpoint)
            except ValueError as error:
                self._refuse(name, text, error)
                continue
            self._put_endpoint(name, endpoint, is_grpc=is_grpc)
            return

    def _put_endpoint(self, name: str, endpoint: str, *, is_grpc: bool) -> None:
        if is_grpc and "protocol" not in self._entry:
            self._changes.put((*self._place, "protocol"), "grpc", name)
        if "append_path" in self._entry:  # it was said of the endpoint that gives way
            self._changes.drop((*self._place, "append_path"))
        self._changes.put((*self._place, "endpoint"), endpoint, name)
        is_of_signal = name == ENDPOINT.variables(self._section)[0]
        if is_of_signal and not is_grpc and not is_exact_url(endpoint, self._section):
            self._changes.put((*self._place, "append_path"), value=False, variable=name)
        if urlsplit(endpoint).scheme == "http" and self._entry.get("tls") is not None:
            self._changes.drop((*self._place, "tls"))
            self._changes.note(
                f"{name} is http://, so the 'tls' of {self._section}.exporters is ignored: nothing is encrypted"
            )

    def _hear_insecure(self) -> None:
        """What the endpoint says is heard; a variable that says otherwise is not."""
        name, is_insecure = self._insecure()
        is_http = str(self._entry.get("endpoint", _UNTOLD["endpoint"])).lower().startswith("http:")
        if name is not None and is_insecure in (is_http, None):
            self._taken.update(INSECURE.variables(self._section))

    def _insecure(self) -> tuple[str | None, bool | None]:
        """The variable that says whether there is encryption, and what it says if that can be used."""
        name = next((each for each in INSECURE.variables(self._section) if self._changes.text(each) is not None), None)
        if name is None:
            return None, None
        text = self._changes.text(name) or ""
        try:
            return name, INSECURE.read(text)
        except ValueError as error:
            self._refuse(name, text, error)
            return name, None

    def _refuse(self, name: str, text: str, error: ValueError) -> None:
        self._changes.note(f"{name} is ignored: given {shown_at((name,), text)}, expected {error}")
