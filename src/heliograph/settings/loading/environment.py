"""The layer of the variables ``HELIOGRAPH_<SECTION>__<SETTING>``. Called by `load.py`; `variables.py` knows their names.

An empty variable is none. Lists are JSON or separated by commas, mappings JSON or ``NAME=VALUE,...``, sections JSON; ``null``
is None where a setting may be that. A variable for a part wins over one for what is around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from heliograph.errors import SettingsFault
from heliograph.settings.faults import path_of, shown_at
from heliograph.settings.kind import Kind
from heliograph.settings.loading.layer import Layer, Place
from heliograph.settings.loading.settling import Settling
from heliograph.settings.loading.variables import PREFIX, SEPARATOR, found_variable, ignored

_NO_SETTING: Final = "HELIOGRAPH_CONFIG_FILE"
_FORMS: Final[Mapping[str, str]] = {
    "list": "JSON such as '[...]', or values separated by commas",
    "mapping": "JSON such as '{...}', or NAME=VALUE separated by commas",
    "section": "JSON such as '{...}', or a variable for each of its settings",
    "one_of": "JSON such as '{...}'",
    "scalar": "a value",
}


class _UnfitError(Exception):
    """The text of a variable is not in any form that its setting has; ``given`` is what may be shown of it."""

    def __init__(self, given: str, expected: str) -> None:
        self.given = given
        self.expected = expected


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """What these variables set. A value that does not fit is a fault, a name that is none a notice."""
    names = [name for name, text in environ.items() if name.startswith(PREFIX) and text.strip() and name != _NO_SETTING]
    reading = _Reading()
    for name in sorted(names, key=lambda name: (name.count(SEPARATOR), name)):  # what is around a part comes before it
        reading.read(name, environ[name].strip())
    return Layer(
        kind="environment",
        values=reading.values,
        places=reading.places,
        notices=tuple(reading.notices),
        faults=tuple(reading.faults),
    )


class _Reading:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.places: dict[Place, str] = {}
        self.notices: list[str] = []
        self.faults: list[SettingsFault] = []

    def read(self, name: str, text: str) -> None:
        found = found_variable(name)
        if found is None:
            self.notices.append(ignored(name))
            return
        place, kind = found
        settling = Settling(lambda line: name)
        try:
            value = _value(text, kind, place, settling)
        except _UnfitError as unfit:
            self.faults.append(SettingsFault(path=path_of(place), given=unfit.given, expected=unfit.expected, where=name))
            return
        self.places |= {**settling.places, place: name}
        self._set(place, value)

    def _set(self, place: Place, value: Any) -> None:
        around = self.values
        for part in place[:-1]:
            around = around.setdefault(str(part), {})
        around[str(place[-1])] = value


def _value(text: str, kind: Kind[Any], place: Place, settling: Settling) -> Any:
    if kind.is_optional and text == "null":
        return None
    if kind.form == "scalar":
        return _words(kind).get(text.casefold(), text)
    if text[0] in "{[":
        return _from_json(text, kind, place, settling)
    if kind.form == "list":
        return [entry.strip() for entry in text.split(",") if entry.strip()]
    if kind.form == "mapping":
        return dict(_pair(entry, place) for entry in text.split(",") if entry.strip())
    raise _UnfitError(shown_at(place, text), _FORMS[kind.form])


def _words(kind: Kind[Any]) -> Mapping[str, str]:
    """Those that a choice is made from: who writes a variable by hand writes ``info`` as well as ``INFO``."""
    schema = kind.schema()
    words = next((each["enum"] for each in (schema, *schema.get("anyOf", ())) if "enum" in each), ())
    return {word.casefold(): word for word in words if isinstance(word, str)}


def _pair(entry: str, place: Place) -> tuple[str, str]:
    name, sign, value = entry.partition("=")
    if not sign or not name.strip():
        raise _UnfitError(shown_at(place, entry), _FORMS["mapping"])
    return name.strip(), value.strip()


def _from_json(text: str, kind: Kind[Any], place: Place, settling: Settling) -> Any:
    from heliograph.settings.loading.document import UnreadableError  # few variables are JSON  # noqa: PLC0415
    from heliograph.settings.loading.json_reader import read_json  # noqa: PLC0415

    try:
        node, repeated = read_json(text)
    except UnreadableError as error:  # it may hold headers, so nothing of it is shown
        raise _UnfitError("what is no JSON", f"{_FORMS[kind.form]}; {error.problem}") from None
    if repeated:
        raise _UnfitError(f"{path_of(repeated[0].place)} a second time", "each name once")
    wanted = list if kind.form == "list" else Mapping
    if not isinstance(node.value, wanted):
        raise _UnfitError("a list" if isinstance(node.value, list) else "a mapping", _FORMS[kind.form])
    return settling.value(node, kind, place)
