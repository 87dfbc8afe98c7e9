"""The layer of one file: YAML, JSON or TOML, in our own terms or in those of OpenTelemetry's declarative configuration.

Called by `load.py` with the file that `finding.py` chose. The readers are imported when a file of theirs is there.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from heliograph.errors import SettingsFault
from heliograph.settings.faults import name_of, path_of
from heliograph.settings.loading.document import Node, Repeated, UnreadableError
from heliograph.settings.loading.finding import Choice
from heliograph.settings.loading.layer import Layer
from heliograph.settings.loading.settling import Settling
from heliograph.settings.loading.substitution import Substitution
from heliograph.settings.model import TelemetrySettings

Environ: TypeAlias = Mapping[str, str]

_TABLE: Final = ("tool", "heliograph")


class _Format(NamedTuple):
    name: str
    read: Callable[[str], tuple[Node, list[Repeated]]]
    typed: Callable[[str], Any]


class _Settings(NamedTuple):
    """The nodes of the settings, the names that lead to them in the file, and what is to be said of the names beside them."""

    nodes: Mapping[str, Node]
    prefix: tuple[str, ...]
    notices: tuple[str, ...]


class _FaultyError(Exception):
    def __init__(self, fault: SettingsFault) -> None:
        self.fault = fault


def file_layer(choice: Choice, environ: Environ) -> Layer:
    """What the file sets, variables put in. What is wrong with it is in the layer's faults."""
    try:
        file_format = _format_of(choice)
        text = _text_of(choice)
        root, repeated = _read(text, file_format, choice)
        nodes, prefix, notices = _settings_in(root, choice)
    except _FaultyError as error:
        return Layer(kind="file", values={}, faults=(error.fault,))
    faults = [_repeated_fault(each, prefix, choice.shown) for each in repeated if each.place[: len(prefix)] == prefix]
    is_declarative = choice.is_declarative or "file_format" in nodes
    substitution = Substitution(environ, file_format.typed, choice.shown, is_lenient=is_declarative)
    filled = {name: substitution.applied(node, (name,)) for name, node in nodes.items()}
    faults += dict.fromkeys(substitution.faults)
    if is_declarative:
        from heliograph.settings.loading.declaring import declared  # few have such a file  # noqa: PLC0415

        return declared(filled, choice.shown, faults)
    settling = Settling(lambda line: f"{choice.shown}:{line}")
    values = settling.section(filled, TelemetrySettings)
    places = {(): choice.shown, **settling.places}
    return Layer(
        kind="file",
        values=values,
        places=places,
        written=settling.written,
        notices=notices,
        faults=tuple(faults),
    )


def _yaml() -> _Format:
    from heliograph.settings.loading.yaml_reader import plain_value, read_yaml  # loads PyYAML  # noqa: PLC0415

    return _Format("YAML", read_yaml, plain_value)


def _json() -> _Format:
    from heliograph.settings.loading.json_reader import read_json  # few need it  # noqa: PLC0415

    return _Format("JSON", read_json, str)


def _toml() -> _Format:
    from heliograph.settings.loading.toml_reader import read_toml  # few need it  # noqa: PLC0415

    return _Format("TOML", lambda text: (read_toml(text), []), str)


_FORMATS: Final[Mapping[str, Callable[[], _Format]]] = {".yaml": _yaml, ".yml": _yaml, ".json": _json, ".toml": _toml}


def _format_of(choice: Choice) -> _Format:
    find = _FORMATS.get(choice.path.suffix.lower())
    if find is None:
        *some, last = _FORMATS
        raise _faulty(choice, repr(choice.shown), f"a name that ends in {', '.join(some)} or {last}, which says its format")
    return find()


def _text_of(choice: Choice) -> str:
    try:
        if not stat.S_ISREG(choice.path.stat().st_mode):
            raise _faulty(choice, repr(choice.shown), "an ordinary file")  # a pipe could keep the start waiting
        content = choice.path.read_bytes()
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        problem = error.strerror if isinstance(error, OSError) else error
        expected = f"a file that can be read, but: {problem}; correct the name, or what may be read"
        raise _faulty(choice, repr(choice.shown), expected) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _faulty(choice, "bytes that are no text", "text in UTF-8", line) from None


def _read(text: str, file_format: _Format, choice: Choice) -> tuple[Node, list[Repeated]]:
    name = file_format.name
    try:
        return file_format.read(text)
    except UnreadableError as error:
        raise _faulty(choice, f"what is no {name}", f"{name} that can be read; {error.problem}", error.line) from None


def _settings_in(root: Node, choice: Choice) -> _Settings:
    prefix: tuple[str, ...] = ()
    nodes = _mapping(root, choice)
    if choice.path.name == "pyproject.toml":
        for name in _TABLE:
            if name not in nodes:
                raise _faulty(choice, "a pyproject.toml", "a table [tool.heliograph] in it")
            nodes = _mapping(nodes[name], choice)
        prefix = _TABLE
    if "telemetry" not in nodes or set(nodes) & set(TelemetrySettings.fields):
        return _Settings(nodes, prefix, ())
    beside = tuple(  # the file may be the application's own
        f"{choice.shown}:{node.line}: {name_of(name)} is ignored, since it is beside 'telemetry'; move it below, if it is ours"
        for name, node in nodes.items()
        if name != "telemetry"
    )
    return _Settings(_mapping(nodes["telemetry"], choice), (*prefix, "telemetry"), beside)


def _mapping(node: Node, choice: Choice) -> Mapping[str, Node]:
    if node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        noun = "a list" if isinstance(node.value, list) else "a single value"
        raise _faulty(choice, noun, "a mapping of settings", node.line)
    return node.value


def _faulty(choice: Choice, given: str, expected: str, line: int | None = None) -> _FaultyError:
    where = choice.where if line is None else f"{choice.shown}:{line}"
    return _FaultyError(SettingsFault(path="file", given=given, expected=expected, where=where))


def _repeated_fault(repeated: Repeated, prefix: tuple[str, ...], shown: str) -> SettingsFault:
    return SettingsFault(
        path=path_of(repeated.place[len(prefix) :]),
        given="a second time",
        expected=f"each name once; it is on line {repeated.first_line} already",
        where=f"{shown}:{repeated.line}",
    )
